/** Parts of files, read to their last byte or refused with a sentence. */

import { type FileHandle, open } from 'node:fs/promises';
import { ensure, HiperceiverError } from '../errors/index.js';
import { readError } from './ioErrors.js';

/** The kernel moves at most 2 GiB a call; a piece of this size is far below it and large enough to cost nothing. */
export const PIECE_BYTES = 2 ** 28;

/** Opens a file for reading, for as long as `use` takes. @throws HiperceiverError that names the file where it cannot be read. */
export async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    return await use(handle);
  } catch (error) {
    throw readError(error, path);
  } finally {
    await handle?.close();
  }
}

/** Fills `target` from `position` on. @throws HiperceiverError where the file ends before. */
export async function readInto(path: string, handle: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let offset = 0; offset < target.byteLength; ) {
    const piece = Math.min(PIECE_BYTES, target.byteLength - offset);
    const { bytesRead } = await handle.read(target, offset, piece, position + offset);
    ensure(bytesRead > 0, () => `${path} became shorter while it was read: read it again when nobody writes it.`);
    offset += bytesRead;
  }
}

/** `length` bytes from `position` on, in memory of their own. */
export async function readRange(
  path: string,
  handle: FileHandle,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(memory(length, path));
  await readInto(path, handle, bytes, position);
  return bytes;
}

/** Memory for `bytes` bytes of `what`. @throws HiperceiverError where the machine has not so much. */
export function memory(bytes: number, what: string): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    throw new HiperceiverError(`${what} takes ${bytes} bytes, which this machine's memory does not hold.`);
  }
}
