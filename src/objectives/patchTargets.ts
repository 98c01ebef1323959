/** What masked auto-encoders are to predict of a patch: its values, as they are or normalised by themselves. */
import type { Tensor } from '../graph/index.js';

/** Added to a variance before its root is taken, as MAE does. */
const VARIANCE_EPSILON = 1e-6;

/**
 * Each row of `[..., C]` to mean 0 and variance 1 (arXiv 2111.06377, section 4, "normalized pixels"). The variance is the
 * unbiased one, a sum divided by C - 1, as in the reference.
 */
export function normalizePatches(patches: Tensor): Tensor {
  const { centred, deviation } = statisticsOf(patches);
  return centred.div(deviation);
}

/** The way back: what was predicted in place of {@link normalizePatches}, with mean and deviation of the true patches. */
export function restorePatches(predicted: Tensor, patches: Tensor): Tensor {
  const { mean, deviation } = statisticsOf(patches);
  return predicted.mul(deviation).add(mean);
}

function statisticsOf(patches: Tensor): { mean: Tensor; centred: Tensor; deviation: Tensor } {
  const count = patches.shape[patches.rank - 1];
  const mean = patches.mean(-1, true);
  const centred = patches.sub(mean);
  const variance = centred
    .mul(centred)
    .sum(-1, true)
    .div(count - 1);
  return { mean, centred, deviation: variance.add(VARIANCE_EPSILON).sqrt() };
}
