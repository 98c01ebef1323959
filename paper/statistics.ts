/** Means over seeds with their 95 % confidence intervals. */

/** Student's t for 95 % two-sided, by degrees of freedom from 1 on. */
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** A mean, and half the width of its 95 % confidence interval (NaN for a single value). */
export interface Interval {
  mean: number;
  half: number;
}

/** Mean of a few values with its interval by Student's t. */
export function interval(values: readonly number[]): Interval {
  const count = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / count;
  if (count < 2) return { mean, half: Number.NaN };
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (count - 1);
  const t = T[Math.min(count - 2, T.length - 1)];
  return { mean, half: t * Math.sqrt(variance / count) };
}

/** `73.6 ± 1.2` in per cent. */
export function percent({ mean, half }: Interval): string {
  const shown = (x: number) => (100 * x).toFixed(1);
  return Number.isNaN(half) ? shown(mean) : `${shown(mean)} ± ${shown(half)}`;
}
