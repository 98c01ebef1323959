/** Files that are there and whole, or not there: written under a temporary name, brought to the disk, renamed. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HiperceiverError } from '../../errors/index.js';
import { systemReason } from './systemReason.js';
import { BLOCK, formatHeader, padded } from './tarHeader.js';

/** Blocks of zeros at the end: tar programs write tars in records of twenty blocks, and two zero blocks end one. */
const RECORD = 20 * BLOCK;

/** A tar in the making. Nothing bears its name before `finish`. */
export class ShardFile {
  /** Bytes written so far. */
  bytes = 0;
  private handle: FileHandle | undefined;

  private constructor(
    readonly path: string,
    private readonly temporary: string,
  ) {}

  /** Starts a shard; its folder is made where it is missing. What a killed run left of it is overwritten. */
  static async create(path: string): Promise<ShardFile> {
    const shard = new ShardFile(path, join(dirname(path), `.${basename(path)}.tmp`));
    await writing(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      shard.handle = await open(shard.temporary, 'w');
    });
    return shard;
  }

  /** Appends files. */
  async append(files: readonly { name: string; content: Uint8Array }[]): Promise<void> {
    const pieces: Uint8Array[] = [];
    for (const { name, content } of files) {
      pieces.push(formatHeader(name, content.length), content, new Uint8Array(padded(content.length) - content.length));
    }
    await this.write(Buffer.concat(pieces));
  }

  /** Ends the tar, brings it to the disk and gives it its name. */
  async finish(): Promise<void> {
    await this.write(new Uint8Array(finishedBytes(this.bytes) - this.bytes));
    await writing(this.path, async () => {
      await this.handle?.sync();
      await this.close();
      await rename(this.temporary, this.path);
      await syncFolder(dirname(this.path));
    });
  }

  /** Removes what was written so far. */
  async discard(): Promise<void> {
    await this.close();
    await rm(this.temporary, { force: true });
  }

  private async write(bytes: Uint8Array): Promise<void> {
    await writing(this.path, async () => {
      for (let at = 0; at < bytes.length; )
        at += (await (this.handle as FileHandle).write(bytes, at, bytes.length - at)).bytesWritten;
    });
    this.bytes += bytes.length;
  }

  private async close(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
  }
}

/** Bytes of a tar with so many bytes of members. */
export function finishedBytes(bytes: number): number {
  return Math.ceil((bytes + 2 * BLOCK) / RECORD) * RECORD;
}

/** Bytes that files take in a tar. */
export function memberBytes(files: readonly { name: string; content: Uint8Array }[]): number {
  return files.reduce(
    (sum, { name, content }) => sum + formatHeader(name, content.length).length + padded(content.length),
    0,
  );
}

/** Writes a small text file atomically. @throws HiperceiverError that names it */
export async function writeText(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  });
}

/** Makes names durable. Windows cannot open folders, and needs it not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writing(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isFull = /ENOSPC|EDQUOT/.test(systemReason(error));
    const way = isFull ? 'free space and run it again, or choose another folder' : 'choose another folder';
    throw new HiperceiverError(`"${path}" could not be written (${systemReason(error)}): ${way}.`, { cause: error });
  }
}
