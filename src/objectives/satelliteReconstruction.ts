/** SatMAE's losses (arXiv 2207.08051): removed patches of several times, or of several groups of spectral bands. */
import { concat, constant, type Tensor } from '../graph/index.js';
import { patchify, type Size2d } from '../nn/index.js';
import { maskedMeanSquaredError } from './losses.js';
import { normalizePatches } from './patchTargets.js';

/** What both losses know of the images. */
export interface SatelliteTarget {
  size: Size2d;
  patch: Size2d;
  /** Whether targets are brought to mean 0 and variance 1: each patch, or each place with all its bands. */
  normalize: boolean;
}

/**
 * Mean squared error over the removed patches of all times.
 * @param prediction `[B, T·L, p·q·C]`, ordered by row, column and channel
 * @param pixels `[B, T, H·W, C]`
 * @param mask `[B, T·L]`, 1 = removed
 */
export function temporalReconstructionLoss(
  prediction: Tensor,
  pixels: Tensor,
  mask: Tensor,
  { size, patch, normalize }: SatelliteTarget,
): Tensor {
  const [batch, times, area, channels] = pixels.shape;
  const patches = patchify(pixels.reshape([batch * times, area, channels]), size, patch);
  const target = patches.reshape(prediction.shape);
  return maskedMeanSquaredError(prediction, normalize ? normalizePatches(target) : target, mask);
}

/** Options of {@link bandReconstructionLoss}. */
export interface BandTarget extends SatelliteTarget {
  groups: readonly (readonly number[])[];
  /**
   * Which band each slot of the prediction is compared with. `own`: the one that its group reads. `slot`, as the reference has
   * it: slot k with band k, so that with groups out of order a group's tokens predict bands that other groups read.
   */
  compared: 'own' | 'slot';
}

/**
 * Mean over the removed tokens of the squared error of the bands of their group.
 * @param prediction `[B, bands, L, p·q]`, the bands in the order of the groups joined
 * @param pixels `[B, H·W, bands]`
 * @param mask `[B, groups·L]`, 1 = removed
 */
export function bandReconstructionLoss(
  prediction: Tensor,
  pixels: Tensor,
  mask: Tensor,
  { size, patch, groups, compared, normalize }: BandTarget,
): Tensor {
  const [batch, , length, area] = prediction.shape;
  const bands = pixels.shape[2];
  // Places with all bands, normalised together: [B, L, area, bands].
  const places = patchify(pixels, size, patch);
  const values = (normalize ? normalizePatches(places) : places).reshape([batch, length, area, bands]);
  const target = values.transpose([0, 3, 1, 2]);
  const bandsOf = (x: Tensor, group: readonly number[]) => x.gather(constant([...group], [group.length], 'i32'), 1);
  const removed = mask.reshape([batch, groups.length, length]).split(groups.length, 1);
  let slot = 0;
  const errors = groups.map((group, g) => {
    const slots = compared === 'slot' ? group : group.map(() => slot++);
    const error = bandsOf(prediction, slots).sub(bandsOf(target, group));
    return error
      .mul(error)
      .mean(3)
      .mean(1)
      .mul(removed[g].reshape([batch, length]));
  });
  return concat(errors, 1).sum().div(mask.sum().maximum(1));
}
