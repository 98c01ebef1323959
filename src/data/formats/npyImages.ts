/** Images as NumPy arrays: `[N, H, W, C]` or `[N, H, W]`, bytes or float32, with labels `[N]` beside them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensure } from '../../errors/index.js';
import { type NpyArray, readNpy } from '../npy.js';
import { canonicalSplit } from '../splits.js';
import type { FoundExamples, Location } from './format.js';
import { foundPairs, type Pair } from './pairs.js';

/** `images.npy`, `train-images.npy`, `images_test.npy`, and the habit `x_train.npy` with `y_train.npy`. */
const IMAGES = /^(?:([a-z0-9]+)[-_.])?(images|x)(?:[-_.]([a-z0-9]+))?\.npy$/i;
const LABEL_NAME: Record<string, string> = { images: 'labels', x: 'y' };

/** Finds image arrays in a folder, or takes one `.npy` file. */
export async function detectNpy(location: Location): Promise<FoundExamples | undefined> {
  const arrays = location.files.filter((name) => /\.npy$/i.test(name));
  const found = new Map<string, Pair>();
  for (const name of arrays) {
    const match = IMAGES.exec(name);
    if (!match) continue;
    const prefix = match[1] ?? match[3] ?? '';
    const split = location.file === undefined ? (canonicalSplit(prefix) ?? prefix) : '';
    found.set(split, { images: join(location.folder, name), labels: labelFile(location.folder, name, match[2]) });
  }
  if (found.size === 0 && arrays.length === 1) found.set('', { images: join(location.folder, arrays[0]) });
  return foundPairs(found, {
    images: async (path) => checkedImages(await readNpy(path), path),
    labels: async (path) => checkedLabels(await readNpy(path), path),
  });
}

function labelFile(folder: string, images: string, word: string): string | undefined {
  const labels = LABEL_NAME[word.toLowerCase()];
  const path = join(folder, images.replace(new RegExp(`(^|[-_.])${word}([-_.])`, 'i'), `$1${labels}$2`));
  return existsSync(path) ? path : undefined;
}

function checkedImages(
  { dtype, shape, data }: NpyArray,
  path: string,
): { sizes: number[]; data: Uint8Array | Float32Array } {
  ensure(
    dtype === '|u1' || dtype === '<f4',
    () => `"${path}" holds ${dtype} images: save them as uint8 (0 … 255) or float32 (0 … 1).`,
  );
  ensure(
    (shape.length === 3 || shape.length === 4) && shape.every((size) => size > 0),
    () => `"${path}" has the shape [${shape}], where images are [N, H, W, C] or [N, H, W]: reshape the array.`,
  );
  ensure(
    !(shape.length === 4 && shape[1] <= 4 && shape[3] > 4 && shape[2] > 4),
    () =>
      `"${path}" has the shape [${shape}], which looks like channels first: save array.transpose(0, 2, 3, 1), channels last.`,
  );
  return { sizes: shape, data: data as Uint8Array | Float32Array };
}

function checkedLabels({ dtype, shape, data }: NpyArray, path: string): Int32Array {
  const flat = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  ensure(
    flat && dtype !== '<f4' && dtype !== '<f8',
    () => `"${path}" is ${dtype} of shape [${shape}], where labels are integers of shape [N]: save them so.`,
  );
  return Int32Array.from(data as Int32Array, (label) => clampedInteger(Number(label)));
}

/** An int64 beyond int32 must stay out of range, not wrap round to a valid class. */
function clampedInteger(value: number): number {
  return Math.max(-2147483648, Math.min(2147483647, value));
}
