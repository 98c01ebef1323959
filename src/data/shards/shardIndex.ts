/** What an opened set of shards is: places of byte ranges, and nothing read. */
import { ensure } from '../../errors/index.js';

/** `size` of a part that a sample lacks. */
export const ABSENT = 0xffffffff;

/** One part (`jpg`, `cls`, `seg.png`) of every sample, by row. */
export interface PartColumn {
  /** Which of the shards; the same array in every part, since a sample lies in one shard. */
  shard: Uint32Array;
  /** First byte of the content in the shard. */
  offset: Float64Array;
  /** Bytes of the content, {@link ABSENT} where the sample lacks the part. */
  size: Uint32Array;
}

/**
 * The samples of a set of tar files. It is structured-cloneable; its arrays lie on shared memory, so that a worker thread
 * receives it without a copy: 12 bytes per part, 14 and the key’s length per sample.
 */
export interface ShardIndex {
  /** Paths of the shards. */
  shards: string[];
  /** Bytes of each shard when it was opened; one that has changed since is refused. */
  shardBytes: Float64Array;
  /** Samples. */
  size: number;
  /** Keys in UTF-8, one after the other: row i has `bytes[start[i] … start[i] + length[i])`. */
  keys: { bytes: Uint8Array; start: Float64Array; length: Uint16Array };
  /** By extension, without the dot and in lower case. */
  parts: Record<string, PartColumn>;
  /** Sentences on what was left out, for the user. */
  remarks: string[];
}

/** The key of a sample: its members' path up to the first dot of the file's own name. */
export function sampleKey({ keys }: ShardIndex, row: number): string {
  const { bytes, start, length } = keys;
  // A copy: decoders do not take shared memory.
  return Buffer.from(bytes.subarray(start[row], start[row] + length[row])).toString('utf8');
}

/** Whether a sample has a part. */
export function hasPart(index: ShardIndex, part: string, row: number): boolean {
  return Object.hasOwn(index.parts, part) && index.parts[part].size[row] !== ABSENT;
}

/** The first of several alternatives (`['jpg', 'png']`) that a sample has, or undefined. */
export function presentPart(index: ShardIndex, parts: string | readonly string[], row: number): string | undefined {
  if (typeof parts === 'string') return hasPart(index, parts, row) ? parts : undefined;
  return parts.find((part) => hasPart(index, part, row));
}

/** The rows of the samples that have each of the parts; a list among them stands for any of its members. */
export function rowsWith(index: ShardIndex, ...parts: (string | readonly string[])[]): Int32Array {
  const rows = Int32Array.from({ length: index.size }, (_, row) => row);
  return rows.filter((row) => parts.every((part) => presentPart(index, part, row) !== undefined));
}

/** The index that holds only the given rows, in their order. */
export function selectSamples(index: ShardIndex, rows: Int32Array): ShardIndex {
  const { keys, parts } = index;
  const columns = Object.values(parts);
  const shard = columns.length > 0 ? pickWords(columns[0].shard, rows) : new Uint32Array(0);
  return {
    ...index,
    size: rows.length,
    keys: { bytes: keys.bytes, start: pickFloats(keys.start, rows), length: pickLengths(keys.length, rows) },
    parts: Object.fromEntries(
      Object.entries(parts).map(([name, { offset, size }]) => [
        name,
        { shard, offset: pickFloats(offset, rows), size: pickWords(size, rows) },
      ]),
    ),
  };
}

/** What to call a part of a sample in a message: `train-000001.tar:photos/000123.jpg`. */
export function memberName(index: ShardIndex, parts: string | readonly string[], row: number): string {
  const part = presentPart(index, parts, row) ?? (typeof parts === 'string' ? parts : parts[0]);
  return `${index.shards[shardOf(index, row)]}:${sampleKey(index, row)}.${part}`;
}

/** The shard in which a sample lies. */
export function shardOf({ parts }: ShardIndex, row: number): number {
  for (const name in parts) return parts[name].shard[row];
  return 0;
}

/** The rows that lie in each shard. @throws never; a shard may have none */
export function rowsByShard(index: ShardIndex): Int32Array[] {
  const counts = new Int32Array(index.shards.length);
  for (let row = 0; row < index.size; row++) counts[shardOf(index, row)]++;
  const rows = Array.from(counts, (count) => new Int32Array(count));
  counts.fill(0);
  for (let row = 0; row < index.size; row++) {
    const shard = shardOf(index, row);
    rows[shard][counts[shard]++] = row;
  }
  return rows;
}

/** An empty array of `length` 32-bit words on shared memory. */
export const sharedWords = (length: number): Uint32Array => new Uint32Array(new SharedArrayBuffer(4 * length));
/** An empty array of `length` doubles on shared memory. */
export const sharedFloats = (length: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * length));
/** An empty array of `length` key lengths on shared memory. */
export const sharedLengths = (length: number): Uint16Array => new Uint16Array(new SharedArrayBuffer(2 * length));

function pickWords(from: Uint32Array, rows: Int32Array): Uint32Array {
  return picked(from, sharedWords(rows.length), rows);
}

function pickFloats(from: Float64Array, rows: Int32Array): Float64Array {
  return picked(from, sharedFloats(rows.length), rows);
}

function pickLengths(from: Uint16Array, rows: Int32Array): Uint16Array {
  return picked(from, sharedLengths(rows.length), rows);
}

function picked<A extends Uint32Array | Float64Array | Uint16Array>(from: A, to: A, rows: Int32Array): A {
  for (let i = 0; i < rows.length; i++) {
    ensure(
      rows[i] >= 0 && rows[i] < from.length,
      () => `Row ${rows[i]} is none of the ${from.length} samples: choose another.`,
    );
    to[i] = from[rows[i]];
  }
  return to;
}
