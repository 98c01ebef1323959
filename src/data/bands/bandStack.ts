/** Rasters of several spectral bands. */
import { ensure } from '../../errors/index.js';
import type { Window } from '../resample.js';

/** Elements of a raster. */
export type BandData = Uint8Array | Uint16Array | Int16Array | Float32Array;

/** A decoded raster. */
export interface BandStack {
  height: number;
  width: number;
  /** Numbers per pixel; of several dates all of them, date by date. */
  bands: number;
  /** `[height, width, bands]`, as stored: digital numbers or reflectances. */
  data: BandData;
  /** Pixels of this value (and NaN) hold no measurement. */
  noData?: number;
  /** How many dates the bands belong to, `bands / dates` each; 1 where absent. */
  dates?: number;
}

/** A raster of more numbers than this (2 GiB of 16 bits) is refused before memory is touched. */
export const MOST_NUMBERS = 2 ** 30;

/** Refuses sizes that no raster has, or that memory could not hold. @throws HiperceiverError with a short reason */
export function checkRasterSize(height: number, width: number, bands: number): void {
  ensure(height > 0 && width > 0 && bands > 0, () => `its size is ${width}x${height} with ${bands} bands`);
  ensure(
    height * width * bands <= MOST_NUMBERS,
    () =>
      `it has ${width}x${height} pixels of ${bands} bands, more than ${MOST_NUMBERS} numbers: cut it into smaller rasters`,
  );
}

/** The pixels of a window, in memory of their own. */
export function cutBands(stack: BandStack, { top, left, height, width }: Window): BandStack {
  const { bands } = stack;
  const data = sameType(stack.data, height * width * bands);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * stack.width + left) * bands;
    data.set(stack.data.subarray(from, from + width * bands), y * width * bands);
  }
  return { ...stack, height, width, data };
}

/** An empty array of the same type. */
export function sameType(data: BandData, length: number): BandData {
  return new (data.constructor as new (length: number) => BandData)(length);
}

/** What a value of 1 (full reflectance) is stored as, by the element type: 255 in bytes, 10,000 in 16 bits, 1 in floats. */
export function unitOf(data: BandData): number {
  if (data instanceof Float32Array) return 1;
  return data instanceof Uint8Array ? 255 : 10000;
}
