/** RandAugment (Cubuk et al. 2019, arXiv 1909.13719) as timm's `rand-m9-mstd0.5-inc1` draws it. */
import { fold, type Key, normal, uniform } from '../../random/index.js';
import { saturation } from './color.js';
import { type Affine, rotation, sharpness, transform } from './neighbours.js';
import type { Pixels } from './pixels.js';
import { autoContrast, brightness, contrast, equalize, invert, posterize, solarize, solarizeAdd } from './pointwise.js';

/** How strongly, and how often. */
export interface RandAugmentOptions {
  /** 0 … {@link MOST_MAGNITUDE}; 9 in most recipes. */
  magnitude: number;
  /** Operations drawn for an image, the same one perhaps twice. Default 2. */
  layers?: number;
  /** Deviation of the magnitude from operation to operation. Default 0.5. */
  noise?: number;
}

/** The strongest magnitude. */
export const MOST_MAGNITUDE = 10;

/** How often a drawn operation is applied. */
const PROBABILITY = 0.5;

/** What an operation is told: strength 0 … 1, which of two directions, and what comes in from outside the image. */
export interface Draw {
  strength: number;
  sign: 1 | -1;
  /** Bytes, one per channel. */
  fill: readonly number[];
}

/**
 * Every operation, in place. They get more severe as the strength grows. At strength 0 those that have one change nothing,
 * but for `posterize`, which keeps 4 bits there and 0 at the other end.
 */
export const operations: Record<string, (pixels: Pixels, draw: Draw) => void> = {
  autoContrast,
  equalize,
  invert,
  rotate: (pixels, { strength, sign, fill }) => transform(pixels, rotation(30 * strength * sign, pixels), fill),
  posterize: (pixels, { strength }) => posterize(pixels, 4 - Math.floor(4 * strength)),
  solarize: (pixels, { strength }) => solarize(pixels, 256 - Math.floor(256 * strength)),
  solarizeAdd: (pixels, { strength }) => solarizeAdd(pixels, Math.floor(110 * strength)),
  color: (pixels, draw) => saturation(pixels, factorOf(draw)),
  contrast: (pixels, draw) => contrast(pixels, factorOf(draw)),
  brightness: (pixels, draw) => brightness(pixels, factorOf(draw)),
  sharpness: (pixels, draw) => sharpness(pixels, factorOf(draw)),
  shearX: moved(({ strength, sign }) => [1, 0.3 * strength * sign, 0, 0, 1, 0]),
  shearY: moved(({ strength, sign }) => [1, 0, 0, 0.3 * strength * sign, 1, 0]),
  translateX: moved(({ strength, sign }, { width }) => [1, 0, 0.45 * strength * sign * width, 0, 1, 0]),
  translateY: moved(({ strength, sign }, { height }) => [1, 0, 0, 0, 1, 0.45 * strength * sign * height]),
};

const names = Object.keys(operations);

/** Applies the operations that `key` draws, in place. */
export function randAugment(
  pixels: Pixels,
  { magnitude, layers = 2, noise = 0.5 }: RandAugmentOptions,
  fill: readonly number[],
  key: Key,
): void {
  for (let layer = 0; layer < layers; layer++) {
    const own = fold(key, layer);
    const [choice, applied, side] = uniform(own, 3);
    if (applied >= PROBABILITY) continue;
    const drawn = magnitude + (noise > 0 ? noise * normal(fold(own, 'noise'), 1)[0] : 0);
    const strength = Math.min(MOST_MAGNITUDE, Math.max(0, drawn)) / MOST_MAGNITUDE;
    operations[names[Math.floor(choice * names.length)]](pixels, { strength, sign: side < 0.5 ? 1 : -1, fill });
  }
}

/** A factor around 1 of what makes an image: colour, contrast, brightness, sharpness. */
function factorOf({ strength, sign }: Draw): number {
  return Math.max(0.1, 1 + 0.9 * strength * sign);
}

function moved(map: (draw: Draw, pixels: Pixels) => Affine): (pixels: Pixels, draw: Draw) => void {
  return (pixels, draw) => transform(pixels, map(draw, pixels), draw.fill);
}
