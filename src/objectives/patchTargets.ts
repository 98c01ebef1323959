/** What masked auto-encoders are to predict of a patch: its values, as they are or normalised by themselves. */
import type { Tensor } from '../graph/index.js';

/** Added to a variance before its root is taken, as MAE does. */
const VARIANCE_EPSILON = 1e-6;

/**
 * Each row of `[..., C]` to mean 0 and variance 1 (arXiv 2111.06377, section 4, "normalized pixels"). The variance is the
 * unbiased one, a sum divided by C - 1, as in the reference.
 */
export function normalizePatches(patches: Tensor): Tensor {
  const count = patches.shape[patches.rank - 1];
  const centred = patches.sub(patches.mean(-1, true));
  const variance = centred
    .mul(centred)
    .sum(-1, true)
    .div(count - 1);
  return centred.div(variance.add(VARIANCE_EPSILON).sqrt());
}
