/** What a reader of one storage layout offers to `openImages`. */
import { ensure } from '../../errors/index.js';
import { readLines } from '../bytes.js';
import type { ImageSource } from '../source.js';

/** The path that a user gave, looked at once. */
export interface Location {
  path: string;
  /** The folder itself, or the folder around the file. */
  folder: string;
  /** The file's name where the path is a file. */
  file?: string;
  /** Names of the files in `folder`, or the one file's name; in natural order. */
  files: string[];
}

/** One split as stored. */
export interface SplitImages {
  source: ImageSource;
  /** Class index of each example. */
  labels?: Int32Array;
  /** Class names over all splits, so that an index means the same class in each. */
  classes: string[];
  /** Sentences on what was left out, for the user. */
  remarks: string[];
}

/** A data set whose layout was recognised, not yet read. */
export interface FoundImages {
  /** Names of the stored splits; empty where the data are one undivided set. */
  splits: string[];
  read(split: string | undefined): Promise<SplitImages>;
}

/** Recognises one layout by names alone, or says undefined. */
export type Detector = (location: Location) => Promise<FoundImages | undefined>;

const collator = new Intl.Collator('en', { numeric: true });

/** Natural order: `img2` before `img10`; the same in every locale. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * Class names for number labels: the lines of a `classes.txt` in the folder, else the numbers themselves.
 * @param labels all labels of all splits
 * @throws HiperceiverError for a label below 0, beyond the class list, or too large to be a class number.
 */
export async function numberedClasses(
  folder: string,
  labels: { file: string; values: Int32Array }[],
): Promise<string[]> {
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
export function ensurePaired(images: string, imageCount: number, labels: string, labelCount: number): void {
  ensure(
    imageCount === labelCount,
    () =>
      `"${images}" holds ${imageCount} images, but "${labels}" holds ${labelCount} labels: give one label per image.`,
  );
}
