/** The way back from targets that were normalised within their groups. */
import type { MaskPlan } from '../../objectives/index.js';

/** Added to a variance before its root is taken, as in training. */
const VARIANCE_EPSILON = 1e-6;

/**
 * Gives each group of a prediction the mean and deviation of the same group of the input.
 * @param predicted of one example, `[I * C]`
 * @param signal the example itself, `[I * C]`
 */
export function restoreTargets(
  predicted: Float32Array,
  signal: Float32Array,
  { part, rows }: Pick<MaskPlan, 'part' | 'rows'>,
): Float32Array {
  const restored = new Float32Array(predicted.length);
  const perGroup = (rows * signal.length) / part.indexDim;
  for (let from = 0; from < signal.length; from += perGroup) {
    const own = signal.subarray(from, from + perGroup);
    const mean = own.reduce((a, b) => a + b, 0) / own.length;
    const deviation = Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / own.length + VARIANCE_EPSILON);
    for (let i = 0; i < own.length; i++) restored[from + i] = predicted[from + i] * deviation + mean;
  }
  return restored;
}
