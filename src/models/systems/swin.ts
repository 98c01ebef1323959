/** The Swin transformer as a system. */

import type { Tensor } from '../../graph/index.js';
import { norm, patchGrid, type Scope, type Size2d } from '../../nn/index.js';
import { gridTables, patchWeights } from '../adaptTables.js';
import { swinVariants } from '../fastmimVariants.js';
import type { Modality } from '../modality.js';
import { ofPixels, tokenMap } from '../patchSegmentation.js';
import { originalSwinLayout } from '../published/swin.js';
import { type SwinConfig, type SwinStates, stageGrid, swin, swinClassifier, windowOf, windowPlaces } from '../swin.js';
import type { ClassLogits, DenseLogits, PerceiverOutputs, System } from '../system.js';
import type { AttentionStep, TokenAttention } from '../tokenAttention.js';
import { upperNet, upperNetDefaults } from '../upperNet.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, withoutSizes } from './images.js';

function swinOutputs(scope: Scope, { embedded, stages, output }: SwinStates): PerceiverOutputs {
  return encoderOutputs(scope, embedded, stages, output);
}

/** The encoder with the head on the mean of its tokens. */
export function swinLogits(scope: Scope, config: SwinConfig, pixels: Tensor, classes: number): ClassLogits {
  const states = swin(scope, config, pixels);
  return { ...swinOutputs(scope, states), logits: swinClassifier(scope, states.output, classes) };
}

/** The most channels of the joined maps, as UperNet has them. */
const JOINED_CHANNELS = 512;

/** The encoder with UperNet on its stages, each after a norm of its own: a class for every pixel. */
export function swinDenseLogits(scope: Scope, config: SwinConfig, pixels: Tensor, classes: number): DenseLogits {
  const states = swin(scope, config, pixels);
  const { stages } = states;
  const last = stages[stages.length - 1];
  const maps = stages.map((stage, i) =>
    tokenMap(norm(scope.child(`stage_norms/${i}`), stage, config.normEpsilon), stageGrid(config, i)),
  );
  const channels = Math.min(JOINED_CHANNELS, last.shape[2]);
  const segmented = upperNet(scope, { ...upperNetDefaults, channels, classes }, maps);
  return ofPixels(segmented, config.size, encoderOutputs(scope, states.embedded, stages, last));
}

/** Attention inside windows, and tokens that are merged between stages; names below `prefix`. */
export function swinAttention(config: Omit<SwinConfig, 'size'>, { indexShape }: Modality, prefix = ''): TokenAttention {
  const size: Size2d = [indexShape[0], indexShape[1]];
  const steps: AttentionStep[] = [];
  let block = 0;
  config.depths.forEach((depth, stage) => {
    const grid = stageGrid({ ...config, size }, stage);
    if (stage > 0) steps.push({ kind: 'merge', block, members: 4, of: mergedTokens(grid) });
    const { width, shift } = windowOf(grid, config);
    for (let i = 0; i < depth; i++, block++) {
      const windows = windowPlaces(grid, { width, shift: i % 2 === 1 ? shift : 0 });
      const tap = `${prefix}stages/${stage}/blocks/${i}/attention/weights`;
      steps.push({ kind: 'mix', block, tap, windows });
    }
  });
  return { steps, prefix: 0, grid: patchGrid(size, config.patch) };
}

/** The four tokens of the finer grid that each of a grid of merged ones is made of, `[R·C, 4]`. */
function mergedTokens([rows, columns]: Size2d): Int32Array {
  return Int32Array.from({ length: rows * columns * 4 }, (_, i) => {
    const [token, member] = [Math.floor(i / 4), i % 4];
    const [row, column] = [Math.floor(token / columns), token % columns];
    return (2 * row + (member % 2)) * 2 * columns + 2 * column + Math.floor(member / 2);
  });
}

export const swinSystem: System<Omit<SwinConfig, 'size'>> = {
  name: 'swin',
  summary: 'Swin transformer: attention inside small windows that shift',
  paper: 'arXiv 2103.14030',
  variants: withoutSizes(swinVariants),
  masksElements: false,
  grouping: oneGroup,
  attention: (config, [image]) => swinAttention(config, image),
  resizable: ({ patch }) => [gridTables(/^positions$/, patch, 0), patchWeights(/^patch_embedding\/w$/, patch)],
  published: [originalSwinLayout],

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('swin', options);
    const { pixels, size } = imageOf('swin', modalities, inputs);
    return swinOutputs(scope, swin(scope, { ...config, size }, pixels));
  },

  classify(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('swin', modalities, inputs);
    return swinLogits(scope, { ...config, size }, pixels, classes);
  },

  segment(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('swin', modalities, inputs);
    return swinDenseLogits(scope, { ...config, size }, pixels, classes);
  },
};
