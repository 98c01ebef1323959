/** FastMIM: masked pixels take one colour, and what the hidden tokens looked like is predicted (arXiv 2212.06593, section 3). */
import { ensure } from '../../errors/index.js';
import { input, type Tensor } from '../../graph/index.js';
import { blockGrid, FASTMIM_HOG, fastMim, fastMimGrid } from '../../models/fastmim.js';
import { type FastMimSystemConfig, fastMimOn } from '../../models/systems/fastmim.js';
import { imageOf } from '../../models/systems/images.js';
import { patchify, type Size2d, unpatchify } from '../../nn/index.js';
import type { Key } from '../../random/index.js';
import { hogPicture } from '../hogPicture.js';
import { hogOfTokens, maskedHogLoss, maskedPixelLoss } from '../maskedAppearance.js';
import { restorePatches } from '../patchTargets.js';
import type { BuildPretraining } from './pretraining.js';
import { describeTokenMasks, drawTokenMask, ratioOf, spreadOverPixels, tokenMaskPlan } from './tokenMasks.js';
import { unitPixels } from './unitPixels.js';

/** FastMIM's objective: pixels, or histograms of oriented gradients, of the blocks that were hidden. */
export const hiddenAppearance: BuildPretraining = (scope, model, inputs, options) => {
  const { name, pixels, size } = imageOf('fastmim', model.modalities, inputs);
  const config = fastMimOn(model.config as FastMimSystemConfig, size);
  const batch = pixels.shape[0];
  const blocks = blockGrid(config);
  const grid = fastMimGrid(config);
  const plan = tokenMaskPlan({ ...options, ratio: ratioOf(options, name) }, { batch, grid: blocks });
  const hidden = input('mask/hidden', [batch, ...blocks]);
  const { prediction } = fastMim(scope, config, pixels, hidden);
  const normalize = options.normalizeTargets || config.target === 'hog';
  const target = { size, grid, normalize, ...FASTMIM_HOG };
  const mask = overTokens(hidden, grid);
  const loss =
    config.target === 'hog'
      ? maskedHogLoss(prediction, pixels, mask, target)
      : maskedPixelLoss(prediction, pixels, mask, target);
  const patch: Size2d = [size[0] / grid[0], size[1] / grid[1]];
  const filledPixels = () => ({
    filled: unpatchify(normalize ? restorePatches(prediction, patchify(pixels, size, patch)) : prediction, size, patch),
  });
  const strokes = () => {
    const { fromUnit } = unitPixels(model, name);
    const drawn = (tokens: Tensor) =>
      fromUnit(hogPicture(tokens, grid, { ...FASTMIM_HOG, cells: patch[0] / FASTMIM_HOG.cell }));
    return { filled: drawn(prediction), wanted: drawn(hogOfTokens(pixels, target)) };
  };
  return {
    loss,
    metrics: {},
    about: `${describeTokenMasks(plan, { patch: [size[0] / blocks[0], size[1] / blocks[1]], fate: 'hidden' })}, to predict ${config.target === 'hog' ? 'histograms of oriented gradients' : 'pixels'}`,
    feeds: ({ key }) => ({ 'mask/hidden': drawTokenMask(plan, key).mask }),
    answers() {
      const hiddenPixels = (key: Key) => spreadOverPixels(drawTokenMask(plan, key).mask, blocks, size);
      return { [name]: { ...(config.target === 'hog' ? strokes() : filledPixels()), loss, hidden: hiddenPixels } };
    },
  };
};

/** A mask of blocks `[B, rows, columns]` for the tokens that they cover; as it is where blocks are no larger than tokens. */
function overTokens(mask: Tensor, grid: Size2d): Tensor {
  const [batch, rows, columns] = mask.shape;
  const times = [grid[0] / rows, grid[1] / columns];
  if (times.every((n) => n <= 1)) return mask;
  ensure(
    times.every(Number.isInteger),
    () => `Blocks on a grid of ${rows} x ${columns} do not divide into ${grid.join(' x ')} tokens: change block.`,
  );
  return mask
    .reshape([batch, rows, 1, columns, 1])
    .expand([batch, rows, times[0], columns, times[1]])
    .reshape([batch, ...grid]);
}
