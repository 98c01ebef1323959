/** Point sets to model inputs: `[points, channels]` floats. */
import { ensure } from '../../errors/index.js';
import { fold, type Key, keyFrom, normal, permutation, subset, uniform } from '../../random/index.js';
import { mortonOrder } from './morton.js';
import type { PointsOptions } from './options.js';
import { type PointSet, pointCount } from './pointSet.js';
import { rotatePoints } from './rotation.js';
import { sampleSurface } from './surface.js';

/** Jitter is cut at so many deviations, so that no point is thrown far out (PointNet++). */
const JITTER_LIMIT = 5;

/**
 * A point set as model input: a pure function of the set, the options and the key. A mesh is sampled on its surface; of a
 * set with more points than wanted a random subset is taken, one with fewer is repeated or padded. With `augment: false`
 * the choice is the same for every key, and nothing else is random.
 * @returns `values` `[options.points, options.channels]`; rows from `length` on are padding (zeros)
 * @throws HiperceiverError where points have fewer channels than wanted
 */
export function transformPoints(
  set: PointSet,
  options: PointsOptions,
  key: Key,
): { values: Float32Array; length: number } {
  const { points: count, channels, normalize = 'unitSphere', augment = true, fill = 'repeat' } = options;
  ensure(set.channels >= channels, () => `its points have ${set.channels} channels where ${channels} are asked for`);
  const own = augment ? key : keyFrom(0);
  const surface = sampleSurface(set, count, fold(own, 'surface'));
  const kept = keptCount(surface, options, own);
  const length = fill === 'pad' ? kept : count;
  const values = gather(surface, chosenRows(pointCount(surface), kept, length, fold(own, 'choice')), channels);

  if (normalize === 'unitSphere') toUnitSphere(values, channels);
  if (augment) distort(values, set.columns, options, own);
  const ordered = gather({ points: values, channels }, rowOrder(values, options, own), channels);
  standardise(ordered, options);
  const padded = new Float32Array(count * channels);
  padded.set(ordered);
  return { values: padded, length };
}

/** How many different points are used: what there is, what is wanted, less a random share. */
function keptCount(set: PointSet, { points, augment = true, dropout = 0 }: PointsOptions, key: Key): number {
  const most = Math.min(points, pointCount(set));
  if (!augment || dropout === 0) return most;
  return Math.max(1, most - Math.floor(uniform(fold(key, 'dropout'), 1)[0] * dropout * most));
}

/** `length` rows of `total`, `kept` different ones among them, each as often as any other to within one; increasing. */
function chosenRows(total: number, kept: number, length: number, key: Key): Int32Array {
  const base = kept === total ? Int32Array.from({ length: total }, (_, i) => i) : subset(key, total, kept);
  const rows = new Int32Array(length);
  const whole = Math.floor(length / kept) * kept;
  for (let i = 0; i < whole; i++) rows[i] = base[i % kept];
  subset(fold(key, 'repeat'), kept, length - whole).forEach((i, at) => {
    rows[whole + at] = base[i];
  });
  return rows.sort();
}

/** The given rows with their first `channels` numbers. */
function gather(set: Pick<PointSet, 'points' | 'channels'>, rows: Int32Array, channels: number): Float32Array {
  const out = new Float32Array(rows.length * channels);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * set.channels;
    for (let c = 0; c < channels; c++) out[i * channels + c] = set.points[from + c];
  }
  return out;
}

/** Moves the mean of x, y, z to the origin and scales the farthest point to distance 1, in place. */
function toUnitSphere(values: Float32Array, channels: number): void {
  const count = values.length / channels;
  const centre = [0, 0, 0];
  for (let p = 0; p < values.length; p += channels)
    for (let axis = 0; axis < 3; axis++) centre[axis] += values[p + axis] / count;
  let radius = 0;
  for (let p = 0; p < values.length; p += channels)
    radius = Math.max(radius, Math.hypot(values[p] - centre[0], values[p + 1] - centre[1], values[p + 2] - centre[2]));
  // A single place has no size.
  const scale = radius > 0 ? 1 / radius : 1;
  for (let p = 0; p < values.length; p += channels)
    for (let axis = 0; axis < 3; axis++) values[p + axis] = (values[p + axis] - centre[axis]) * scale;
}

/** Rotation, scale, shift and jitter, in place. */
function distort(
  values: Float32Array,
  columns: readonly string[] | undefined,
  { channels, rotate = 'none', scale = [1, 1], shift = 0, jitter = 0 }: PointsOptions,
  key: Key,
): void {
  if (rotate !== 'none') rotatePoints(values, channels, columns, rotate, fold(key, 'rotate'));
  const [factor, ...moves] = uniform(fold(key, 'scale'), 4);
  const grown = scale[0] + (scale[1] - scale[0]) * factor;
  const noise = jitter > 0 ? normal(fold(key, 'jitter'), (3 * values.length) / channels) : undefined;
  for (let p = 0, i = 0; p < values.length; p += channels) {
    for (let axis = 0; axis < 3; axis++, i++) {
      const blur = noise ? jitter * Math.max(-JITTER_LIMIT, Math.min(JITTER_LIMIT, noise[i])) : 0;
      values[p + axis] = values[p + axis] * grown + shift * (2 * moves[axis] - 1) + blur;
    }
  }
}

function rowOrder(values: Float32Array, { channels, order = 'morton' }: PointsOptions, key: Key): Int32Array {
  const count = values.length / channels;
  switch (order) {
    case 'stored':
      return Int32Array.from({ length: count }, (_, i) => i);
    case 'morton':
      return mortonOrder(values, channels);
    case 'random':
      return permutation(fold(key, 'order'), count);
  }
}

/** Subtracts the mean and divides by the deviation, in place; what is no number (a missing normal) becomes the mean. */
function standardise(values: Float32Array, { channels, mean = [0], std = [1] }: PointsOptions): void {
  for (let i = 0; i < values.length; i++) {
    const c = i % channels;
    const value = (values[i] - (mean[c] ?? mean[0])) / (std[c] ?? std[0]);
    values[i] = Number.isFinite(value) ? value : 0;
  }
}
