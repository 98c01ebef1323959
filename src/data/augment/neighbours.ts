/** Operations that look at a pixel's surroundings: sharpness, and affine maps of the plane. */
import type { Pixels } from './pixels.js';
import { blend } from './pointwise.js';

/**
 * Factor 0 is smoothed (each pixel five times with its eight neighbours), 1 changes nothing, more sharpens. Pixels at the
 * border count as smooth (Pillow's ImageEnhance.Sharpness).
 */
export function sharpness(pixels: Pixels, factor: number): void {
  const { height, width, channels, data } = pixels;
  const own = Math.fround(factor);
  const out = data.slice();
  const line = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * line + channels; at < (y + 1) * line - channels; at++) {
      const [above, below] = [at - line, at + line];
      const around =
        data[above - channels] +
        data[above] +
        data[above + channels] +
        data[at - channels] +
        data[at + channels] +
        data[below - channels] +
        data[below] +
        data[below + channels];
      out[at] = blend(Math.floor((around + 5 * data[at]) / 13 + 0.5), data[at], own);
    }
  }
  pixels.data = out;
}

/** Where a pixel of the result comes from: x' = a x + b y + c, y' = d x + e y + f, in pixels from the top left corner. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** A turn about the centre, in degrees, counter-clockwise. */
export function rotation(degrees: number, { height, width }: Pick<Pixels, 'height' | 'width'>): Affine {
  const angle = (-degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [width / 2, height / 2];
  return [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y];
}

/** Applies a map, between pixels bilinearly and cut off to whole bytes, as Pillow does; what lies outside becomes `fill`. */
export function transform(pixels: Pixels, [a, b, c, d, e, f]: Affine, fill: readonly number[]): void {
  const { height, width, channels, data } = pixels;
  const out = new Uint8Array(data.length);
  const line = width * channels;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const sourceX = a * (x + 0.5) + b * (y + 0.5) + c;
      const sourceY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (sourceX < 0 || sourceX >= width || sourceY < 0 || sourceY >= height) {
        for (let k = 0; k < channels; k++) out[to + k] = fill[k];
        continue;
      }
      const left = Math.floor(sourceX - 0.5);
      const top = Math.floor(sourceY - 0.5);
      const shareX = sourceX - 0.5 - left;
      const shareY = sourceY - 0.5 - top;
      const near = Math.max(0, left) * channels;
      const far = Math.min(width - 1, left + 1) * channels;
      const upper = Math.max(0, top) * line;
      const lower = Math.min(height - 1, top + 1) * line;
      for (let k = 0; k < channels; k++) {
        const first = data[upper + near + k] + (data[upper + far + k] - data[upper + near + k]) * shareX;
        const second = data[lower + near + k] + (data[lower + far + k] - data[lower + near + k]) * shareX;
        out[to + k] = first + (second - first) * shareY;
      }
    }
  }
  pixels.data = out;
}
