/** Labels of samples, from the small parts that hold them: `.cls`, a field of `.json`, `.txt`. */
import { dirname, join } from 'node:path';
import { HiperceiverError } from '../../errors/index.js';
import { readLines } from '../bytes.js';
import { naturalOrder } from '../formats/format.js';
import { ABSENT, memberName, rowsByShard, type ShardIndex } from './shardIndex.js';
import { systemReason } from './systemReason.js';
import { Window } from './window.js';

/** Classes of a set of shards. */
export interface ShardLabels {
  /** The class index of each sample, -1 where it has none. Absent where samples may have several classes. */
  labels?: Int32Array;
  /** Where samples may have several classes: `[N, classes]` of 0 and 1. */
  tags?: Uint8Array;
  classes: string[];
  /** Sentences on what has no label, for the user. */
  remarks: string[];
}

/** Where labels are sought. */
export interface ShardLabelOptions {
  /** The field of `.json` that holds the label. Default: the first of `label`, `labels`, `tags`, `cls`, `class`, … */
  field?: string;
  /** Class names, in order. Default: the lines of `classes.txt` beside the shards, else those found. */
  classes?: readonly string[];
}

const FIELDS = ['label', 'labels', 'tags', 'cls', 'class', 'class_name', 'category', 'target'];
/** Label files are a line or a small record; longer ones are no labels, and would fill the memory. */
const LARGEST_LABEL = 2 ** 20;
/** Numbers beyond this are names, not class indices. */
const MOST_CLASSES = 65536;
/** Shards read side by side. */
const LANES = 8;

/**
 * Reads all labels, each shard's in stored order. Numbers are class indices; texts become classes in natural order.
 * `.txt` counts only where texts recur (captions are no classes). Labels below 0 mean none. A list in `.json` gives tags.
 *
 * @returns undefined where the shards hold no labels
 * @throws HiperceiverError for a label outside `classes.txt`
 */
export async function shardLabels(
  index: ShardIndex,
  options: ShardLabelOptions = {},
): Promise<ShardLabels | undefined> {
  const classes = options.classes ?? (await readLines(join(dirname(index.shards[0]), 'classes.txt')));
  for (const part of ['cls', 'json', 'txt']) {
    if (!Object.hasOwn(index.parts, part)) continue;
    const texts = await readTexts(index, part, part === 'json' ? jsonLabel(options.field) : plainLabel);
    const found = classify(index, part, texts, classes);
    if (found) return found;
  }
  return undefined;
}

/** What a label file says: one label, or a list; undefined where it says nothing that could be a label. */
type LabelReader = (text: string) => string | string[] | undefined;

function plainLabel(text: string): string | undefined {
  const line = text.trim();
  return line === '' || line.includes('\n') ? undefined : line;
}

