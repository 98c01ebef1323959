/** The vision transformer as a system. */

import { norm } from '../../nn/index.js';
import { gridTables, patchWeights } from '../adaptTables.js';
import { hfVitLayout, timmVitLayout } from '../published/vit.js';
import type { System } from '../system.js';
import { plainAttention } from '../tokenAttention.js';
import { withoutClassToken } from '../tokens.js';
import { type VitConfig, vitEncoder } from '../vit.js';
import { vitVariants } from '../vitVariants.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, vitDenseLogits, vitLogits } from './images.js';

export const vitSystem: System<VitConfig> = {
  name: 'vit',
  summary: 'Vision transformer: patches as tokens, a class token, learned positions',
  paper: 'arXiv 2010.11929',
  variants: vitVariants,
  masksElements: false,
  settings: ['layerScale', 'positionGrid'],
  grouping: oneGroup,
  attention: ({ depth, patch, classToken }, [image]) =>
    plainAttention(depth, image, patch, { prefix: classToken ? 1 : 0 }),
  resizable: ({ patch, classToken, classPosition }) => [
    gridTables(/^positions$/, patch, classToken && classPosition ? 1 : 0),
    patchWeights(/^patch_embedding\/w$/, patch),
  ],
  published: [hfVitLayout, timmVitLayout],

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('vit', options);
    const { pixels, size } = imageOf('vit', modalities, inputs);
    const { embedded, blocks } = vitEncoder(scope, config, pixels, size);
    const normed = norm(scope.child('norm'), blocks[blocks.length - 1], config.normEpsilon);
    return encoderOutputs(scope, embedded, blocks, config.classToken ? withoutClassToken(normed) : normed);
  },

  classify(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('vit', modalities, inputs);
    return vitLogits(scope, { ...config, classes }, pixels, size);
  },

  segment(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('vit', modalities, inputs);
    return vitDenseLogits(scope, config, pixels, size, classes);
  },
};
