/** SpecAugment (Park et al. 2019, arXiv 1904.08779), without time warping: stripes of a spectrogram that are hidden. */
import { ensure } from '../../errors/index.js';
import { fold, type Key, uniform } from '../../random/index.js';

/** How wide stripes may be, and how many there are. */
export interface SpecAugmentOptions {
  /** Most neighbouring mel bins that a stripe hides (27 in the paper, 48 in Audio-MAE's fine-tuning). Default 0. */
  frequencyMask?: number;
  /** Most neighbouring frames that a stripe hides (100 in the paper, 192 in Audio-MAE's fine-tuning). Default 0. */
  timeMask?: number;
  /** Stripes of either sort (2 in the paper, 1 in Audio-MAE's fine-tuning). Default 1. */
  specMasks?: number;
}

/** @throws HiperceiverError naming the option that makes no sense */
export function checkSpecAugment(
  { frequencyMask = 0, timeMask = 0, specMasks = 1 }: SpecAugmentOptions,
  frames: number,
  bins: number,
): void {
  for (const [name, most, size] of [
    ['frequencyMask', frequencyMask, bins],
    ['timeMask', timeMask, frames],
    ['specMasks', specMasks, 100],
  ] as const)
    ensure(
      Number.isInteger(most) && most >= 0 && most <= size,
      () => `${name} is ${most}: give a whole number from 0 to ${size}.`,
    );
}

/**
 * Hides stripes of mel bins and of frames with zeros, in place; their widths are uniform from 0 to the most, their places
 * uniform where they fit.
 * @param values `[frames, bins]`
 */
export function specAugment(
  values: Float32Array,
  bins: number,
  { frequencyMask = 0, timeMask = 0, specMasks = 1 }: SpecAugmentOptions,
  key: Key,
): void {
  const frames = values.length / bins;
  for (let mask = 0; mask < specMasks; mask++) {
    const [low, high] = stripe(fold(key, 'frequency', mask), frequencyMask, bins);
    const [start, end] = stripe(fold(key, 'time', mask), timeMask, frames);
    if (high > low) for (let f = 0; f < frames; f++) values.fill(0, f * bins + low, f * bins + high);
    values.fill(0, start * bins, end * bins);
  }
}

/** From where to where a stripe reaches. */
function stripe(key: Key, most: number, size: number): [start: number, end: number] {
  if (most === 0) return [0, 0];
  const [first, second] = uniform(key, 2);
  const width = Math.floor(first * (Math.min(most, size) + 1));
  const start = Math.floor(second * (size - width + 1));
  return [start, start + width];
}
