/** Opening a data set in any of its public layouts. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ensure, HiperceiverError } from '../errors/index.js';
import { choose, fold, keyFrom } from '../random/index.js';
import { detectCifar } from './formats/cifar.js';
import { detectFileNames } from './formats/fileNames.js';
import { detectFolder } from './formats/folder.js';
import { type DenseLabels, type Detector, type Location, naturalOrder } from './formats/format.js';
import { detectIdx } from './formats/idx.js';
import { anyEnding, commonKind, nounOf } from './formats/kindOf.js';
import { detectLabelMaps } from './formats/labelMaps.js';
import { listFiles } from './formats/listing.js';
import { detectNpy } from './formats/npyImages.js';
import { detectNamedRaster, detectRasters } from './formats/rasters.js';
import { detectShards, shardKind } from './formats/shards.js';
import { detectTable } from './formats/table.js';
import type { KindName } from './kinds/index.js';
import { readNpy } from './npy.js';
import { type ImageShape, type Source, selectRows, sourceSize } from './source.js';
import { chooseSplit, takeShare } from './splits.js';

/** A set of examples, opened but not decoded. It is structured-cloneable: worker threads decode from it. */
export interface Dataset {
  /** What its examples are. */
  kind: KindName;
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
  /** Where several classes may apply to an example: `[N, classes]` of 0 and 1. */
  tags?: Uint8Array;
  /** Where every pixel has a class: how its stored number or colour tells it. */
  dense?: DenseLabels;
  /** The shape of every image where the layout tells it (idx, CIFAR binary, npy). */
  uniformShape?: ImageShape;
  /** Sentences on what was left out, to show to the user. */
  remarks: string[];
  source: Source;
}

/** Which part of a data set to open. */
export interface OpenOptions {
  /** What the examples are; without it found out by looking. */
  kind?: KindName;
  /** Column of a table that holds the classes. */
  label?: string;
  /** Stored numbers of label maps that count as void. Default 255, and 0 too beside rasters. */
  ignore?: readonly number[];
  /** Side, or height and width, of the tiles that large rasters are cut into. Default 32. */
  tile?: number | readonly [number, number];
  /** `train`, `val`, `test`, or the name of a stored split. Without it: the training split, or all where none is stored. */
  split?: string;
  /** Share held out for `val` / `test` where no such split is stored; `train` is the rest. Default 0.1. */
  validationFraction?: number;
  /** At most so many examples, drawn by the seed. */
  limit?: number;
  /** For the held-out share and the limit. Default 0. */
  seed?: number;
}

// Folders come last: they take any folder with a file of the kind in it.
const FILES: Detector[] = [detectShards, detectTable, detectFileNames, detectFolder];
const DETECTORS: Record<KindName, Detector[]> = {
  image: [detectIdx, detectCifar, detectNpy, ...FILES],
  audio: FILES,
  video: FILES,
  points: FILES,
  segmentation: [detectShards, detectLabelMaps],
  bands: [detectRasters, ...FILES],
};

/**
 * Opens examples at `path`: class folders or flat, splits above them or below or none, open or as `train.tar.gz`; files
 * listed in a CSV table; names that begin with the class; for images also CIFAR binary batches, idx files and npy arrays.
 * Layout and kind of signal are found out by looking.
 * @throws HiperceiverError where nothing is there, nothing is recognised, or a file contradicts itself.
 */
