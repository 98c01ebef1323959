/** BEiT: the visual tokens of hidden patches are predicted (Bao et al. 2021, arXiv 2106.08254, section 2.3). */
import { ensure } from '../../errors/index.js';
import { input, oneHot, type Tensor } from '../../graph/index.js';
import { type BeitConfig, beit, beitTokenHead, patchTokens } from '../../models/beit.js';
import {
  type DiscreteVaeConfig,
  decodedPixels,
  decodeTokens,
  encodeTokens,
  mostProbableTokens,
  tokenStride,
} from '../../models/discreteVae.js';
import type { BeitSystemConfig } from '../../models/systems/beit.js';
import { imageOf } from '../../models/systems/images.js';
import { patchGrid, type Size2d } from '../../nn/index.js';
import { fold, type Key } from '../../random/index.js';
import { drawBlockwiseMask } from '../blockwiseMasks.js';
import { atPlaces, labelsAt, maskedPlaces, maskedTokenLoss } from '../maskedTokens.js';
import type { BuildPretraining, PretrainingOptions } from './pretraining.js';
import { describeTokenMasks, drawTokenMask, ratioOf, spreadOverPixels, tokenMaskPlan } from './tokenMasks.js';
import { unitPixels } from './unitPixels.js';

/** Scope of the frozen auto-encoder inside of a BEiT that is pre-trained. */
export const TOKENIZER = 'tokenizer';

/** BEiT's objective. The tokenizer is a frozen part of the model, so that a checkpoint goes on from itself alone. */
export const hiddenTokens: BuildPretraining = (scope, model, inputs, options) => {
  const { name, pixels, size } = imageOf('beit', model.modalities, inputs);
  const { tokenizer, ...sizes } = model.config as BeitSystemConfig;
  ensure(
    tokenizer,
    () =>
      'beit predicts the tokens of a discrete auto-encoder: train one (hip pretrain --model.name dvae) and name it with --model.tokenizer.',
  );
  const config: BeitConfig = { ...sizes, size, channels: pixels.shape[2] };
  const grid = patchGrid(size, config.patch);
  const [batch, , channels] = pixels.shape;
  const draw = patchMasks(options, ratioOf(options, name), batch, grid);
  const masked = input('mask/hidden', [batch, grid[0] * grid[1]]);
  const places = input('mask/places', [draw.count], 'i32');

  const { toUnit, fromUnit } = unitPixels(model, name);
  const frozen = scope.frozen().child(TOKENIZER);
  const view = tokenizerView(tokenizer, size, grid);
  const labels = mostProbableTokens(
    encodeTokens(frozen.child('encoder'), tokenizer, view.shrink(toUnit(pixels)), view.size),
  );
  // Made here so that a checkpoint holds it: pictures of predicted tokens need no other file.
  const decode = (choice: Tensor) => decodeTokens(frozen.child('decoder'), tokenizer, choice, grid, channels);
  decode(oneHot(labels, tokenizer.vocabulary));
  const { output } = beit(scope, config, pixels, masked);
  const tokens = patchTokens(output);
  const logitsOf = (x: Tensor) => beitTokenHead(scope, x, tokenizer.vocabulary);
  const { loss, accuracy } = maskedTokenLoss(logitsOf(atPlaces(tokens, places)), labelsAt(labels, places));
  return {
    loss,
    metrics: { tokenAccuracy: accuracy },
    about: `${draw.about}, to predict their tokens of ${tokenizer.vocabulary}`,
    feeds({ key }) {
      const mask = draw.masks(key);
      return { 'mask/hidden': mask, 'mask/places': maskedPlaces(mask, draw.count) };
    },
    answers() {
      const flat = tokens.reshape([-1, tokens.shape[2]]);
      const predicted = mostProbableTokens(logitsOf(flat).reshape([batch, grid[0] * grid[1], tokenizer.vocabulary]));
      // Tokens of patches that are seen are taken as they are.
      const chosen = masked.greater(0).where(predicted, labels);
      const choice = oneHot(chosen, tokenizer.vocabulary);
      const drawn = decodedPixels(decode(choice));
      return {
        [name]: {
          filled: fromUnit(view.grow(drawn)),
          loss,
          hidden: (key) => spreadOverPixels(draw.masks(key), grid, size),
        },
      };
    },
  };
};

interface PatchMasks {
  /** Patches of a batch that can be hidden at most. */
  count: number;
  about: string;
  /** 1 = hidden, `[B, N]`. */
  masks(key: Key): Float32Array;
}

/** Patches of the smallest rectangle on BEiT's grid of 14 x 14. */
const SMALLEST_BLOCK = 16 / 196;

function patchMasks(options: PretrainingOptions, ratio: number, batch: number, grid: Size2d): PatchMasks {
  const area = grid[0] * grid[1];
  if (options.scheme !== 'blocks') {
    const plan = tokenMaskPlan({ ...options, ratio }, { batch, grid });
    return {
      count: batch * (plan.length - plan.count),
      about: describeTokenMasks(plan, { fate: 'hidden' }),
      masks: (key) => drawTokenMask(plan, key).mask,
    };
  }
  const numMasked = Math.round(area * ratio);
  ensure(numMasked >= 1, () => `A mask ratio of ${ratio} hides none of ${area} patches: raise it.`);
  const rectangles = {
    grid: [grid[0], grid[1]] as const,
    numMasked,
    minBlock: Math.min(numMasked, Math.max(1, Math.round(SMALLEST_BLOCK * area))),
  };
  return {
    count: batch * numMasked,
    about: `${area} patches, of which up to ${numMasked} are hidden in rectangles`,
    masks(key) {
      const masks = new Float32Array(batch * area);
      for (let i = 0; i < batch; i++) {
        const own = fold(key, 'rectangles', options.perExample ? i : 0);
        masks.set(drawBlockwiseMask(rectangles, own), i * area);
      }
      return masks;
    },
  };
}

/** The image at the size whose tokens are as many as there are patches. */
function tokenizerView(
  tokenizer: DiscreteVaeConfig,
  [height, width]: Size2d,
  [rows, columns]: Size2d,
): { size: Size2d; shrink(pixels: Tensor): Tensor; grow(pixels: Tensor): Tensor } {
  const stride = tokenStride(tokenizer);
  const size: Size2d = [rows * stride, columns * stride];
  const factors = [height / size[0], width / size[1]];
  ensure(
    factors.every((factor) => Number.isInteger(factor)),
    () =>
      `A token stands for ${stride}x${stride} pixels, a patch of this model for ${height / rows}x${width / columns}, which is no multiple of it: train an auto-encoder with fewer groups (--model.config.groups).`,
  );
  const [down, across] = factors;
  return {
    size,
    // The mean of the pixels that one stands for.
    shrink: (pixels) => {
      const [batch, , channels] = pixels.shape;
      return pixels
        .reshape([batch, size[0], down, size[1], across, channels])
        .mean([2, 4])
        .reshape([batch, size[0] * size[1], channels]);
    },
    grow: (pixels) => {
      const [batch, , channels] = pixels.shape;
      return pixels
        .reshape([batch, size[0], 1, size[1], 1, channels])
        .expand([batch, size[0], down, size[1], across, channels])
        .reshape([batch, height * width, channels]);
    },
  };
}
