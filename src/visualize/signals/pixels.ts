/** Pictures put together, enlarged and hidden, pixel by pixel. */
import type { RgbImage } from '../picture.js';

/** What the mask hides. */
const MASKED_GREY = 128;
/** Pixels between two pictures. */
const GAP = 2;

/** The picture with grey where the mask `[H * W]` hides it. */
export function withoutHidden({ width, height, rgb }: RgbImage, mask: ArrayLike<number>): RgbImage {
  const shown = rgb.slice();
  for (let p = 0; p < width * height; p++) if (mask[p] > 0) shown.fill(MASKED_GREY, 3 * p, 3 * p + 3);
  return { width, height, rgb: shown };
}

/** Pictures of one size from left to right, or one below the other, a white line between them. */
export function beside(images: readonly RgbImage[], direction: 'right' | 'below' = 'right'): RgbImage {
  const [{ width, height }] = images;
  const isRow = direction === 'right';
  const long = images.length * ((isRow ? width : height) + GAP) - GAP;
  const [wide, tall] = isRow ? [long, height] : [width, long];
  const rgb = new Uint8Array(wide * tall * 3).fill(255);
  images.forEach((image, i) => {
    const [left, top] = isRow ? [i * (width + GAP), 0] : [0, i * (height + GAP)];
    for (let y = 0; y < height; y++)
      rgb.set(image.rgb.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * wide + left));
  });
  return { width: wide, height: tall, rgb };
}

/** Every pixel as a square of `factor` pixels. */
export function enlarged({ width, height, rgb }: RgbImage, factor: number): RgbImage {
  const [wide, tall] = [width * factor, height * factor];
  const out = new Uint8Array(wide * tall * 3);
  for (let p = 0; p < wide * tall; p++) {
    const from = 3 * (Math.floor(Math.floor(p / wide) / factor) * width + Math.floor((p % wide) / factor));
    out[3 * p] = rgb[from];
    out[3 * p + 1] = rgb[from + 1];
    out[3 * p + 2] = rgb[from + 2];
  }
  return { width: wide, height: tall, rgb: out };
}
