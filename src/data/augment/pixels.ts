/** Images that augmentation may write to. */
import type { RawImage } from '../source.js';
import type { View } from '../view.js';

/** An image as bytes `[height, width, channels]` of its own; operations change it in place. */
export interface Pixels {
  height: number;
  width: number;
  channels: number;
  data: Uint8Array;
}

/**
 * A copy as bytes, moved and mirrored by the view; what a move uncovers is black. Floats are shares of full scale: they are
 * cut to 0 … 1 and rounded to bytes, on which the operations are defined.
 */
export function movedPixels(image: RawImage, view: Pick<View, 'shiftY' | 'shiftX' | 'flip'>): Pixels {
  const { height, width, channels, data: stored } = image;
  const data = new Uint8Array(stored.length);
  const unit = stored instanceof Uint8Array ? 1 : 255;
  const { shiftY, shiftX, flip } = view;
  if (unit === 1 && shiftY === 0 && shiftX === 0 && !flip) {
    data.set(stored);
    return { height, width, channels, data };
  }
  const top = Math.max(0, -shiftY);
  const bottom = Math.min(height, height - shiftY);
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < width; x++) {
      const sourceX = (flip ? width - 1 - x : x) + shiftX;
      if (sourceX < 0 || sourceX >= width) continue;
      const from = ((y + shiftY) * width + sourceX) * channels;
      const to = (y * width + x) * channels;
      if (unit === 1) for (let c = 0; c < channels; c++) data[to + c] = stored[from + c];
      else for (let c = 0; c < channels; c++) data[to + c] = 255 * Math.min(1, Math.max(0, stored[from + c])) + 0.5;
    }
  }
  return { height, width, channels, data };
}

/** Grey of a colour, ITU-R BT.601, in whole numbers as Pillow rounds it. */
export function luma(red: number, green: number, blue: number): number {
  return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
}
