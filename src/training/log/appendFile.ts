/** Appending to a log, record by record, so that a reader never finds half a record unless the process was killed in it. */

import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeError } from '../../checkpoint/index.js';

/** A file that only grows, by whole records. */
export class AppendFile {
  private readonly descriptor: number;
  private size: number;

  /**
   * Opens a file at its end; it and its folder are made where they are missing.
   * @param options.exclusive refuse a file that is there (`EEXIST`).
   */
  constructor(
    readonly path: string,
    options: { exclusive?: boolean } = {},
  ) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.descriptor = openSync(path, options.exclusive ? 'ax' : 'a');
      this.size = fstatSync(this.descriptor).size;
    } catch (error) {
      throw options.exclusive ? error : writeError(error, path);
    }
  }

  /** Writes one record. Where it fits only in part (a full disk), the part is taken back before the error is thrown. */
  append(record: Uint8Array): void {
    try {
      for (let offset = 0; offset < record.byteLength; ) offset += writeSync(this.descriptor, record, offset);
      this.size += record.byteLength;
    } catch (error) {
      ftruncateSync(this.descriptor, this.size);
      throw writeError(error, this.path);
    }
  }

  /** Brings what was appended to the disk, so that it survives a loss of power too, and closes the file. */
  close(): void {
    fsyncSync(this.descriptor);
    closeSync(this.descriptor);
  }
}
