import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HiperceiverError } from '../errors/index.js';

/** A reading stream of a file, inflated where its name ends in `.gz` or `.tgz`; errors of both stages reach the reader. */
export function openStream(path: string): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (!/\.(gz|tgz)$/i.test(path)) return file;
  const inflated = createGunzip({ chunkSize: 1 << 18 });
  file.on('error', (error) => inflated.destroy(error));
  inflated.on('close', () => file.destroy());
  return file.pipe(inflated);
}

/**
 * The whole content of a file on a `SharedArrayBuffer`, so that worker threads share it; `.gz` is inflated.
 * It arrives in pieces, so that the calling thread stays live.
 * @throws HiperceiverError where the file cannot be read or its compression is damaged.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of openStream(path)) chunks.push(chunk as Uint8Array);
  } catch (error) {
    throw damaged(path, error);
  }
  return joinShared(chunks);
}

/** Pieces copied one after the other to one shared buffer. */
export function joinShared(chunks: Uint8Array[]): Uint8Array {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const joined = new Uint8Array(new SharedArrayBuffer(total));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

/** The error for a file that could not be read to its end. */
export function damaged(path: string, cause: unknown): HiperceiverError {
  // The first sentence says what is wrong; some libraries go on with guesses.
  const reason = (cause instanceof Error ? cause.message : String(cause)).split(/\.\s/)[0];
  return new HiperceiverError(`"${path}" could not be read to its end (${reason}): replace it by an intact copy.`);
}

/** The lines of a text file without empty ones at its end (class names), or undefined where there is no such file. */
export async function readLines(path: string): Promise<string[] | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
}
