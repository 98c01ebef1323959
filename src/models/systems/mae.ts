/** The masked auto-encoder as a system. */

import { constant, type Tensor } from '../../graph/index.js';
import { unpatchify } from '../../nn/index.js';
import { gridTables, patchWeights } from '../adaptTables.js';
import { type MaeConfig, maeDecoder, maeEncoder } from '../mae.js';
import { maeVariants } from '../maeVariants.js';
import { hfMaeLayout, originalMaeLayout } from '../published/mae.js';
import type { System } from '../system.js';
import { plainAttention } from '../tokenAttention.js';
import { withoutClassToken } from '../tokens.js';
import { vitDefaults } from '../vit.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, vitDenseLogits, vitLogits } from './images.js';

/** Every token in the place where it is: what the decoder is told where nothing is masked. `[B, L]` i32 */
export function inPlace(batch: number, length: number): Tensor {
  const places = Int32Array.from({ length: batch * length }, (_, i) => i % length);
  return constant(places, [batch, length], 'i32');
}

export const maeSystem: System<MaeConfig> = {
  name: 'mae',
  summary: 'Masked auto-encoder: a ViT on visible patches, a light decoder',
  paper: 'arXiv 2111.06377',
  variants: maeVariants,
  masksElements: false,
  grouping: oneGroup,
  attention: ({ depth, patch }, [image]) => plainAttention(depth, image, patch),
  resizable: ({ patch }) => [
    gridTables(/^(decoder_)?positions$/, patch, 1),
    patchWeights(/^patch_embedding\/w$/, patch),
  ],
  published: [hfMaeLayout, originalMaeLayout],

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('mae', options);
    const { name, pixels, size } = imageOf('mae', modalities, inputs);
    const { tokens, embedded, blocks } = maeEncoder(scope, config, pixels, size);
    const outputs = encoderOutputs(scope, embedded, blocks, withoutClassToken(tokens));
    if (options.encoderOnly) return outputs;
    const [batch, count] = tokens.shape;
    const restore = inPlace(batch, count - 1);
    const predicted = maeDecoder(scope, config, tokens, restore, { size, channels: pixels.shape[2] });
    return { ...outputs, reconstruction: { [name]: unpatchify(predicted, size, config.patch) } };
  },

  // For fine-tuning the authors take a plain vision transformer: its positions are trained, the norm is on the mean.
  classify(scope, { decoder: _, ...encoder }, modalities, inputs, classes) {
    const { pixels, size } = imageOf('mae', modalities, inputs);
    const pooled = { pooling: 'average', normAfterPooling: true } as const;
    return vitLogits(scope, { ...vitDefaults, ...encoder, ...pooled, classes }, pixels, size);
  },

  segment(scope, { decoder: _, ...encoder }, modalities, inputs, classes) {
    const { pixels, size } = imageOf('mae', modalities, inputs);
    return vitDenseLogits(scope, { ...vitDefaults, ...encoder }, pixels, size, classes);
  },
};
