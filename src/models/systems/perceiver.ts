/** The Perceiver of 2021 and Perceiver IO on images, in the sizes and forms of their references, as a system. */

import { input, type Tensor } from '../../graph/index.js';
import { Scope } from '../../nn/index.js';
import { gridTables } from '../adaptTables.js';
import type { Modality } from '../modality.js';
import { type PerceiverClassifierConfig, perceiverClassifier, perceiverLatents } from '../perceiver/classifier.js';
import { weightsOfBlock } from '../perceiver/encoder.js';
import { preprocessImages } from '../perceiver/images.js';
import { perceiverVariants } from '../perceiver/variants.js';
import { deepMindPerceiverLayout, hfPerceiverLayout, perceiverPytorchLayout } from '../published/perceiver.js';
import type { System } from '../system.js';
import type { AttentionStep, TokenAttention } from '../tokenAttention.js';
import { asBlock, imageOf, oneGroup, refuseMasks } from './images.js';

/** Preprocessor, encoder and head; the number of classes is told by whoever asks for them. */
export type PerceiverSystemConfig = Omit<PerceiverClassifierConfig, 'classes'>;

/** Images `[B, H, W, C]`, channels last. */
function images(modalities: readonly Modality[], inputs: Record<string, Tensor>): Tensor {
  const { pixels, size } = imageOf('perceiver', modalities, inputs);
  return pixels.reshape([pixels.shape[0], ...size, pixels.shape[2]]);
}

/** Latents after each block, as the encoder makes them known. */
function blocksOf(scope: Scope, { encoder }: PerceiverSystemConfig): Tensor[] {
  const taps = scope.needs.taps;
  return Array.from({ length: encoder.blocks }, (_, block) =>
    asBlock(taps.get(scope.nameOf(`encoder/block_${block}`))!),
  );
}

/** Latents that read the rows of the preprocessor, which lie on a grid of their own, and work among themselves. */
function perceiverAttention(
  { preprocessor, encoder }: PerceiverSystemConfig,
  [image]: readonly Modality[],
): TokenAttention {
  const steps: AttentionStep[] = [];
  for (let block = 0; block < encoder.blocks; block++) {
    const tap = block === 0 ? 'weights' : `weights_${block}`;
    const cross = weightsOfBlock(encoder.sharedCross, block);
    if (block === 0 || encoder.reads === 'everyBlock')
      steps.push({ kind: 'read', block, tap: `encoder/cross_attention/${cross}/attention/${tap}` });
    for (let layer = 0; layer < encoder.layers; layer++) {
      const self = weightsOfBlock(encoder.sharedSelf, block);
      steps.push({ kind: 'mix', block, tap: `encoder/self_attention/${self}/${layer}/attention/${tap}` });
    }
  }
  const { indexShape: grid } = preprocessImages(
    Scope.root(),
    input('image', [1, ...image.indexShape, image.channels]),
    preprocessor,
  );
  return { steps, prefix: 0, grid };
}

const variants: Record<string, PerceiverSystemConfig> = {};
for (const [name, { model }] of Object.entries(perceiverVariants)) {
  if (model.task !== 'imageClassification') continue;
  const { classes: _, ...config } = model.config;
  variants[name] = config;
}

export const perceiverSystem: System<PerceiverSystemConfig> = {
  name: 'perceiver',
  summary: 'Perceiver (2021) and Perceiver IO: latents that read pixels, patches or features',
  paper: 'arXiv 2107.14795',
  variants,
  masksElements: false,
  grouping: oneGroup,
  attention: perceiverAttention,
  resizable: ({ preprocessor }) => {
    const stride = preprocessor.spatialStride ?? 1;
    return [gridTables(/^preprocessor\/positions$/, [stride, stride], 0)];
  },
  published: [deepMindPerceiverLayout, hfPerceiverLayout, perceiverPytorchLayout],

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('perceiver', options);
    const { read } = perceiverLatents(scope, config, images(modalities, inputs));
    scope.tap('inputs', asBlock(read));
    return { blocks: blocksOf(scope, config), reconstruction: {}, latents: {} };
  },

  classify(scope, config, modalities, inputs, classes) {
    const { logits } = perceiverClassifier(scope, { ...config, classes }, images(modalities, inputs));
    return { blocks: blocksOf(scope, config), reconstruction: {}, latents: {}, logits };
  },
};
