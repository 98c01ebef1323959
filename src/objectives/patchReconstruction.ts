/** MAE's loss (arXiv 2111.06377, section 3): the pixels of the patches that were removed. */
import type { Tensor } from '../graph/index.js';
import { patchify, type Size2d } from '../nn/index.js';
import { maskedMeanSquaredError } from './losses.js';
import { normalizePatches } from './patchTargets.js';

/** What is to be predicted, and how far the prediction is from it. */
export interface PatchReconstruction {
  /** Mean over the removed patches of the mean squared error of each. */
  loss: Tensor;
  /** The patches as they are, `[B, L, p·q·C]`, ordered by row, column and channel. */
  target: Tensor;
}

/**
 * @param prediction `[B, L, p·q·C]`
 * @param pixels `[B, H·W, C]`, row by row
 * @param mask `[B, L]`, 1 = removed
 * @param options `normalize`: each patch's values are brought to mean 0 and variance 1 before they are compared
 */
export function patchReconstruction(
  prediction: Tensor,
  pixels: Tensor,
  mask: Tensor,
  { size, patch, normalize }: { size: Size2d; patch: Size2d; normalize: boolean },
): PatchReconstruction {
  const target = patchify(pixels, size, patch);
  const loss = maskedMeanSquaredError(prediction, normalize ? normalizePatches(target) : target, mask);
  return { loss, target };
}
