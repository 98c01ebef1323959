/** Opening an image data set in any of its public layouts. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { ensure, HiperceiverError } from '../errors/index.js';
import { choose, fold, keyFrom } from '../random/index.js';
import { detectCifar } from './formats/cifar.js';
import { detectFolder } from './formats/folder.js';
import { type Detector, type Location, naturalOrder } from './formats/format.js';
import { detectIdx } from './formats/idx.js';
import { detectNpy } from './formats/npyImages.js';
import { type ImageShape, type ImageSource, selectRows, sourceSize } from './source.js';
import { chooseSplit, takeShare } from './splits.js';

/** A set of images, opened but not decoded. It is structured-cloneable: worker threads decode from it. */
export interface ImageDataset {
  /** The folder's or file's own name. */
  name: string;
  path: string;
  /** The split that was opened: as stored, `train` / `val` / `test` where it was made, `all` where the set is undivided. */
  split: string;
  size: number;
  /** Class names, the same for every split; empty where the set is unlabelled. */
  classes: string[];
  /** Class index of each example. */
  labels?: Int32Array;
  /** The shape of every image where the layout tells it (idx, CIFAR binary, npy). */
  uniformShape?: ImageShape;
  /** Sentences on what was left out, to show to the user. */
  remarks: string[];
  source: ImageSource;
}

/** Which part of a data set to open. */
export interface OpenImagesOptions {
  /** `train`, `val`, `test`, or the name of a stored split. Without it: the training split, or all where none is stored. */
  split?: string;
  /** Share held out for `val` / `test` where no such split is stored; `train` is the rest. Default 0.1. */
  validationFraction?: number;
  /** At most so many examples, drawn by the seed. */
  limit?: number;
  /** For the held-out share and the limit. Default 0. */
  seed?: number;
}

// Folders of images come last: they take any folder with a picture in it.
const DETECTORS: Detector[] = [detectIdx, detectCifar, detectNpy, detectFolder];

/**
 * Opens images at `path`: a folder of images (class folders or flat, splits above them or not, open or as `train.tar.gz`),
 * CIFAR binary batches, idx files, or npy arrays; found out by looking.
 * @throws HiperceiverError where nothing is there, nothing is recognised, or a file contradicts itself.
 */
export async function openImages(path: string, options: OpenImagesOptions = {}): Promise<ImageDataset> {
  const { validationFraction = 0.1, limit, seed = 0 } = options;
  ensure(
    limit === undefined || (Number.isInteger(limit) && limit > 0),
    () => `limit is ${limit}: give a whole number above 0.`,
  );
  const location = await locate(path);
  for (const detect of DETECTORS) {
    const found = await detect(location);
    if (!found) continue;
    const choice = chooseSplit(options.split, found.splits, path);
    const { source, labels, classes, remarks } = await found.read(choice.stored);
    const size = sourceSize(source);
    let rows = choice.share === 'all' ? undefined : takeShare(choice.share, size, labels, validationFraction, seed);
    rows = limited(rows, size, limit, seed);
    const selected = rows ? selectRows(source, rows) : source;
    const split = choice.share === 'all' ? (choice.stored ?? 'all') : (options.split as string);
    ensure(
      sourceSize(selected) > 0,
      () => `The split "${split}" of "${path}" holds no images: choose another split or a larger validationFraction.`,
    );
    return {
      name: basename(resolve(path)),
      path,
      split,
      size: sourceSize(selected),
      classes: labels ? classes : [],
      labels: labels && rows ? Int32Array.from(rows, (row) => labels[row]) : labels,
      uniformShape: source.kind === 'pixels' ? source.shape : undefined,
      remarks,
      source: selected,
    };
  }
  throw new HiperceiverError(
    `"${path}" holds no images: give a folder of JPEG, PNG, WebP, GIF, TIFF or AVIF files, train.tar(.gz), CIFAR .bin, idx or .npy files.`,
  );
}

/**
 * Refuses a set that a classifier cannot learn from.
 * @throws HiperceiverError where the examples have no labels or all have the same class.
 */
export function requireClasses(dataset: ImageDataset): asserts dataset is ImageDataset & { labels: Int32Array } {
  ensure(
    dataset.labels !== undefined && dataset.classes.length > 0,
    () => `"${dataset.path}" (split ${dataset.split}) has no labels: put the images in one folder per class.`,
  );
  ensure(
    dataset.classes.length > 1,
    () => `"${dataset.path}" has only one class ("${dataset.classes[0]}"): give at least two class folders.`,
  );
}

async function locate(path: string): Promise<Location> {
  const info = await stat(path).catch(() => undefined);
  ensure(info !== undefined, () => `There is no file or folder "${path}": check the path.`);
  if (info.isFile()) return { path, folder: dirname(path), file: basename(path), files: [basename(path)] };
  const entries = await readdir(path, { withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  return { path, folder: path, files: files.sort(naturalOrder) };
}

function limited(
  rows: Int32Array | undefined,
  size: number,
  limit: number | undefined,
  seed: number,
): Int32Array | undefined {
  const count = rows?.length ?? size;
  if (limit === undefined || limit >= count) return rows;
  const chosen = choose(fold(keyFrom(seed), 'limit'), count, limit);
  return rows ? chosen.map((i) => rows[i]) : chosen;
}
