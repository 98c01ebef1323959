/** `dataset.json` and `classes.txt` beside shards: what the set holds, for people and for the next run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { readLines } from '../bytes.js';
import { writeText } from './shardFile.js';

/** Values that JSON keeps as they are, such as the options that a set was made with. */
export type Settings = Record<string, string | number | boolean | null>;

/** One split of a finished set. */
export interface SplitCard {
  samples: number;
  /** Bytes of each shard, `PREFIX-000000.tar` and so on. */
  shards: number[];
  /** How many samples have each part. */
  parts: Record<string, number>;
  /** How many examples were left out because they could not be read. */
  skipped: number;
  settings: Settings;
}

/** `dataset.json`. */
export interface DatasetCard {
  format: 'webdataset';
  /** What the samples are, where the writer knew: `image`, `audio`, … */
  kind?: string;
  /** By the prefix of the shards' names. */
  splits: Record<string, SplitCard>;
}

/** `dataset.json` of a folder, or undefined where there is none. @throws HiperceiverError where it is damaged */
export async function readCard(folder: string): Promise<DatasetCard | undefined> {
  const card = await readJson(join(folder, 'dataset.json'));
  if (card === undefined) return undefined;
  const { format, splits } = card as Partial<DatasetCard>;
  ensure(
    format === 'webdataset' && typeof splits === 'object' && splits !== null,
    () => `"${join(folder, 'dataset.json')}" describes no shards: move it away, or choose another folder.`,
  );
  return card as DatasetCard;
}

/** Adds or replaces a split in `dataset.json`. */
export async function writeSplitCard(
  folder: string,
  kind: string | undefined,
  prefix: string,
  split: SplitCard,
): Promise<void> {
  const splits = { ...(await readCard(folder))?.splits, [prefix]: split };
  const card: DatasetCard = { format: 'webdataset', kind, splits };
  await writeText(join(folder, 'dataset.json'), `${JSON.stringify(card, null, 2)}\n`);
}

/**
 * Writes `classes.txt`.
 * @throws HiperceiverError where other classes stand there: a class would have two numbers
 */
export async function writeClasses(folder: string, classes: readonly string[]): Promise<void> {
  const path = join(folder, 'classes.txt');
  const standing = await readLines(path);
  ensure(
    standing === undefined ||
      (standing.length === classes.length && standing.every((name, i) => name === classes[i].trim())),
    () => `"${path}" lists other classes than these: choose another folder.`,
  );
  if (standing === undefined) await writeText(path, `${classes.join('\n')}\n`);
}

/** A JSON file, or undefined where there is none. @throws HiperceiverError where it is damaged */
export async function readJson(path: string): Promise<object | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new HiperceiverError(`"${path}" is damaged: remove it, or choose another folder.`);
}
