/** Files inside `.tar`, `.tar.gz` and `.tgz`, read to shared memory without unpacking to disk. */
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { damaged, joinShared, openStream } from '../bytes.js';
import type { KindName } from '../kinds/index.js';
import type { PackedSource } from '../source.js';
import { naturalOrder } from './format.js';
import { endingsOf, nounOf } from './kindOf.js';
import { isWanted } from './listing.js';

/** More encoded bytes than this belong on disk. */
const LARGEST = 4 * 2 ** 30;

/** An archive's name without its ending, or undefined for other files. */
export function archiveStem(name: string): string | undefined {
  return /^(.+?)\.(?:tar|tar\.gz|tgz)$/i.exec(name)?.[1];
}

/**
 * The files of a kind in an archive in natural order; with `keepBytes` false only their names are read.
 * @throws HiperceiverError where the archive is damaged or holds more than 4 GiB of them.
 */
export async function readArchive(path: string, kind: KindName, keepBytes: boolean): Promise<PackedSource> {
  const endings = endingsOf(kind);
  const entries: { file: string; chunks: Uint8Array[]; size: number }[] = [];
  let total = 0;
  const extract = tar.extract();
  extract.on('entry', (header, stream, next) => {
    const file = header.name.replace(/^(\.?\/)+/, '');
    const wanted = header.type === 'file' && isWanted(file, endings);
    const entry = { file, chunks: [] as Uint8Array[], size: header.size ?? 0 };
    if (wanted) entries.push(entry);
    if (wanted && keepBytes) {
      total += entry.size;
      if (total > LARGEST) {
        extract.destroy(
          new HiperceiverError(`"${path}" holds more than 4 GiB of ${nounOf(kind)}s: unpack it and give the folder.`),
        );
        return;
      }
      stream.on('data', (chunk) => entry.chunks.push(chunk as Uint8Array));
    }
    // A broken archive breaks its open entry too; the pipeline below reports it once.
    stream.on('error', () => undefined);
    stream.on('end', next);
    stream.resume();
  });
  try {
    await pipeline(openStream(path), extract);
  } catch (error) {
    throw error instanceof HiperceiverError ? error : damaged(path, error);
  }
  entries.sort((a, b) => naturalOrder(a.file, b.file));
  const ends = new Float64Array(entries.length);
  const starts = new Float64Array(entries.length);
  let at = 0;
  for (const [i, entry] of entries.entries()) {
    starts[i] = at;
    at += keepBytes ? entry.size : 0;
    ends[i] = at;
  }
  const bytes = joinShared(entries.flatMap((entry) => entry.chunks));
  ensure(bytes.length === at, () => damaged(path, 'an entry is shorter than its header says').message);
  return { kind: 'packed', name: path, bytes, starts, ends, files: entries.map((entry) => entry.file) };
}
