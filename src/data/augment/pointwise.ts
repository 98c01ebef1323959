/** Operations that give each byte a new value by its channel alone, as Pillow's ImageOps and ImageEnhance define them. */
import { luma, type Pixels } from './pixels.js';

/** Stretches each channel so that its darkest value becomes 0 and its brightest 255. */
export function autoContrast(pixels: Pixels): void {
  eachChannel(pixels, (counts, table) => {
    let low = 0;
    let high = 255;
    while (low < 255 && counts[low] === 0) low++;
    while (high > 0 && counts[high] === 0) high--;
    if (high <= low) return false;
    const scale = 255 / (high - low);
    for (let i = 0; i < 256; i++) table[i] = Math.min(255, Math.max(0, Math.trunc(i * scale - low * scale)));
    return true;
  });
}

/** Makes each channel's values as evenly frequent as whole values can be. */
export function equalize(pixels: Pixels): void {
  const total = pixels.height * pixels.width;
  eachChannel(pixels, (counts, table) => {
    let last = 255;
    while (last > 0 && counts[last] === 0) last--;
    // A channel of one value has step 0 too.
    const step = Math.floor((total - counts[last]) / 255);
    if (step === 0) return false;
    let below = step >> 1;
    for (let i = 0; i < 256; i++) {
      table[i] = Math.min(255, Math.floor(below / step));
      below += counts[i];
    }
    return true;
  });
}

/** The negative. */
export function invert(pixels: Pixels): void {
  everyByte(pixels, (value) => 255 - value);
}

/** Keeps the `bits` leading bits of every value, 0 … 8. */
export function posterize(pixels: Pixels, bits: number): void {
  const mask = (0xff00 >> bits) & 0xff;
  everyByte(pixels, (value) => value & mask);
}

/** Inverts the values from `threshold` on; 256 leaves all as they are. */
export function solarize(pixels: Pixels, threshold: number): void {
  everyByte(pixels, (value) => (value < threshold ? value : 255 - value));
}

/** Adds to the values of the darker half. */
export function solarizeAdd(pixels: Pixels, addend: number): void {
  everyByte(pixels, (value) => (value < 128 ? Math.min(255, value + addend) : value));
}

/** Factor 0 is black, 1 changes nothing. */
export function brightness(pixels: Pixels, factor: number): void {
  const own = Math.fround(factor);
  everyByte(pixels, (value) => blend(0, value, own));
}

/** Factor 0 is the image's mean grey, 1 changes nothing. */
export function contrast(pixels: Pixels, factor: number): void {
  const own = Math.fround(factor);
  const grey = Math.floor(meanLuma(pixels) + 0.5);
  everyByte(pixels, (value) => blend(grey, value, own));
}

/** A value on the straight line from `from` (factor 0) through `to` (factor 1), in single precision and cut off. */
export function blend(from: number, to: number, factor: number): number {
  const value = Math.fround(from + Math.fround(factor * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}

function meanLuma({ data, channels }: Pixels): number {
  let sum = 0;
  if (channels < 3) for (let at = 0; at < data.length; at += channels) sum += data[at];
  else for (let at = 0; at < data.length; at += channels) sum += luma(data[at], data[at + 1], data[at + 2]);
  return (sum * channels) / data.length;
}

/** Replaces all values by a function of them, which is asked once for each of the 256. */
function everyByte({ data }: Pixels, of: (value: number) => number): void {
  const table = new Uint8Array(256);
  for (let i = 0; i < 256; i++) table[i] = of(i);
  for (let i = 0; i < data.length; i++) data[i] = table[data[i]];
}

/** Replaces each channel's values by a table that is made from how often each occurs; `false` leaves the channel as it is. */
function eachChannel({ data, channels }: Pixels, make: (counts: Uint32Array, table: Uint8Array) => boolean): void {
  const counts = new Uint32Array(256);
  const table = new Uint8Array(256);
  for (let c = 0; c < channels; c++) {
    counts.fill(0);
    for (let at = c; at < data.length; at += channels) counts[data[at]]++;
    if (make(counts, table)) for (let at = c; at < data.length; at += channels) data[at] = table[data[at]];
  }
}
