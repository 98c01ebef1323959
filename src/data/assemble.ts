/** One batch from a step's number: read, decode, augment, normalise. Runs in worker threads and, for small data, without. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fold, type Key, uniform } from '../random/index.js';
import { decodeFailure, decodeImage } from './decode.js';
import { createOrder, type OrderOptions } from './order.js';
import { resample } from './resample.js';
import { type FileSource, type ImageSource, type PackedSource, sourceSize, storedImage } from './source.js';
import { type TransformOptions, writeInput } from './transform.js';
import { drawView, type View } from './view.js';

/** All that a batch depends on besides the data: plain numbers, sent to worker threads as they are. */
export type AssemblyOptions = OrderOptions & TransformOptions;

/** A batch before labels and names are added. */
export interface AssembledBatch {
  /** `[B, H * W, C]` */
  pixels: Float32Array;
  /** The row that each example came from. */
  ids: Int32Array;
  /** Rows that could not be read, with the reason. */
  skipped: { row: number; reason: string }[];
}

/** Unreadable neighbours that one example may meet before its place stays empty. */
const ATTEMPTS = 32;
/** Examples decoded at the same time: reading overlaps with decoding in sharp's threads. */
const LANES = 4;
/** The time in milliseconds after which the calling thread gets a turn, within a batch or over several. */
const LONGEST_TURN = 3;

/**
 * Batches by step: a pure function of the options, the step and the files. In training an unreadable example is replaced
 * by one that its key and row determine; in a single pass it is left out, so that nothing is counted twice.
 */
export function createAssembler(
  source: ImageSource,
  options: AssemblyOptions,
): (step: number) => Promise<AssembledBatch | undefined> {
  const size = sourceSize(source);
  const order = createOrder(size, options);
  const length = options.imageSize[0] * options.imageSize[1] * options.channels;

  let turn = performance.now();

  return async (step) => {
    const wanted = order(step);
    if (!wanted) return undefined;
    const { rows, epochs } = wanted;
    const pixels = new Float32Array(rows.length * length);
    const ids = new Int32Array(rows.length).fill(-1);
    const skipped: { row: number; reason: string }[][] = Array.from(rows, () => []);

    async function place(i: number): Promise<void> {
      for (let attempt = 0; attempt < (options.shuffle ? ATTEMPTS : 1); attempt++) {
        const row = attempt === 0 ? rows[i] : replacement(options.key, rows[i], attempt, size);
        const key = fold(options.key, 'augment', epochs[i], row);
        const reason = await writeExample(source, row, options, key, pixels, i * length);
        if (reason === undefined) {
          ids[i] = row;
          return;
        }
        skipped[i].push({ row, reason });
      }
    }

    let next = 0;
    async function lane(): Promise<void> {
      while (next < rows.length) {
        await place(next++);
        if (performance.now() - turn > LONGEST_TURN) {
          await new Promise((resume) => setImmediate(resume));
          turn = performance.now();
        }
      }
    }
    await Promise.all(Array.from({ length: source.kind === 'pixels' ? 1 : LANES }, lane));
    return { ...withoutGaps(pixels, ids, length), skipped: skipped.flat() };
  };
}

/** Writes one example; returns why it could not be read, or undefined. */
async function writeExample(
  source: ImageSource,
  row: number,
  options: AssemblyOptions,
  key: Key,
  out: Float32Array,
  offset: number,
): Promise<string | undefined> {
  const [height, width] = options.imageSize;
  if (source.kind === 'pixels') {
    const image = storedImage(source, row);
    const view = drawView(key, image.height, image.width, options);
    writeInput(resample(image, view, height, width), view, options, out, offset);
    return undefined;
  }
  let view: View | undefined;
  try {
    const image = await decodeImage(
      await encodedBytes(source, row),
      options.imageSize,
      (h, w) => (view = drawView(key, h, w, options)),
    );
    writeInput(image, view as View, options, out, offset);
    return undefined;
  } catch (error) {
    return decodeFailure(error);
  }
}

/** The bytes of one encoded file. */
export async function encodedBytes(source: FileSource | PackedSource, row: number): Promise<Uint8Array> {
  if (source.kind === 'files') return readFile(join(source.root, source.files[row]));
  // A copy: native code does not take shared memory.
  return Buffer.from(source.bytes.subarray(source.starts[row], source.ends[row]));
}

function replacement(key: Key, row: number, attempt: number, size: number): number {
  return Math.floor(uniform(fold(key, 'replacement', row, attempt), 1)[0] * size);
}

/** Closes the gaps of examples that could not be read. */
function withoutGaps(pixels: Float32Array, ids: Int32Array, length: number): { pixels: Float32Array; ids: Int32Array } {
  if (!ids.includes(-1)) return { pixels, ids };
  const kept = Array.from(ids.keys()).filter((i) => ids[i] >= 0);
  const dense = new Float32Array(kept.length * length);
  for (const [to, from] of kept.entries()) dense.set(pixels.subarray(from * length, (from + 1) * length), to * length);
  return { pixels: dense, ids: Int32Array.from(kept, (i) => ids[i]) };
}
