/** When an image was taken, as features: SatMAE (arXiv 2207.08051, section 3.1). */
import { ensure } from '../errors/index.js';
import { sincos1d } from '../nn/index.js';

/** The year of the first images of Functional Map of the World. */
const FIRST_YEAR = 2002;

/** Year less 2002, month less 1, and hour. */
export const TIME_COMPONENTS = 3;

/** A timestamp of a year, a month from 1, and an hour. */
export function timestampAt({ year, month, hour }: { year: number; month: number; hour: number }): number[] {
  return [year - FIRST_YEAR, month - 1, hour];
}

/**
 * Sine-cosine features of each component of timestamps `[..., 3]`, one after the other: `[..., 3·width]`. In double precision,
 * as no device's single precision keeps the phase of large numbers.
 * @param width channels of one component, even
 */
export function timestampFeatures(timestamps: ArrayLike<number>, width: number): Float32Array {
  ensure(
    timestamps.length % TIME_COMPONENTS === 0,
    () => `${timestamps.length} numbers do not divide into timestamps of year, month and hour.`,
  );
  // Rows are (image, component) pairs, so that the features of an image's components come to stand side by side.
  return sincos1d(timestamps, width).data;
}
