/** The Swin transformer as a system. */

import type { Tensor } from '../../graph/index.js';
import type { Scope } from '../../nn/index.js';
import { gridTables, patchWeights } from '../adaptTables.js';
import { swinVariants } from '../fastmimVariants.js';
import { originalSwinLayout } from '../published/swin.js';
import { type SwinConfig, type SwinStates, swin, swinClassifier } from '../swin.js';
import type { ClassLogits, PerceiverOutputs, System } from '../system.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, withoutSizes } from './images.js';

function swinOutputs(scope: Scope, { embedded, stages, output }: SwinStates): PerceiverOutputs {
  return encoderOutputs(scope, embedded, stages, output);
}

/** The encoder with the head on the mean of its tokens. */
export function swinLogits(scope: Scope, config: SwinConfig, pixels: Tensor, classes: number): ClassLogits {
  const states = swin(scope, config, pixels);
  return { ...swinOutputs(scope, states), logits: swinClassifier(scope, states.output, classes) };
}

export const swinSystem: System<Omit<SwinConfig, 'size'>> = {
  name: 'swin',
  summary: 'Swin transformer: attention inside small windows that shift',
  paper: 'arXiv 2103.14030',
  variants: withoutSizes(swinVariants),
  masksElements: false,
  grouping: oneGroup,
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
};
