/** Operations that look at a pixel's three colours together. On grey images they change nothing. */
import { luma, type Pixels } from './pixels.js';
import { blend } from './pointwise.js';

/** Colour: factor 0 is grey, 1 changes nothing (Pillow's ImageEnhance.Color). */
export function saturation({ data, channels }: Pixels, factor: number): void {
  if (channels < 3) return;
  const own = Math.fround(factor);
  for (let at = 0; at < data.length; at += channels) {
    const grey = luma(data[at], data[at + 1], data[at + 2]);
    data[at] = blend(grey, data[at], own);
    data[at + 1] = blend(grey, data[at + 1], own);
    data[at + 2] = blend(grey, data[at + 2], own);
  }
}

/** Turns all hues by a share of the colour circle, -1/2 … 1/2; saturation and value (of HSV) stay. */
export function turnHue({ data, channels }: Pixels, turn: number): void {
  if (channels < 3 || turn === 0) return;
  for (let at = 0; at < data.length; at += channels) {
    const [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
    const most = Math.max(red, green, blue);
    const chroma = most - Math.min(red, green, blue);
    if (chroma === 0) continue;
    // The hue in sixths of the circle, from red through green and blue.
    const sixth =
      most === red ? (green - blue) / chroma : most === green ? 2 + (blue - red) / chroma : 4 + (red - green) / chroma;
    const hue = sixth + 6 * turn + 12;
    data[at] = channelOf(hue, 5, most, chroma);
    data[at + 1] = channelOf(hue, 3, most, chroma);
    data[at + 2] = channelOf(hue, 1, most, chroma);
  }
}

/** One channel of a hue: `most` within a sixth of its own colour, falling to `most - chroma` in the sixth beyond. */
function channelOf(hue: number, offset: number, most: number, chroma: number): number {
  const place = (hue + offset) % 6;
  return most - chroma * Math.max(0, Math.min(place, 4 - place, 1)) + 0.5;
}
