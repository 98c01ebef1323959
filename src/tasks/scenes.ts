/** Rasters larger than a model's input: cut into tiles, answered tile by tile, and put together again. */
import { readFile } from 'node:fs/promises';
import { type BandStack, cutBands, decodeBands, type SceneTile, sceneTiles } from '../data/bands/index.js';
import { type Batch, type Reader, readExample } from '../data/index.js';
import { ensure } from '../errors/index.js';
import { keyFrom } from '../random/index.js';

/** A raster and the tiles that cover it. */
export interface Scene {
  file: string;
  height: number;
  width: number;
  /** As many tiles as fill a batch, again and again. */
  batches(size: number): AsyncGenerator<{ tiles: SceneTile[]; batch: Pick<Batch, 'signals' | 'size'> }>;
}

type BandsReader = Extract<Reader, { kind: 'bands' }>;

/** More numbers of a result than this (1 GiB) are refused. */
const MOST_VALUES = 2 ** 28;

/**
 * Opens a file as a scene.
 * @param reader of the model, for examples without labels
 * @param overlap share of a tile that neighbours see too
 * @returns undefined for what is no raster, cannot be read, or is no larger than the model's input: that is an example by
 * itself
 */
export async function openScene(file: string, reader: Reader, overlap = 0): Promise<Scene | undefined> {
  if (reader.kind !== 'bands' || reader.permutation !== undefined || reader.frames) return undefined;
  const stack = await readFile(file)
    .then((bytes) => decodeBands(bytes, file))
    .catch(() => undefined);
  const [tall, wide] = reader.imageSize;
  if (!stack || stack.height < tall || stack.width < wide || stack.height * stack.width === tall * wide)
    return undefined;
  const step = (side: number) => Math.max(1, Math.round(side * (1 - overlap)));
  const tiles = sceneTiles(stack, reader.imageSize, [step(tall), step(wide)]);
  const { height, width } = stack;
  return { file, height, width, batches: (size) => tileBatches(stack, tiles, reader, size) };
}

async function* tileBatches(stack: BandStack, tiles: SceneTile[], reader: BandsReader, size: number) {
  for (let at = 0; at < tiles.length; at += size) {
    const own = tiles.slice(at, at + size);
    const read: Float32Array[] = [];
    for (const { window } of own) {
      const example = { raster: { stack: cutBands(stack, window) } };
      read.push((await readExample(example, reader, keyFrom(0))).signals.bands);
    }
    const bands = new Float32Array(read.length * read[0].length);
    for (const [i, values] of read.entries()) bands.set(values, i * values.length);
    yield { tiles: own, batch: { signals: { bands }, size: own.length } };
  }
}

/** A scene's result, `[height, width, channels]`, put together from those of its tiles. */
export class Mosaic {
  readonly values: Float32Array;

  constructor(
    private readonly scene: Pick<Scene, 'height' | 'width' | 'file'>,
    private readonly channels: number,
  ) {
    const count = scene.height * scene.width * channels;
    ensure(
      count <= MOST_VALUES,
      () =>
        `"${scene.file}" has ${scene.width}x${scene.height} pixels, and ${count} values are too many to show: cut it.`,
    );
    this.values = new Float32Array(count);
  }

  /** Puts what a tile answers, `[tall * wide, channels]`, in its place. */
  place({ window, answers }: SceneTile, values: ArrayLike<number>): void {
    const { channels, scene } = this;
    for (let y = answers.top; y < answers.top + answers.height; y++) {
      const from = ((y - window.top) * window.width + answers.left - window.left) * channels;
      const to = (y * scene.width + answers.left) * channels;
      for (let i = 0; i < answers.width * channels; i++) this.values[to + i] = values[from + i];
    }
  }
}
