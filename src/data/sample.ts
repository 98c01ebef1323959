/** A few images of a data set, to be shown. */
import { existsSync } from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { ensure } from '../errors/index.js';
import type { Dataset } from './dataset.js';
import { selectRows } from './source.js';

/** `count` images spread evenly over a data set, so that one sorted by class shows many classes. */
export function spreadSample(dataset: Dataset, count: number): Dataset {
  const size = Math.min(count, dataset.size);
  const rows = Int32Array.from({ length: size }, (_, i) => Math.floor(((i + 0.5) * dataset.size) / size));
  const { labels, source } = dataset;
  return { ...dataset, size, source: selectRows(source, rows), labels: labels && rows.map((row) => labels[row]) };
}

/** Single image files as an unlabelled data set, in the given order. */
export function openImageFiles(files: readonly string[]): Dataset {
  ensure(files.length > 0, () => 'No image was given: name at least one file.');
  for (const file of files) ensure(existsSync(file), () => `There is no file "${file}": check the path.`);
  const paths = files.map((file) => resolve(file));
  const root = paths.map(dirname).reduce(commonFolder);
  return {
    kind: 'image',
    name: files.length === 1 ? basename(paths[0]) : basename(root),
    path: files[0],
    split: 'all',
    size: files.length,
    classes: [],
    remarks: [],
    source: { kind: 'files', root, files: paths.map((path) => relative(root, path)) },
  };
}

function commonFolder(a: string, b: string): string {
  const [left, right] = [a.split(sep), b.split(sep)];
  const shared = left.findIndex((part, i) => part !== right[i]);
  return shared < 0 ? a : left.slice(0, shared).join(sep) || sep;
}
