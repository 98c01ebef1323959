/** Waveforms as small pictures. */
import type { RgbImage } from '../picture.js';

const WIDTH = 192;
const HEIGHT = 96;
/** Share of the height that the loudest sample of the first sound takes: louder versions of it have room. */
const LOUDEST = 0.7;
const PAPER = [246, 247, 249] as const;
const LINE = [0, 114, 178] as const;
const ZERO = [208, 213, 219] as const;

/** Sounds of one channel or several side by side, `[frames * channels]` each, all in the scale of the first. */
export function waveformImages(sounds: readonly Float32Array[]): RgbImage[] {
  const loudest = sounds[0].reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  return sounds.map((samples) => waveformImage(samples, loudest / LOUDEST));
}

/** From the lowest to the highest sample of each column and the one before it; `limit` is what reaches the edges. */
export function waveformImage(samples: ArrayLike<number>, limit: number, width = WIDTH, height = HEIGHT): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let p = 0; p < width * height; p++) rgb.set(Math.floor(p / width) === height >> 1 ? ZERO : PAPER, 3 * p);
  const row = (x: number) => Math.min(height - 1, Math.max(0, Math.round(((1 - x / limit) * (height - 1)) / 2)));
  for (let column = 0; column < width; column++) {
    const from = Math.floor((column * samples.length) / width);
    const to = Math.max(from + 1, Math.floor(((column + 1) * samples.length) / width));
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    // With the last sample of the column before, so that steep lines do not break.
    for (let i = Math.max(0, from - 1); i < Math.min(to, samples.length); i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    if (!(low <= high)) continue;
    for (let y = row(high); y <= row(low); y++) rgb.set(LINE, 3 * (y * width + column));
  }
  return { width, height, rgb };
}
