/** BEiT as a system: classification, masked-image modelling, segmentation. */

import type { Tensor } from '../../graph/index.js';
import type { Size2d } from '../../nn/index.js';
import { gridTables, offsetTables, patchWeights } from '../adaptTables.js';
import {
  type BeitConfig,
  type BeitPooling,
  beit,
  beitClassHead,
  beitPool,
  beitTokenHead,
  patchTokens,
} from '../beit.js';
import { beitVariants, forMaskedImages } from '../beitVariants.js';
import { type DiscreteVaeConfig, discreteVaeVariants } from '../discreteVae.js';
import { type PatchSegmentationConfig, segmentationOf, segmentPatches } from '../patchSegmentation.js';
import { hfBeitLayout, unilmBeitLayout } from '../published/beit.js';
import type { System } from '../system.js';
import { plainAttention } from '../tokenAttention.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, withoutSizes } from './images.js';

/** A transformer with what its heads are made of. */
export interface BeitSystemConfig extends Omit<BeitConfig, 'size' | 'channels'> {
  /** Visual tokens that masked patches are told apart by; none in what is only fine-tuned. */
  vocabulary?: number;
  /** Sizes of the discrete auto-encoder whose tokens are predicted; told where it is pre-trained. */
  tokenizer?: DiscreteVaeConfig;
  /** What the head of classes reads. Default `mean`. */
  pooling?: BeitPooling;
  /** The heads of segmentation; as the paper's sizes have them where absent. */
  segmentation?: Omit<PatchSegmentationConfig, 'classes'>;
}

const fineTuned = withoutSizes(beitVariants);
const pretrained = (name: string, vocabulary: number): BeitSystemConfig => ({
  ...withoutSizes({ [name]: forMaskedImages(beitVariants[name]) })[name],
  vocabulary,
});

/** The reference's segmenter reads states of two blocks before those that it names, so that the last two are not read. */
const UNREAD_BLOCKS = 2;

function sized(config: BeitSystemConfig, size: Size2d, pixels: Tensor): BeitConfig {
  return { ...config, size, channels: pixels.shape[2] };
}

export const beitSystem: System<BeitSystemConfig> = {
  name: 'beit',
  summary: 'BEiT: a ViT with relative positions, pre-trained on visual tokens',
  paper: 'arXiv 2106.08254',
  variants: {
    B16: fineTuned.B16,
    L16: fineTuned.L16,
    mim_B16: pretrained('B16', discreteVaeVariants.dalle.vocabulary),
    mim_L16: pretrained('L16', discreteVaeVariants.dalle.vocabulary),
    tiny: pretrained('tiny', discreteVaeVariants.tiny.vocabulary),
  },
  masksElements: false,
  settings: ['layerScale', 'tableGrid', 'vocabulary', 'tokenizer', 'pooling', 'segmentation'],
  grouping: oneGroup,
  attention: ({ depth, patch }, [image]) => plainAttention(depth, image, patch),
  resizable: ({ patch }) => [
    gridTables(/^positions$/, patch, 1),
    offsetTables(/(^|\/)relative_positions$/, patch),
    patchWeights(/^patch_embedding\/w$/, patch),
  ],
  published: [hfBeitLayout, unilmBeitLayout],

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('beit', options);
    const { name, pixels, size } = imageOf('beit', modalities, inputs);
    const { states, output } = beit(scope, sized(config, size, pixels), pixels);
    const outputs = encoderOutputs(scope, states[0], states.slice(1), patchTokens(output));
    if (options.encoderOnly || config.vocabulary === undefined) return outputs;
    return { ...outputs, predictions: { [name]: beitTokenHead(scope, patchTokens(output), config.vocabulary) } };
  },

  classify(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('beit', modalities, inputs);
    const { states, output } = beit(scope, sized(config, size, pixels), pixels);
    const pooled = beitPool(scope, output, config.pooling ?? 'mean', config.normEpsilon);
    const outputs = encoderOutputs(scope, states[0], states.slice(1), patchTokens(output));
    return { ...outputs, logits: beitClassHead(scope, pooled, classes) };
  },

  segment(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('beit', modalities, inputs);
    const { states, output } = beit(scope, sized(config, size, pixels), pixels);
    const heads = { ...segmentationOf(config, classes, UNREAD_BLOCKS), ...config.segmentation, classes };
    const outputs = encoderOutputs(scope, states[0], states.slice(1), patchTokens(output));
    return segmentPatches(scope, heads, states, { size, patch: config.patch, outputs });
  },

  // Each block gets a copy of the table that all shared, as the reference's fine-tuning does.
  finetuned(config, parameters) {
    if (!config.sharedRelativePositions || config.relativePositions) return { config, parameters };
    const { vocabulary: _, tokenizer: __, ...kept } = config;
    const shared = parameters.get('relative_positions');
    const copies = Array.from({ length: shared ? config.depth : 0 }, (_, i) => {
      return [`blocks/${i}/attention/relative_positions`, shared!.slice()] as const;
    });
    const isRead = (name: string) => name !== 'relative_positions' && !name.startsWith('tokenizer/');
    return {
      config: {
        ...kept,
        sharedRelativePositions: false,
        relativePositions: true,
        maskToken: false,
        finalNorm: config.pooling === 'class',
      },
      parameters: new Map([...[...parameters].filter(([name]) => isRead(name)), ...copies]),
    };
  },
};
