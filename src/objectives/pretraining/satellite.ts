/** SatMAE: patches of several dates, or of several groups of bands, are removed and predicted (arXiv 2207.08051). */
import { concat, constant, input, type Tensor } from '../../graph/index.js';
import { partCount, type SatMaeConfig, satMaeDecoder, satMaeEncoder } from '../../models/satmae.js';
import { framesInPlace, type SatMaeSystemConfig, settledSatMae } from '../../models/systems/satmae.js';
import { patchGrid, patchify, unpatchify } from '../../nn/index.js';
import { restorePatches } from '../patchTargets.js';
import { bandReconstructionLoss, temporalReconstructionLoss } from '../satelliteReconstruction.js';
import type { BuildPretraining } from './pretraining.js';
import { describeTokenMasks, drawTokenMask, ratioOf, spreadOverPixels, tokenMaskPlan } from './tokenMasks.js';

/** SatMAE's objective: with `group` all parts lose the same places (consistent masking), with `uniform` each its own. */
export const removedParts: BuildPretraining = (scope, model, inputs, options) => {
  const settled = settledSatMae(model.config as SatMaeSystemConfig, model.modalities, inputs);
  const { name, config, pixels, times } = settled;
  const { parts, size, patch } = config;
  const batch = pixels.shape[0];
  const grid = patchGrid(size, patch);
  const count = partCount(config);
  const plan = tokenMaskPlan({ ...options, ratio: ratioOf(options, name) }, { batch, grid, parts: count });
  const removed = input('mask/removed', [batch, plan.length]);
  const { tokens } = satMaeEncoder(scope, config, pixels, {
    kept: input('mask/kept', [batch, plan.count], 'i32'),
    times: times(config.partWidth),
  });
  const prediction = satMaeDecoder(scope, config, tokens, {
    restore: input('mask/restore', [batch, plan.length], 'i32'),
    times: times(config.decoder.partWidth),
  });
  const normalize = options.normalizeTargets;
  const target = { size, patch, normalize };
  const loss =
    parts.kind === 'times'
      ? temporalReconstructionLoss(prediction, pixels, removed, target)
      : bandReconstructionLoss(prediction, pixels, removed, { ...target, groups: parts.groups, compared: 'own' });
  return {
    loss,
    metrics: {},
    about: describeTokenMasks(plan, { patch }),
    feeds({ key }) {
      const drawn = drawTokenMask(plan, key);
      return { 'mask/kept': drawn.kept, 'mask/restore': drawn.restore, 'mask/removed': drawn.mask };
    },
    answers: () => ({
      [name]: {
        filled:
          parts.kind === 'times'
            ? filledTimes(config, prediction, pixels, normalize)
            : filledBands(config, prediction, pixels, normalize),
        loss,
        hidden(key) {
          const { mask } = drawTokenMask(plan, key);
          const ofParts = parts.kind === 'times' ? mask : hiddenAnywhere(mask, count, grid[0] * grid[1]);
          return spreadOverPixels(ofParts, grid, size);
        },
      },
    }),
  };
};

/** Places `[B, L]` that any of the parts `[B, parts·L]` has lost. */
function hiddenAnywhere(mask: Float32Array, parts: number, length: number): Float32Array {
  const out = new Float32Array(mask.length / parts);
  for (let i = 0; i < mask.length; i++) {
    const place = Math.floor(i / (parts * length)) * length + (i % length);
    out[place] = Math.max(out[place], mask[i]);
  }
  return out;
}

/** Predictions of all dates `[B, T·L, p·q·C]` as pixels, `[B, T·H·W, C]`. */
function filledTimes(config: SatMaeConfig, prediction: Tensor, pixels: Tensor, normalize: boolean): Tensor {
  if (!normalize) return framesInPlace(prediction, config);
  const [batch, times, area, channels] = pixels.shape;
  const patches = patchify(pixels.reshape([batch * times, area, channels]), config.size, config.patch);
  return framesInPlace(restorePatches(prediction, patches.reshape(prediction.shape)), config);
}

/** Predictions `[B, slots, L, p·q]` in the bands' own order as pixels `[B, H·W, C]`; bands that no group reads stay as they are. */
function filledBands(config: SatMaeConfig, prediction: Tensor, pixels: Tensor, normalize: boolean): Tensor {
  const { parts, size, patch } = config;
  const order = parts.kind === 'groups' ? parts.groups.flat() : [];
  const [batch, , length, area] = prediction.shape;
  const bands = pixels.shape[2];
  const unread = Array.from({ length: bands }, (_, band) => band).filter((band) => !order.includes(band));
  const places = patchify(pixels, size, patch);
  const ofBands = (x: Tensor, which: readonly number[]) =>
    x.gather(constant(Int32Array.from(which), [which.length], 'i32'), 3);
  const pixelsOf = (x: Tensor, which: readonly number[]) => {
    const patches = ofBands(x, which).reshape([batch, length, area * which.length]);
    return unpatchify(patches, size, patch);
  };
  // [B, slots, L, p·q] → [B, L, p·q, bands], as patches of all bands are ordered; what is not read has room only.
  const slots = prediction.transpose([0, 2, 3, 1]);
  const known = places.reshape([batch, length, area, bands]);
  const all = unread.length > 0 ? concat([slots, ofBands(known, unread)], 3) : slots;
  const arranged = Array.from({ length: bands }, (_, band) => [...order, ...unread].indexOf(band));
  const values = ofBands(all, arranged).reshape(places.shape);
  const restored = normalize ? restorePatches(values, places) : values;
  if (unread.length === 0) return unpatchify(restored, size, patch);
  const read = [...order].sort((a, b) => a - b);
  const joined = concat([pixelsOf(restored.reshape(known.shape), read), pixelsOf(known, unread)], 2);
  const back = Array.from({ length: bands }, (_, band) => [...read, ...unread].indexOf(band));
  return joined.gather(constant(Int32Array.from(back), [bands], 'i32'), 2);
}