export async function openData(path: string, options: OpenOptions = {}): Promise<Dataset> {
  const { validationFraction = 0.1, limit, seed = 0, label, tile, ignore } = options;
  ensure(
    limit === undefined || (Number.isInteger(limit) && limit > 0),
    () => `limit is ${limit}: give a whole number above 0.`,
  );
  const place = await locate(path);
  const kind = options.kind ?? (await kindAt(place)) ?? 'image';
  for (const detect of DETECTORS[kind]) {
    const found = await detect({ ...place, kind, label, tile, ignore });
    if (!found) continue;
    const choice = chooseSplit(options.split, found.splits, path);
    const { source, labels, tags, dense, classes, remarks } = await found.read(choice.stored);
    const size = sourceSize(source);
    let rows = choice.share === 'all' ? undefined : takeShare(choice.share, size, labels, validationFraction, seed);
    rows = limited(rows, size, limit, seed);
    const selected = rows ? selectRows(source, rows) : source;
    const split = choice.share === 'all' ? (choice.stored ?? 'all') : (options.split as string);
    ensure(
      sourceSize(selected) > 0,
      () =>
        `The split "${split}" of "${path}" holds no ${nounOf(kind)}s: choose another split or a larger validationFraction.`,
    );
    return {
      kind,
      name: basename(resolve(path)),
      path,
      split,
      size: sourceSize(selected),
      classes: labels || tags || dense ? classes : [],
      dense,
      labels: labels && rows ? Int32Array.from(rows, (row) => labels[row]) : labels,
      tags: tags && rows ? selectTags(tags, rows, classes.length) : tags,
      uniformShape: source.kind === 'pixels' ? source.shape : undefined,
      remarks,
      source: selected,
    };
  }
  const known =
    kind === 'image'
      ? 'JPEG, PNG, WebP, GIF, TIFF or AVIF files, train.tar(.gz), CIFAR .bin, idx or .npy files'
      : `${nounOf(kind)}s`;
  throw new HiperceiverError(`"${path}" holds no ${nounOf(kind)}s: give a folder of ${known}.`);
}

/** Opens a data set of images. */
export function openImages(path: string, options: Omit<OpenOptions, 'kind'> = {}): Promise<Dataset> {
  return openData(path, { ...options, kind: 'image' });
}

/** The kind of signal at a place, by layouts that tell it, by the endings of most files, and by what arrays hold. */
async function kindAt(place: Place): Promise<KindName | undefined> {
  const sharded = await shardKind(place);
  if (sharded) return sharded;
  if (place.file === undefined && (await detectLabelMaps({ ...place, kind: 'segmentation' }))) return 'segmentation';
  for (const detect of [detectIdx, detectCifar, detectNpy])
    if (await detect({ ...place, kind: 'image' })) return 'image';
  if (await detectNamedRaster(place)) return 'bands';
  const files = place.file === undefined ? await listFiles(place.folder, anyEnding()) : [place.file];
  const plain = commonKind(
    files.filter((file) => !AMBIGUOUS.test(file)),
    ['image', 'audio', 'video', 'points'],
  );
  return plain ?? arrayKind(place.folder, files.find((file) => /\.npy$/i.test(file)) ?? files[0]);
}

/** Endings that several kinds use. */
const AMBIGUOUS = /\.(npy|npz|txt|csv)$/i;

/** Rows of a few numbers are points, arrays of three or four axes rasters. */
async function arrayKind(folder: string, file: string | undefined): Promise<KindName | undefined> {
  if (file === undefined) return undefined;
  if (!/\.npy$/i.test(file)) return 'points';
  const { shape } = await readNpy(join(folder, file));
  return shape.length === 2 && shape[1] < shape[0] ? 'points' : 'bands';
}

/** The tags `[rows, width]` of chosen rows of `[N, width]`. */
export function selectTags(tags: Uint8Array, rows: Int32Array, width: number): Uint8Array {
  const out = new Uint8Array(rows.length * width);
  for (const [i, row] of rows.entries()) out.set(tags.subarray(row * width, (row + 1) * width), i * width);
  return out;
}

/**
 * Refuses a set that a classifier cannot learn from.
 * @throws HiperceiverError where the examples have no labels or all have the same class.
 */
export function requireClasses(dataset: Dataset): asserts dataset is Dataset & { labels: Int32Array } {
  ensure(
    dataset.labels !== undefined && dataset.classes.length > 0,
    () =>
      `"${dataset.path}" (split ${dataset.split}) has no labels: put the ${nounOf(dataset.kind)}s in one folder per class, or list them in a table.`,
  );
  ensure(
    dataset.classes.length > 1,
    () => `"${dataset.path}" has only one class ("${dataset.classes[0]}"): give at least two class folders.`,
  );
}

type Place = Omit<Location, 'kind' | 'label' | 'tile' | 'ignore'>;

async function locate(path: string): Promise<Place> {
  const info = await stat(path).catch(() => undefined);
  // A pattern for several shards: `train-{000..099}.tar`.
  if (info === undefined && path.includes('{')) return { path, folder: dirname(path), file: basename(path), files: [] };
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
