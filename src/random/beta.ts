/** Draws from the Beta and Gamma distributions. */
import { fold, normal, uniform } from './draws.js';
import type { Key } from './threefry.js';

/**
 * A number in [0, 1] from Beta(alpha, beta), both above 0: x / (x + y) of two Gamma draws, taken by their logarithms, since
 * those of a small alpha lie below the least number.
 */
export function beta(key: Key, alpha: number, beta: number): number {
  const difference = logGamma(fold(key, 'second'), beta) - logGamma(fold(key, 'first'), alpha);
  return 1 / (1 + Math.exp(difference));
}

/**
 * The logarithm of a draw from Gamma(shape, 1): Marsaglia and Tsang 2000, a cubed normal that is kept with a probability,
 * 0.95 or more; a shape below 1 is drawn as one more times a power of a uniform number.
 */
function logGamma(key: Key, shape: number): number {
  if (shape < 1) return logGamma(fold(key, 'more'), shape + 1) + Math.log(1 - uniform(key, 1)[0]) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (let attempt = 0; ; attempt++) {
    const own = fold(key, attempt);
    const [x] = normal(own, 1);
    const v = (1 + c * x) ** 3;
    const accepted = Math.log(1 - uniform(fold(own, 'accept'), 1)[0]);
    if (v > 0 && accepted < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}
