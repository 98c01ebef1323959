/** Masked auto-encoders: patches are removed and their pixels predicted (arXiv 2111.06377, section 3). */
import { input } from '../../graph/index.js';
import { type MaeConfig, maeDecoder, maeEncoder } from '../../models/mae.js';
import { imageOf } from '../../models/systems/images.js';
import { patchGrid, patchify, unpatchify } from '../../nn/index.js';
import type { Key } from '../../random/index.js';
import { patchReconstruction } from '../patchReconstruction.js';
import { restorePatches } from '../patchTargets.js';
import type { BuildPretraining } from './pretraining.js';
import { describeTokenMasks, drawTokenMask, ratioOf, spreadOverPixels, tokenMaskPlan } from './tokenMasks.js';

/** MAE's objective. The encoder sees the patches that are kept alone, in random order; the loss counts the others. */
export const removedPatches: BuildPretraining = (scope, model, inputs, options) => {
  const config = model.config as MaeConfig;
  const { name, pixels, size } = imageOf('mae', model.modalities, inputs);
  const { patch } = config;
  const [batch, , channels] = pixels.shape;
  const grid = patchGrid(size, patch);
  const plan = tokenMaskPlan({ ...options, ratio: ratioOf(options, name) }, { batch, grid });
  const { count, length } = plan;
  const kept = input('mask/kept', [batch, count], 'i32');
  const restore = input('mask/restore', [batch, length], 'i32');
  const mask = input('mask/removed', [batch, length]);
  const encoded = maeEncoder(scope, config, pixels, size, kept);
  const prediction = maeDecoder(scope, config, encoded.tokens, restore, { size, channels });
  const normalize = options.normalizeTargets;
  const { loss } = patchReconstruction(prediction, pixels, mask, { size, patch, normalize });
  return {
    loss,
    metrics: {},
    about: describeTokenMasks(plan, { patch }),
    feeds({ key }) {
      const drawn = drawTokenMask(plan, key);
      return { 'mask/kept': drawn.kept, 'mask/restore': drawn.restore, 'mask/removed': drawn.mask };
    },
    answers() {
      const own = normalize ? restorePatches(prediction, patchify(pixels, size, patch)) : prediction;
      const hidden = (key: Key) => spreadOverPixels(drawTokenMask(plan, key).mask, grid, size);
      return { [name]: { filled: unpatchify(own, size, patch), loss, hidden } };
    },
  };
};
