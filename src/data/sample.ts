/** A few examples to be shown or asked about: some of a data set, or single files. */
import { existsSync } from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { ensure } from '../errors/index.js';
import type { Dataset } from './dataset.js';
import { type KindName, kinds, type Reader } from './kinds/index.js';
import { selectRows } from './source.js';

/** `count` examples spread evenly over a data set, so that one sorted by class shows many classes. */
export function spreadSample(dataset: Dataset, count: number): Dataset {
  const size = Math.min(count, dataset.size);
  const rows = Int32Array.from({ length: size }, (_, i) => Math.floor(((i + 0.5) * dataset.size) / size));
  const { labels, tags, classes, source } = dataset;
  const width = classes.length;
  return {
    ...dataset,
    size,
    source: selectRows(source, rows),
    labels: labels && rows.map((row) => labels[row]),
    tags: tags && Uint8Array.from([...rows].flatMap((row) => [...tags.subarray(row * width, (row + 1) * width)])),
  };
}

/**
 * Single files of one kind of signal as an unlabelled data set, in the given order.
 * @param kind of what is in the files; labelled images are images here
 * @throws HiperceiverError where none was given or one is not there
 */
export function openFiles(files: readonly string[], kind: KindName): Dataset {
  const plain = kind === 'segmentation' ? 'image' : kind;
  ensure(files.length > 0, () => `No ${kinds[plain].noun} was given: name at least one file.`);
  for (const file of files) ensure(existsSync(file), () => `There is no file "${file}": check the path.`);
  const paths = files.map((file) => resolve(file));
  const root = paths.map(dirname).reduce(commonFolder);
  return {
    kind: plain,
    name: files.length === 1 ? basename(paths[0]) : basename(root),
    path: files[0],
    split: 'all',
    size: files.length,
    classes: [],
    remarks: [],
    source: { kind: 'files', root, files: paths.map((path) => relative(root, path)) },
  };
}

/** The reader for examples that come without the classes of their pixels. */
export function withoutTargets(reader: Reader): Reader {
  if (reader.kind === 'bands') return { ...reader, labels: undefined };
  if (reader.kind !== 'segmentation') return reader;
  const { imageSize, window, channels, crop, flip, mean, std, permutation } = reader;
  return { kind: 'image', imageSize, window, channels, crop, flip, mean, std, permutation };
}

function commonFolder(a: string, b: string): string {
  const [left, right] = [a.split(sep), b.split(sep)];
  const shared = left.findIndex((part, i) => part !== right[i]);
  return shared < 0 ? a : left.slice(0, shared).join(sep) || sep;
}
