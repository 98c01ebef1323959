/** Where the bytes of examples come from: plain, structured-cloneable records, so that a worker thread can decode them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BandStack, cutBands } from './bands/bandStack.js';
import { cutLabels, type LabelMap } from './labelMaps/labelMap.js';
import { readMember } from './shards/readMember.js';
import { memberName, type ShardIndex, selectSamples } from './shards/shardIndex.js';

/** One decoded image, row-major with the channel last: `data` is `[height, width, channels]`. */
export interface RawImage {
  width: number;
  height: number;
  channels: number;
  /** 0 … 255 for bytes; floats are taken as they are, 0 … 1 by convention. */
  data: Uint8Array | Float32Array;
}

/** The shape that all images of a set share. */
export interface ImageShape {
  height: number;
  width: number;
  channels: number;
}

/** Encoded files on disk (JPEG, WAV, MP4, …). */
export interface FileSource {
  kind: 'files';
  root: string;
  /** Paths below `root`, one per example. */
  files: string[];
}

/** Encoded files held in shared memory, as read from an archive. */
export interface PackedSource {
  kind: 'packed';
  /** The archive's path, for messages. */
  name: string;
  /** Concatenated files, on a `SharedArrayBuffer`. */
  bytes: Uint8Array;
  /** Example i is `bytes[starts[i] … ends[i])`. */
  starts: Float64Array;
  ends: Float64Array;
  files: string[];
}

/** Decoded images of one shape held in shared memory (idx, CIFAR binary, npy). */
export interface PixelSource {
  kind: 'pixels';
  /** The file's path, for messages. */
  name: string;
  shape: ImageShape;
  /** Stored `[image, channel, y, x]` (CIFAR) instead of `[image, y, x, channel]`. */
  planar: boolean;
  data: Uint8Array | Float32Array;
  /** Example i is stored image `rows[i]`. */
  rows: Int32Array;
}

/** Encoded files of which an example has one. */
export type EncodedSource = FileSource | PackedSource;

/** Examples of several encoded files each, by part: an image and its label map. All parts have the same rows. */
export interface PartsSource {
  kind: 'parts';
  parts: Record<string, EncodedSource>;
}

/** Decoded rasters held in memory, cut into tiles. */
export interface RasterSource {
  kind: 'rasters';
  rasters: { name: string; stack: BandStack; labels?: LabelMap }[];
  /** Of each example: number of its raster, top, left, height, width. */
  tiles: Int32Array;
}

/** Samples of sharded tar files, read at their places. */
export interface ShardSource {
  kind: 'shards';
  index: ShardIndex;
  /** The extensions that each part goes by. */
  parts: Record<string, string[]>;
}

/** Any of the places that examples come from. */
export type Source = EncodedSource | PartsSource | ShardSource | PixelSource | RasterSource;

/** The encoded files of one example, by part. */
export type EncodedParts = Record<string, Uint8Array>;

/** What an example is named after. */
function firstPart(source: EncodedSource | PartsSource): EncodedSource {
  return source.kind === 'parts' ? Object.values(source.parts)[0] : source;
}

/** How many examples a source has. */
export function sourceSize(source: Source): number {
  if (source.kind === 'pixels') return source.rows.length;
  if (source.kind === 'rasters') return source.tiles.length / 5;
  if (source.kind === 'shards') return source.index.size;
  return firstPart(source).files.length;
}

/** The source that holds only the given rows, in their order. Bytes are shared, not copied. */
export function selectRows<S extends Source>(source: S, rows: Int32Array): S;
export function selectRows(source: Source, rows: Int32Array): Source {
  switch (source.kind) {
    case 'parts':
      return {
        ...source,
        parts: Object.fromEntries(Object.entries(source.parts).map(([name, part]) => [name, selectRows(part, rows)])),
      };
    case 'files':
      return { ...source, files: Array.from(rows, (row) => source.files[row]) };
    case 'packed':
      return {
        ...source,
        files: Array.from(rows, (row) => source.files[row]),
        starts: Float64Array.from(rows, (row) => source.starts[row]),
        ends: Float64Array.from(rows, (row) => source.ends[row]),
      };
    case 'shards':
      return { ...source, index: selectSamples(source.index, rows) };
    case 'rasters':
      return {
        ...source,
        tiles: Int32Array.from(Array.from(rows, (row) => tileOf(source, row)).flatMap((t) => [...t])),
      };
    case 'pixels':
      return { ...source, rows: Int32Array.from(rows, (row) => source.rows[row]) };
  }
}

