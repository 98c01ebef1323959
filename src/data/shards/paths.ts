/** Which files are shards: brace patterns, folders, and the splits that their names tell. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { naturalOrder } from '../formats/format.js';
import { canonicalSplit } from '../splits.js';

/** More shards than any public set has. */
const MOST_SHARDS = 1_000_000;
const COMPRESSED = /\.(tar\.(gz|bz2|xz|zst|lz4)|tgz|tbz2?|txz)$/i;

/**
 * The paths that a brace pattern stands for, as shells expand it: `train-{000..099}.tar` (leading zeros kept),
 * `{train,val}-0.tar`, several in one name. A text without a pattern stands for itself.
 * @throws HiperceiverError for a range that is no range or stands for more than a million names
 */
export function expandBraces(pattern: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern);
  if (!match) return [pattern];
  const [, before, inside, after] = match;
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  ensure(
    range || inside.includes(','),
    () =>
      `"${pattern}" has {${inside}}, which is neither a range such as {000..099} nor a list such as {a,b}: correct it.`,
  );
  const choices = range ? numbers(pattern, range[1], range[2]) : inside.split(',');
  const rests = expandBraces(after);
  ensureCount(pattern, choices.length * rests.length);
  return choices.flatMap((choice) => rests.map((rest) => before + choice + rest));
}

/**
 * The shards that paths, folders and brace patterns name, in the order given, a folder's in natural order.
 * @throws HiperceiverError where a shard is missing, compressed, or a folder holds none
 */
export async function shardPaths(given: string | readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for (const pattern of typeof given === 'string' ? [given] : given) {
    // A file may have braces in its name.
    const names = (await stat(pattern).catch(() => undefined)) ? [pattern] : expandBraces(pattern);
    for (const name of names) {
      const info = await stat(name).catch(() => undefined);
      ensure(info, () => `There is no shard "${name}"${names.length > 1 ? ` (of "${pattern}")` : ''}: check the path.`);
      const found = info.isDirectory() ? await shardsInFolder(name) : [name];
      for (const path of found) paths.push(path);
    }
  }
  ensure(
    paths.length > 0,
    () => 'No shard was given: name .tar files, their folder, or a pattern such as train-{000..099}.tar.',
  );
  for (const path of paths) if (COMPRESSED.test(path)) throw compressed(path);
  return paths;
}

/** The refusal of a compressed shard. */
export function compressed(path: string): HiperceiverError {
  return new HiperceiverError(
    `"${path}" is compressed, and only plain tars can be read at any place: unpack it with gunzip (or zstd -d, bunzip2, …), or turn the data set into shards with "hip prepare".`,
  );
}

/**
 * The shards of a folder by split: `train-000.tar`, `imagenet-val-12.tar`, or `train/000.tar`; '' where names tell none.
 * Empty where the folder has no tar whose name ends in a number: single archives such as `train.tar` are no shards.
 */
export async function shardSplits(folder: string): Promise<Map<string, string[]>> {
  const splits = new Map<string, string[]>();
  const entries = await readdir(folder, { withFileTypes: true });
  const isShard = (name: string) => /\d\.tar$/i.test(name);
  for (const entry of entries.sort((a, b) => naturalOrder(a.name, b.name))) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (isShard(entry.name)) add(splits, splitInName(entry.name), [path]);
    else if (entry.isDirectory() && canonicalSplit(entry.name) !== undefined) {
      const inside = (await readdir(path)).filter((name) => isShard(name) && !name.startsWith('.'));
      if (inside.length > 0)
        add(
          splits,
          entry.name,
          inside.sort(naturalOrder).map((name) => join(path, name)),
        );
    }
  }
  return splits;
}

function add(splits: Map<string, string[]>, name: string, paths: string[]): void {
  const split = canonicalSplit(name) ?? '';
  splits.set(split, [...(splits.get(split) ?? []), ...paths]);
}

/** `train` for `imagenet-train-000012.tar`. */
function splitInName(name: string): string {
  return (
    name
      .split(/[-_.]/)
      .find((word) => canonicalSplit(word.replace(/\d+$/, '')) !== undefined)
      ?.replace(/\d+$/, '') ?? ''
  );
}

async function shardsInFolder(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort(naturalOrder);
  const shards = names.filter((name) => /\.tar$/i.test(name));
  const packed = names.find((name) => COMPRESSED.test(name));
  if (shards.length === 0 && packed !== undefined) throw compressed(join(folder, packed));
  ensure(shards.length > 0, () => `"${folder}" holds no .tar files: give the folder of the shards.`);
  return shards.map((name) => join(folder, name));
}

function numbers(pattern: string, from: string, to: string): string[] {
  const [first, last] = [Number(from), Number(to)];
  const count = Math.abs(last - first) + 1;
  ensureCount(pattern, count);
  const width = from.length > 1 && from.startsWith('0') ? Math.max(from.length, to.length) : 1;
  return Array.from({ length: count }, (_, i) => String(first + (last < first ? -i : i)).padStart(width, '0'));
}

function ensureCount(pattern: string, count: number): void {
  ensure(
    count <= MOST_SHARDS,
    () => `"${pattern}" stands for more than ${MOST_SHARDS.toLocaleString('en-US')} shards: correct its range.`,
  );
}