function jsonLabel(field: string | undefined): LabelReader {
  const fields = field === undefined ? FIELDS : [field];
  return (text) => {
    let record: unknown;
    try {
      record = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (typeof record !== 'object' || record === null) return field === undefined ? simpleValue(record) : undefined;
    const name = fields.find((candidate) => Object.hasOwn(record, candidate));
    const value = name === undefined ? undefined : (record as Record<string, unknown>)[name];
    if (!Array.isArray(value)) return simpleValue(value);
    const values = value.map(simpleValue).filter((item) => item !== undefined);
    return values.length === value.length ? values : undefined;
  };
}

function simpleValue(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? plainLabel(value) : undefined;
}

/** The labels by row as indices into a list of distinct ones, so that a million of them need little memory. */
interface Texts {
  /** The labels of a sample; several only with tags. */
  distinct: string[][];
  /** -1 where a sample has none. */
  which: Int32Array;
  /** Whether some sample has a list. */
  areTags: boolean;
}

async function readTexts(index: ShardIndex, part: string, read: LabelReader): Promise<Texts> {
  const { offset, size } = index.parts[part];
  const which = new Int32Array(index.size).fill(-1);
  const numbers = new Map<string, number>();
  const distinct: string[][] = [];
  let areTags = false;
  const shards = [...rowsByShard(index).entries()].filter(([, rows]) => rows.length > 0);
  async function readShard(shard: number, rows: Int32Array): Promise<void> {
    const path = index.shards[shard];
    const wanted = rows.filter((row) => size[row] !== ABSENT && size[row] <= LARGEST_LABEL);
    if (wanted.length === 0) return;
    // In stored order, neighbours come with one read.
    wanted.sort((a, b) => offset[a] - offset[b]);
    const window = await Window.open(path);
    try {
      for (const row of wanted) {
        const bytes = window.held(offset[row], size[row]) ?? (await window.load(offset[row], size[row]));
        const label = bytes.length === size[row] ? read(bytes.toString('utf8')) : undefined;
        if (label === undefined) continue;
        const values = typeof label === 'string' ? [label] : label;
        const text = values.join('\0');
        let number = numbers.get(text);
        if (number === undefined) {
          numbers.set(text, (number = distinct.length));
          distinct.push(values);
        }
        areTags ||= typeof label !== 'string';
        which[row] = number;
      }
    } finally {
      await window.close();
    }
  }
  let next = 0;
  async function lane(): Promise<void> {
    while (next < shards.length) {
      const [shard, rows] = shards[next++];
      await readShard(shard, rows).catch((error) => {
        throw new HiperceiverError(
          `"${index.shards[shard]}" could not be read (${systemReason(error)}): check the file.`,
        );
      });
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane));
  return { distinct, which, areTags };
}

function classify(
  index: ShardIndex,
  part: string,
  texts: Texts,
  given: readonly string[] | undefined,
): ShardLabels | undefined {
  const { distinct, which, areTags } = texts;
  const used = which.reduce((count, number) => count + (number >= 0 ? 1 : 0), 0);
  if (used === 0) return undefined;
  const names = [...new Set(distinct.flat())];
  const known = new Set(given);
  if (part === 'txt' && !names.every((name) => known.has(name)) && names.length * 2 > used) return undefined;

  const { classes, classOf } = namedClasses(names, given, (name) => {
    const row = which.indexOf(distinct.findIndex((values) => values.includes(name)));
    return memberName(index, part, row);
  });
  const without = which.reduce((count, number) => count + (isLabelled(distinct[number], classOf) ? 0 : 1), 0);
  const remarks = without > 0 ? [`${without} of ${index.size} samples have no label that can be read (.${part}).`] : [];
  if (!areTags) {
    const labels = which.map((number) => (number < 0 ? -1 : (classOf.get(distinct[number][0]) as number)));
    return { labels, classes, remarks };
  }
  const tags = new Uint8Array(index.size * classes.length);
  for (let row = 0; row < index.size; row++) {
    for (const name of distinct[which[row]] ?? []) {
      const at = classOf.get(name) as number;
      if (at >= 0) tags[row * classes.length + at] = 1;
    }
  }
  return { tags, classes, remarks };
}

/** No list: nothing could be read. An empty one says that no class applies. */
function isLabelled(values: string[] | undefined, classOf: ReadonlyMap<string, number>): boolean {
  return values?.every((name) => (classOf.get(name) as number) >= 0) ?? false;
}

/**
 * Class names, and the class of each label that occurs: numbers are indices, others are found in the list.
 * @throws HiperceiverError for a label outside the list; `example` names a file that holds it
 */
function namedClasses(
  names: string[],
  given: readonly string[] | undefined,
  example: (name: string) => string,
): { classes: string[]; classOf: Map<string, number> } {
  const numbers = names.map((name) => (/^-?\d+$/.test(name) ? Number(name) : Number.NaN));
  const most = given?.length ?? MOST_CLASSES;
  if (numbers.every((number) => number < most)) {
    const largest = numbers.reduce((max, number) => Math.max(max, number), -1);
    const classes = given ? [...given] : Array.from({ length: largest + 1 }, (_, i) => String(i));
    return { classes, classOf: new Map(names.map((name, i) => [name, Math.max(-1, numbers[i])])) };
  }
  const classes = given ? [...given] : [...names].sort(naturalOrder);
  const classOf = new Map(classes.map((name, i) => [name, i]));
  const unlisted = names.filter((name) => !classOf.has(name));
  // Where others are indices, the one beyond the list is to blame.
  const foreign = unlisted.find((name) => !(numbers[names.indexOf(name)] < most)) ?? unlisted[0];
  if (foreign === undefined) return { classes, classOf };
  throw new HiperceiverError(
    `"${example(foreign)}" holds the label "${foreign.slice(0, 100)}", which is none of the ${most} of classes.txt: correct the label or the list.`,
  );
}
