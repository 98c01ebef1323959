/** Splits of a data set: their names in public layouts, and a held-out share where the data come undivided. */
import { ensure, HiperceiverError, unknownName } from '../errors/index.js';
import { fold, keyFrom, permutation } from '../random/index.js';

const SPLIT_NAMES: Record<string, string> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  dev: 'val',
  test: 'test',
  testing: 'test',
  t10k: 'test',
};

/** `train`, `val` or `test` for the names that public data sets use (`training`, `valid`, `t10k`, …), else undefined. */
export function canonicalSplit(name: string): string | undefined {
  return Object.hasOwn(SPLIT_NAMES, name.toLowerCase()) ? SPLIT_NAMES[name.toLowerCase()] : undefined;
}

/** Which stored split to read, and which share of it to take. */
export interface SplitChoice {
  /** The stored split; undefined where the data are undivided. */
  stored: string | undefined;
  /** `all` of it, what is `kept` for training, or what is `heldOut` from it. */
  share: 'all' | 'kept' | 'heldOut';
}

/**
 * Answers a wish for a split. `val` and `test` stand for each other where only one is stored; where neither is, a share
 * is held out, and `train` is the rest, so that the two never overlap. No wish means the training split, whole.
 * @throws HiperceiverError where the wished split is neither stored nor can be made.
 */
export function chooseSplit(wish: string | undefined, stored: string[], path: string): SplitChoice {
  const heldOut = stored.filter((name) => name === 'val' || name === 'test');
  const base = stored.includes('train') || stored.length === 0 ? (stored.length > 0 ? 'train' : undefined) : stored[0];
  if (wish === undefined) return { stored: base, share: 'all' };
  const name = stored.includes(wish) ? wish : (canonicalSplit(wish) ?? wish);
  const canMake = stored.length === 0 || stored.includes('train');
  if (name === 'train' && canMake) return { stored: base, share: heldOut.length > 0 ? 'all' : 'kept' };
  if (stored.includes(name)) return { stored: name, share: 'all' };
  if (name === 'val' || name === 'test') {
    if (heldOut.length > 0) return { stored: heldOut[0], share: 'all' };
    if (canMake) return { stored: base, share: 'heldOut' };
  }
  const known = stored.length > 0 ? stored : ['train', 'val', 'test'];
  throw new HiperceiverError(`${unknownName('split', wish, known).message} (in "${path}")`);
}

/**
 * The rows of a share: `round(fraction * count)` of each class are held out, drawn by the seed alone.
 * @param labels class of each row, or undefined where all rows count as one class
 */
export function takeShare(
  share: 'kept' | 'heldOut',
  size: number,
  labels: Int32Array | undefined,
  fraction: number,
  seed: number,
): Int32Array {
  ensure(
    fraction >= 0 && fraction < 1,
    () => `validationFraction is ${fraction}: give a share from 0 up to, but not including, 1.`,
  );
  const order = permutation(fold(keyFrom(seed), 'validation'), size);
  const counts = new Map<number, number>();
  for (let row = 0; row < size; row++) counts.set(labels?.[row] ?? 0, (counts.get(labels?.[row] ?? 0) ?? 0) + 1);
  const left = new Map(Array.from(counts, ([label, count]) => [label, Math.round(fraction * count)]));
  // Rounding down every small class must not leave an empty held-out share.
  const total = [...left.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0 && fraction > 0 && size > 1) left.set(labels?.[order[0]] ?? 0, 1);
  const heldOut = new Uint8Array(size);
  for (const row of order) {
    const label = labels?.[row] ?? 0;
    const remaining = left.get(label) ?? 0;
    if (remaining > 0) {
      heldOut[row] = 1;
      left.set(label, remaining - 1);
    }
  }
  const wanted = share === 'heldOut' ? 1 : 0;
  return Int32Array.from(heldOut.keys()).filter((row) => heldOut[row] === wanted);
}
