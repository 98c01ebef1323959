/** Files that hold all images of a split, with a file of number labels beside each: what idx and npy have in common. */
import { join } from 'node:path';
import { ensure } from '../../errors/index.js';
import { readLines } from '../bytes.js';
import type { FoundExamples, SplitExamples } from './format.js';

/** Paths of one split's files. */
export interface Pair {
  images: string;
  labels?: string;
}

/** How the files of one format are read; both throw a sentence for a file that is none of theirs. */
export interface PairReader {
  /** Sizes `[N, H, W]` or `[N, H, W, C]`, and the pixels in that order. */
  images(path: string): Promise<{ sizes: readonly number[]; data: Uint8Array | Float32Array }>;
  /** Labels `[N]`. */
  labels(path: string): Promise<Int32Array>;
}

/** The data set that pairs make, by split ('' for an undivided one); undefined where there are none. */
export function foundPairs(pairs: ReadonlyMap<string, Pair>, reader: PairReader): FoundExamples | undefined {
  if (pairs.size === 0) return undefined;
  return {
    splits: [...pairs.keys()].filter((split) => split !== ''),
    read: (split) => readSplit(pairs, split ?? '', reader),
  };
}

async function readSplit(pairs: ReadonlyMap<string, Pair>, split: string, reader: PairReader): Promise<SplitExamples> {
  const files = pairs.get(split) ?? [...pairs.values()][0];
  // The labels of all splits, so that a class has the same number in each.
  const labels = new Map<string, Int32Array>();
  for (const pair of pairs.values())
    if (pair.labels !== undefined) labels.set(pair.labels, await reader.labels(pair.labels));
  const classes = await numberedClasses(
    join(files.images, '..'),
    Array.from(labels, ([file, values]) => ({ file, values })),
  );

  const { sizes, data } = await reader.images(files.images);
  const [count, height, width, channels = 1] = sizes;
  const own = files.labels === undefined ? undefined : labels.get(files.labels);
  if (own) ensurePaired(files.images, count, files.labels as string, own.length);
  return {
    source: {
      kind: 'pixels',
      name: files.images,
      shape: { height, width, channels },
      planar: false,
      data,
      rows: Int32Array.from({ length: count }, (_, i) => i),
    },
    labels: own,
    classes,
    remarks: [],
  };
}

/**
 * Class names for number labels: the lines of a `classes.txt` in the folder, else the numbers themselves.
 * @param labels all labels of all splits
 * @throws HiperceiverError for a label below 0, beyond the class list, or too large to be a class number.
 */
async function numberedClasses(folder: string, labels: { file: string; values: Int32Array }[]): Promise<string[]> {
  if (labels.length === 0) return [];
  const named = await readLines(`${folder}/classes.txt`);
  const limit = named?.length ?? 65536;
  let largest = -1;
  for (const { file, values } of labels) {
    for (const value of values) {
      ensure(
        value >= 0 && value < limit,
        () =>
          `"${file}" holds the label ${value}, outside 0 … ${limit - 1}${named ? ' (the lines of classes.txt)' : ''}: correct the labels${named ? ' or the list' : ''}.`,
      );
      if (value > largest) largest = value;
    }
  }
  return named ?? Array.from({ length: largest + 1 }, (_, i) => String(i));
}

/** Refuses labels that do not pair up with the images. */
function ensurePaired(images: string, imageCount: number, labels: string, labelCount: number): void {
  ensure(
    imageCount === labelCount,
    () =>
      `"${images}" holds ${imageCount} images, but "${labels}" holds ${labelCount} labels: give one label per image.`,
  );
}
