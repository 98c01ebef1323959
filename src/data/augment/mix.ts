/** Mixup (Zhang et al. 2017, arXiv 1710.09412) and CutMix (Yun et al. 2019, arXiv 1905.04899): examples mixed in pairs. */
import { ensure } from '../../errors/index.js';
import { beta, fold, type Key, uniform } from '../../random/index.js';
import { elementOrder } from '../kinds/index.js';
import type { Batch } from '../loader.js';

/** The parameter alpha of Beta(alpha, alpha), by which shares are drawn; 0 does without. With both, a coin decides. */
export interface MixOptions {
  mixup?: number;
  cutmix?: number;
}

/** Whether anything is mixed. */
export function mixes({ mixup = 0, cutmix = 0 }: MixOptions): boolean {
  return mixup > 0 || cutmix > 0;
}

/** Elements of a signal, and the numbers of each. */
interface GridShape {
  name: string;
  indexShape: readonly number[];
  channels: number;
}

/** Signals in which each example is mixed with its {@link partner}. */
export interface MixedSignals extends Pick<Batch, 'signals' | 'lengths'> {
  /** What of each example is its own, 0 … 1. */
  share: number;
}

/** The example that example i of a batch is mixed with: the batch in reverse, as timm does. */
export function partner(i: number, size: number): number {
  return size - 1 - i;
}

/**
 * Mixes a batch with itself in reverse: all values by one share, or a box of one share of the grid, as `key` draws them. A
 * pure function; an example has as many real elements as the longer of the two.
 * @param shapes of the signals that are mixed
 * @param permutation the seed by which elements were shuffled, if they were
 * @throws HiperceiverError where boxes are to be cut out of signals that are no grids
 */
export function mixBatch(
  { size, signals, lengths }: Pick<Batch, 'size' | 'signals' | 'lengths'>,
  shapes: readonly Readonly<GridShape>[],
  { mixup = 0, cutmix = 0 }: MixOptions,
  key: Key,
  permutation?: number,
): MixedSignals {
  const isCut = cutmix > 0 && (mixup === 0 || uniform(fold(key, 'choice'), 1)[0] < 0.5);
  const alpha = isCut ? cutmix : mixup;
  const drawn = beta(fold(key, 'share'), alpha, alpha);
  const box = isCut ? drawBox(fold(key, 'box'), drawn) : undefined;
  const out: MixedSignals = { signals: { ...signals }, lengths: lengths && { ...lengths }, share: drawn };
  for (const { name, indexShape, channels } of shapes) {
    if (box) {
      const { inside, share } = elementsInside(box, indexShape);
      const order = permutation === undefined ? undefined : elementOrder(permutation, inside.length);
      out.signals[name] = cut(signals[name], size, order ? inside.map((_, i) => inside[order[i]]) : inside, channels);
      out.share = share;
    } else out.signals[name] = average(signals[name], size, drawn);
    const own = lengths?.[name];
    if (own && out.lengths) out.lengths[name] = own.map((length, i) => Math.max(length, own[partner(i, size)]));
  }
  return out;
}

/**
 * Labels of mixed examples as distributions `[B, classes]`: each example's class and its partner's by their shares, then
 * smoothed as hard ones are, a part of all spread evenly over all classes.
 */
export function softLabels(labels: Int32Array, classes: number, share: number, smoothing = 0): Float32Array {
  const size = labels.length;
  const out = new Float32Array(size * classes).fill(smoothing / classes);
  for (let i = 0; i < size; i++) {
    out[i * classes + labels[i]] += (1 - smoothing) * share;
    out[i * classes + labels[partner(i, size)]] += (1 - smoothing) * (1 - share);
  }
  return out;
}

/** `share` of every example and the rest of its partner, over the values `[B, …]` of a signal or of tags. */
export function average(values: Float32Array, size: number, share: number): Float32Array {
  const length = values.length / size;
  const out = new Float32Array(values.length);
  for (let i = 0; i < size; i++) {
    const [own, other] = [i * length, partner(i, size) * length];
    for (let at = 0; at < length; at++) out[own + at] = share * values[own + at] + (1 - share) * values[other + at];
  }
  return out;
}

/** A box of the plane in shares of its sides. */
interface Box {
  centreY: number;
  centreX: number;
  /** Of either side. */
  side: number;
}

/** Its area is what is not an example's own; it may reach beyond the edge, and counts less then. */
function drawBox(key: Key, share: number): Box {
  const [centreY, centreX] = uniform(key, 2);
  return { centreY, centreX, side: Math.sqrt(1 - share) };
}

/** Which elements of a grid lie in the box, on its last two axes, and the share of those that do not. */
function elementsInside(box: Box, indexShape: readonly number[]): { inside: Uint8Array; share: number } {
  ensure(
    indexShape.length >= 2,
    () => 'augment.cutmix cuts boxes out of grids, and this signal has one axis: use augment.mixup.',
  );
  const [height, width] = indexShape.slice(-2);
  const [top, bottom] = reach(box.centreY, box.side, height);
  const [left, right] = reach(box.centreX, box.side, width);
  const inside = new Uint8Array(indexShape.reduce((a, b) => a * b, 1));
  for (let frame = 0; frame < inside.length; frame += height * width) {
    for (let y = top; y < bottom; y++) inside.fill(1, frame + y * width + left, frame + y * width + right);
  }
  return { inside, share: 1 - ((bottom - top) * (right - left)) / (height * width) };
}

function reach(centre: number, side: number, size: number): [from: number, to: number] {
  const [middle, half] = [Math.floor(centre * size), Math.floor(side * size) >> 1];
  return [Math.max(0, middle - half), Math.min(size, middle + half)];
}

/** Each example with its partner's elements where `inside` says so. */
function cut(values: Float32Array, size: number, inside: Uint8Array, channels: number): Float32Array {
  const length = inside.length * channels;
  const out = values.slice();
  for (let i = 0; i < size; i++) {
    const [own, other] = [i * length, partner(i, size) * length];
    for (let e = 0; e < inside.length; e++) {
      if (inside[e] === 0) continue;
      for (let at = e * channels; at < (e + 1) * channels; at++) out[own + at] = values[other + at];
    }
  }
  return out;
}
