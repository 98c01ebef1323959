/** What a reader of one storage layout offers to `openData`. */
import type { KindName } from '../kinds/index.js';
import type { Color } from '../labelMaps/index.js';
import type { Source } from '../source.js';

/** The path that a user gave, looked at once. */
export interface Location {
  path: string;
  /** The folder itself, or the folder around the file. */
  folder: string;
  /** The file's name where the path is a file. */
  file?: string;
  /** Names of the files in `folder`, or the one file's name; in natural order. */
  files: string[];
  /** The kind of signal that is looked for. */
  kind: KindName;
  /** Column of a table that holds the classes, where one was asked for. */
  label?: string;
  /** Stored numbers of label maps that count as void, where they were named. */
  ignore?: readonly number[];
  /** Side, or height and width, of the tiles that large rasters are cut into. */
  tile?: number | readonly [number, number];
}

/** How stored label maps tell the class of a pixel. */
export interface DenseLabels {
  /** Colours of the classes, for maps that show classes by colour. */
  colors?: readonly Color[];
  /** The stored number of each class, where it is not the class's own. */
  ids?: number[];
  /** Stored numbers that count as void. */
  ignore: readonly number[];
}

/** One split as stored. */
export interface SplitExamples {
  source: Source;
  /** Class index of each example. */
  labels?: Int32Array;
  /** What applies to each example, `[N, classes]` of 0 and 1, where several may. */
  tags?: Uint8Array;
  /** Where every pixel has a class: how its stored number or colour tells it. */
  dense?: DenseLabels;
  /** Class names over all splits, so that an index means the same class in each. */
  classes: string[];
  /** Sentences on what was left out, for the user. */
  remarks: string[];
}

/** A data set whose layout was recognised, not yet read. */
export interface FoundExamples {
  /** Names of the stored splits; empty where the data are one undivided set. */
  splits: string[];
  read(split: string | undefined): Promise<SplitExamples>;
}

/** Recognises one layout by names alone, or says undefined. */
export type Detector = (location: Location) => Promise<FoundExamples | undefined>;

const collator = new Intl.Collator('en', { numeric: true });

/** Natural order: `img2` before `img10`; the same in every locale. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
