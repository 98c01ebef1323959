import { ensure } from '../errors/index.js';
import { type ColorMap, mapColor, NOT_A_NUMBER } from './color.js';

/** An 8-bit RGB image: `rgb` is `[height, width, 3]`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** How pixel values were normalised: `(value in 0 … 1 − mean) / std`, one number for all channels or one for each. */
export interface Normalization {
  mean?: number | readonly number[];
  std?: number | readonly number[];
}

/**
 * The image of normalised values `[H, W, C]`. One or two channels: the first as grey. Three or more: the first three as
 * red, green and blue. Values outside 0 … 1 are clipped; a pixel with NaN is magenta.
 */
export function imageFromNormalized(
  values: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
  { mean = 0, std = 1 }: Normalization = {},
): RgbImage {
  const pixels = height * width;
  ensure(
    values.length === pixels * channels,
    () =>
      `An image of ${height}x${width}x${channels} has ${pixels * channels} values, not ${values.length}: check the shape.`,
  );
  const rgb = new Uint8Array(pixels * 3);
  const picked = channels >= 3 ? [0, 1, 2] : [0, 0, 0];
  const means = picked.map((c) => ofChannel(mean, c));
  const stds = picked.map((c) => ofChannel(std, c));
  for (let p = 0; p < pixels; p++) {
    for (let d = 0; d < 3; d++) {
      const value = values[p * channels + picked[d]] * stds[d] + means[d];
      if (Number.isNaN(value)) {
        rgb.set(NOT_A_NUMBER, p * 3);
        break;
      }
      rgb[p * 3 + d] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  }
  return { width, height, rgb };
}

/** The image of one value per pixel `[H, W]` through a colour map whose ends stand for `low` and `high`. */
export function imageFromMap(
  values: ArrayLike<number>,
  [height, width]: readonly [number, number],
  map: ColorMap,
  low: number,
  high: number,
): RgbImage {
  ensure(
    values.length === height * width,
    () => `A map of ${height}x${width} has ${height * width} values, not ${values.length}: check the shape.`,
  );
  const rgb = new Uint8Array(height * width * 3);
  for (let p = 0; p < values.length; p++) rgb.set(mapColor(map, values[p], low, high), p * 3);
  return { width, height, rgb };
}

/** The value below which `share` (0 … 1) of the finite values lie; NaN where there are none. */
export function percentile(values: ArrayLike<number>, share: number): number {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  return finite.length === 0 ? Number.NaN : finite[Math.round(share * (finite.length - 1))];
}

/** The entry of channel `c`; a list that is too short (grey statistics for a colour image) repeats its last entry. */
export function ofChannel(setting: number | readonly number[], c: number): number {
  return typeof setting === 'number' ? setting : setting[Math.min(c, setting.length - 1)];
}
