/** Random colours: brightness, contrast, saturation and hue in random order, and grey (Chen et al. 2020, SimCLR, appendix A). */
import { fold, type Key, permutation, uniform } from '../../random/index.js';
import { saturation, turnHue } from './color.js';
import type { Pixels } from './pixels.js';
import { brightness, contrast } from './pointwise.js';

/** Brightness, contrast and saturation change by a factor between 1 - x and 1 + x, the hue by up to x of the circle. */
export type ColorJitter = readonly [brightness: number, contrast: number, saturation: number, hue: number];

const factors = [brightness, contrast, saturation];

/** Changes colours as `key` draws it, in place. */
export function colorJitter(pixels: Pixels, most: ColorJitter, key: Key): void {
  const draws = uniform(key, most.length);
  for (const part of permutation(fold(key, 'order'), most.length)) {
    if (most[part] === 0) continue;
    const change = most[part] * (2 * draws[part] - 1);
    if (part < factors.length) factors[part](pixels, Math.max(0, 1 + change));
    else turnHue(pixels, change);
  }
}

/** Takes the colours of a share of the images, in place. */
export function randomGrayscale(pixels: Pixels, probability: number, key: Key): void {
  if (uniform(key, 1)[0] < probability) saturation(pixels, 0);
}
