/** When an image was taken, as features: SatMAE (arXiv 2207.08051, section 3.1). */
import { ensure } from '../errors/index.js';
import { sincos1d } from '../nn/index.js';

/** The year of the first images of Functional Map of the World. */
const FIRST_YEAR = 2002;

/** Year less 2002, month less 1, and hour. */
export const TIME_COMPONENTS = 3;

/** The timestamp of `2015-08-20` or `2015-08-20T10:15`: year, month and whole hours; undefined where there is no such moment. */
export function timestampOf(moment: string): [year: number, month: number, hour: number] | undefined {
  const [, day, hour = '0', minute = '0'] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d))?$/.exec(moment) ?? [];
  const date = new Date(`${day}T00:00Z`);
  const isDay = !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === day;
  if (!isDay || Number(hour) > 23 || Number(minute) > 59) return undefined;
  return [date.getUTCFullYear() - FIRST_YEAR, date.getUTCMonth(), Number(hour)];
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
