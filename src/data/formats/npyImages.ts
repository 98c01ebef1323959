/** Images as NumPy arrays: `[N, H, W, C]` or `[N, H, W]`, bytes or float32, with labels `[N]` beside them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensure } from '../../errors/index.js';
import { type NpyArray, readNpy } from '../npy.js';
import { canonicalSplit } from '../splits.js';
import { ensurePaired, type FoundImages, type Location, numberedClasses, type SplitImages } from './format.js';

/** `images.npy`, `train-images.npy`, `images_test.npy`, and the habit `x_train.npy` with `y_train.npy`. */
const IMAGES = /^(?:([a-z0-9]+)[-_.])?(images|x)(?:[-_.]([a-z0-9]+))?\.npy$/i;
const LABEL_NAME: Record<string, string> = { images: 'labels', x: 'y' };

interface Pair {
  images: string;
  labels?: string;
}

/** Finds image arrays in a folder, or takes one `.npy` file. */
export async function detectNpy(location: Location): Promise<FoundImages | undefined> {
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
  if (found.size === 0) return undefined;
  return { splits: [...found.keys()].filter((split) => split !== ''), read: (split) => readSplit(found, split ?? '') };
}

function labelFile(folder: string, images: string, word: string): string | undefined {
  const labels = LABEL_NAME[word.toLowerCase()];
  const path = join(folder, images.replace(new RegExp(`(^|[-_.])${word}([-_.])`, 'i'), `$1${labels}$2`));
  return existsSync(path) ? path : undefined;
}

async function readSplit(found: Map<string, Pair>, split: string): Promise<SplitImages> {
  const files = found.get(split) ?? [...found.values()][0];
  const read = new Map<string, Int32Array>();
  for (const { labels } of found.values())
    if (labels !== undefined) read.set(labels, readLabels(await readNpy(labels), labels));
  const classes = await numberedClasses(
    join(files.images, '..'),
    Array.from(read, ([file, values]) => ({ file, values })),
  );

  const array = await readNpy(files.images);
  const [count, height, width, channels = 1] = checkedShape(array, files.images);
  const labels = files.labels === undefined ? undefined : read.get(files.labels);
  if (labels) ensurePaired(files.images, count, files.labels as string, labels.length);
  const rows = Int32Array.from({ length: count }, (_, i) => i);
  const data = array.data as Uint8Array | Float32Array;
  const source = {
    kind: 'pixels' as const,
    name: files.images,
    shape: { height, width, channels },
    planar: false,
    data,
    rows,
  };
  return { source, labels, classes, remarks: [] };
}

function checkedShape({ dtype, shape }: NpyArray, path: string): number[] {
  ensure(
    dtype === '|u1' || dtype === '<f4',
    () => `"${path}" holds ${dtype} images: save them as uint8 (0 … 255) or float32 (0 … 1).`,
  );
  ensure(
    (shape.length === 3 || shape.length === 4) && shape.every((size) => size > 0),
    () => `"${path}" has the shape [${shape}], where images are [N, H, W, C] or [N, H, W].`,
  );
  ensure(
    !(shape.length === 4 && shape[1] <= 4 && shape[3] > 4 && shape[2] > 4),
    () =>
      `"${path}" has the shape [${shape}], which looks like channels first: save array.transpose(0, 2, 3, 1), channels last.`,
  );
  return shape;
}

function readLabels({ dtype, shape, data }: NpyArray, path: string): Int32Array {
  const flat = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  ensure(
    flat && dtype !== '<f4' && dtype !== '<f8',
    () => `"${path}" is ${dtype} of shape [${shape}], where labels are integers of shape [N].`,
  );
  return Int32Array.from(data as Int32Array, (label) => clampedInteger(Number(label)));
}

/** An int64 beyond int32 must stay out of range, not wrap round to a valid class. */
function clampedInteger(value: number): number {
  return Math.max(-2147483648, Math.min(2147483647, value));
}