/** What to call an example in a message: its file, or its place in the file that holds it. */
export function exampleName(source: Source, row: number): string {
  switch (source.kind) {
    case 'parts':
      return exampleName(firstPart(source), row);
    case 'files':
      return `${source.root}/${source.files[row]}`;
    case 'packed':
      return `${source.name}:${source.files[row]}`;
    case 'shards':
      return memberName(source.index, Object.values(source.parts)[0], row);
    case 'rasters': {
      const [raster, top, left] = tileOf(source, row);
      return `${source.rasters[raster].name}[${top}, ${left}]`;
    }
    case 'pixels':
      return `${source.name}[${source.rows[row]}]`;
  }
}

/** One example as it is stored: encoded files by part, or what needs no decoding. */
export interface StoredExample {
  parts?: EncodedParts;
  /** Pixels that need no decoding. */
  stored?: RawImage;
  /** A tile of a raster, and its labels. */
  raster?: { stack: BandStack; labels?: LabelMap };
}

/** Fetches one example; `part` names the one file of a source that has one. */
export async function storedExample(source: Source, row: number, part: string): Promise<StoredExample> {
  if (source.kind === 'pixels') return { stored: storedImage(source, row) };
  if (source.kind === 'rasters') return { raster: rasterTile(source, row) };
  return { parts: await encodedParts(source, row, part) };
}

function tileOf({ tiles }: RasterSource, row: number): Int32Array {
  return tiles.subarray(row * 5, row * 5 + 5);
}

function rasterTile(source: RasterSource, row: number): NonNullable<StoredExample['raster']> {
  const [raster, top, left, height, width] = tileOf(source, row);
  const { stack, labels } = source.rasters[raster];
  const window = { top, left, height, width };
  return { stack: cutBands(stack, window), labels: labels && cutLabels(labels, window) };
}

/** Reads the encoded files of one example; `part` names the one file of a source that has one. */
export async function encodedParts(
  source: EncodedSource | PartsSource | ShardSource,
  row: number,
  part: string,
): Promise<EncodedParts> {
  if (source.kind === 'shards') {
    const { index, parts } = source;
    const members = Object.entries(parts).map(
      async ([name, own]) => [name, await readMember(index, own, row)] as const,
    );
    return Object.fromEntries(await Promise.all(members));
  }
  if (source.kind !== 'parts') return { [part]: await encodedBytes(source, row) };
  const read = Object.entries(source.parts).map(async ([name, own]) => [name, await encodedBytes(own, row)] as const);
  return Object.fromEntries(await Promise.all(read));
}

/** The bytes of one encoded file. */
export async function encodedBytes(source: EncodedSource, row: number): Promise<Uint8Array> {
  if (source.kind === 'files') return readFile(join(source.root, source.files[row]));
  // A copy: native code does not take shared memory.
  return Buffer.from(source.bytes.subarray(source.starts[row], source.ends[row]));
}

/** The pixels of one stored image; a view of the stored bytes unless they must be interleaved. */
export function storedImage(source: PixelSource, row: number): RawImage {
  const { height, width, channels } = source.shape;
  const area = height * width;
  const start = source.rows[row] * area * channels;
  const stored = source.data.subarray(start, start + area * channels);
  if (!source.planar || channels === 1) return { height, width, channels, data: stored };
  const data = stored instanceof Uint8Array ? new Uint8Array(stored.length) : new Float32Array(stored.length);
  for (let c = 0, from = 0; c < channels; c++) {
    for (let to = c; to < data.length; to += channels) data[to] = stored[from++];
  }
  return { height, width, channels, data };
}
