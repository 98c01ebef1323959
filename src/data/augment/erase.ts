/** Random erasing (Zhong et al. 2017, arXiv 1708.04896), with the sizes that timm takes. */
import { fold, type Key, normal, uniform } from '../../random/index.js';

/** How often a rectangle is erased, and what it is filled with. */
export interface EraseOptions {
  probability: number;
  /** Standard normal noise, or zeros: both after normalisation, so that a zero is the mean. */
  fill: 'noise' | 'mean';
}

/** Share of the image's area, and height over width. */
const AREA = [0.02, 1 / 3] as const;
const ASPECT = [0.3, 1 / 0.3] as const;
const ATTEMPTS = 10;

/**
 * Erases a rectangle of `[frames, height, width, channels]` in place, the same of all frames, as `key` draws it. An image in
 * which none of ten draws fits stays whole.
 */
export function eraseRectangle(
  values: Float32Array,
  [height, width]: readonly [number, number],
  channels: number,
  { probability, fill }: EraseOptions,
  key: Key,
): void {
  const draws = uniform(key, 1 + 4 * ATTEMPTS);
  if (draws[0] >= probability) return;
  const box = rectangle(draws.subarray(1), height, width);
  if (!box) return;
  const line = box.width * channels;
  const frame = height * width * channels;
  const noise = fill === 'noise' ? normal(fold(key, 'noise'), (values.length / frame) * box.height * line) : undefined;
  let drawn = 0;
  for (let start = 0; start < values.length; start += frame) {
    for (let y = box.top; y < box.top + box.height; y++, drawn += line) {
      const at = start + (y * width + box.left) * channels;
      if (noise) values.set(noise.subarray(drawn, drawn + line), at);
      else values.fill(0, at, at + line);
    }
  }
}

function rectangle(
  draws: Float32Array,
  height: number,
  width: number,
): { top: number; left: number; height: number; width: number } | undefined {
  for (let i = 0; i < draws.length; i += 4) {
    const area = height * width * (AREA[0] + (AREA[1] - AREA[0]) * draws[i]);
    const aspect = ASPECT[0] * (ASPECT[1] / ASPECT[0]) ** draws[i + 1];
    const [tall, wide] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
    if (tall < 1 || wide < 1 || tall >= height || wide >= width) continue;
    const top = Math.floor(draws[i + 2] * (height - tall + 1));
    const left = Math.floor(draws[i + 3] * (width - wide + 1));
    return { top, left, height: tall, width: wide };
  }
  return undefined;
}
