/**
 * Random masks over tokens, as MAE draws them (arXiv 2111.06377, section 3): each token gets a random number, and those with
 * the smallest are kept, in ascending order of their numbers. The numbers come from an explicit key, or are given.
 */
import { ensure } from '../errors/index.js';
import { fold, type Key, uniform } from '../random/index.js';

/** Which tokens are kept, one mask for each example of a batch. */
export interface TokenMask {
  /** Positions of the tokens that are kept, `[B, K]`. */
  kept: Int32Array;
  numKept: number;
  /** Where each token stands in a list of the kept ones followed by the removed ones, `[B, L]`. */
  restore: Int32Array;
  /** 1 = removed, `[B, L]`. */
  mask: Float32Array;
}

/** The number of tokens that are kept of `count`: rounded down, as the references do; `least` at least, by default one. */
export function numKept(count: number, maskRatio: number, least = 1): number {
  ensure(maskRatio >= 0 && maskRatio < 1, () => `The mask ratio is ${maskRatio} but must lie in 0 to 1, 1 excluded.`);
  const kept = Math.floor(count * (1 - maskRatio));
  ensure(kept >= least, () => `A mask ratio of ${maskRatio} leaves ${kept} of ${count} tokens: lower it.`);
  return kept;
}

/** Random numbers for `batch` masks over `length` tokens, `[batch, length]`: a pure function of the key. */
export function maskNoise(key: Key, batch: number, length: number): Float32Array {
  return uniform(fold(key, 'mask'), batch * length);
}

/** Positions in ascending order of their noise, by example: `[B, L]` → `[B, L]`. Of equal ones the first comes first. */
export function orderByNoise(noise: ArrayLike<number>, length: number): Int32Array {
  const order = new Int32Array(noise.length);
  for (let at = 0; at < noise.length; at += length) {
    const positions = Int32Array.from({ length }, (_, i) => i);
    order.set(
      positions.sort((a, b) => noise[at + a] - noise[at + b] || a - b),
      at,
    );
  }
  return order;
}

/** The mask that keeps the first `count` tokens of each example's order, `[B, L]` of positions. */
export function maskFromOrder(order: Int32Array, length: number, count: number): TokenMask {
  const batch = order.length / length;
  const kept = new Int32Array(batch * count);
  const restore = new Int32Array(order.length);
  const mask = new Float32Array(order.length).fill(1);
  for (let example = 0; example < batch; example++) {
    const own = order.subarray(example * length, (example + 1) * length);
    kept.set(own.subarray(0, count), example * count);
    own.forEach((position, rank) => {
      restore[example * length + position] = rank;
      if (rank < count) mask[example * length + position] = 0;
    });
  }
  return { kept, numKept: count, restore, mask };
}

/**
 * The order of the tokens of `parts` images or groups that share one order of places, `[B, L]` → `[B, parts·L]`: of each part
 * the first `count` places, then of each the others.
 */
export function orderOfParts(order: Int32Array, length: number, parts: number, count: number): Int32Array {
  const out = new Int32Array(order.length * parts);
  for (let from = 0, at = 0; from < order.length; from += length) {
    for (const [first, last] of [
      [0, count],
      [count, length],
    ]) {
      for (let part = 0; part < parts; part++)
        for (let i = first; i < last; i++) out[at++] = part * length + order[from + i];
    }
  }
  return out;
}
