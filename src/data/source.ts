/** Where the bytes of examples come from: plain, structured-cloneable records, so that a worker thread can decode them. */

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

/** Encoded files on disk (JPEG, PNG, …). */
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

/** Any of the places that examples come from. */
export type ImageSource = FileSource | PackedSource | PixelSource;

/** How many examples a source has. */
export function sourceSize(source: ImageSource): number {
  return source.kind === 'pixels' ? source.rows.length : source.files.length;
}

/** The source that holds only the given rows, in their order. Bytes are shared, not copied. */
export function selectRows(source: ImageSource, rows: Int32Array): ImageSource {
  switch (source.kind) {
    case 'files':
      return { ...source, files: Array.from(rows, (row) => source.files[row]) };
    case 'packed':
      return {
        ...source,
        files: Array.from(rows, (row) => source.files[row]),
        starts: Float64Array.from(rows, (row) => source.starts[row]),
        ends: Float64Array.from(rows, (row) => source.ends[row]),
      };
    case 'pixels':
      return { ...source, rows: Int32Array.from(rows, (row) => source.rows[row]) };
  }
}

/** What to call an example in a message: its file, or its place in the file that holds it. */
export function exampleName(source: ImageSource, row: number): string {
  switch (source.kind) {
    case 'files':
      return `${source.root}/${source.files[row]}`;
    case 'packed':
      return `${source.name}:${source.files[row]}`;
    case 'pixels':
      return `${source.name}[${source.rows[row]}]`;
  }
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
