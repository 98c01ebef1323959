/** FastMIM as a system: a vision or a Swin transformer that sees hidden blocks as one colour, and a light decoder. */

import { zeros } from '../../graph/index.js';
import { type Size2d, unpatchify } from '../../nn/index.js';
import { gridTables } from '../adaptTables.js';
import { blockGrid, type FastMimConfig, fastMim, fastMimEncoder } from '../fastmim.js';
import { fastMimVariants } from '../fastmimVariants.js';
import { fastMimPublished } from '../published/fastmim.js';
import type { SwinConfig } from '../swin.js';
import type { System } from '../system.js';
import { plainAttention } from '../tokenAttention.js';
import { withoutClassToken } from '../tokens.js';
import { type VitEncoderConfig, vitDefaults } from '../vit.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, vitDenseLogits, vitLogits } from './images.js';
import { swinAttention, swinDenseLogits, swinLogits } from './swin.js';

/** The model on images of any size. */
export interface FastMimSystemConfig extends Omit<FastMimConfig, 'size' | 'encoder'> {
  encoder: { kind: 'vit'; vit: VitEncoderConfig } | { kind: 'swin'; swin: Omit<SwinConfig, 'size'> };
}

/** The configuration for images of one size. */
export function fastMimOn({ encoder, ...config }: FastMimSystemConfig, size: Size2d): FastMimConfig {
  return {
    ...config,
    size,
    encoder: encoder.kind === 'vit' ? encoder : { kind: 'swin', swin: { ...encoder.swin, size } },
  };
}

function onAnySize({ size: _, encoder, ...config }: FastMimConfig): FastMimSystemConfig {
  if (encoder.kind === 'vit') return { ...config, encoder };
  const { size: __, ...swinConfig } = encoder.swin;
  return { ...config, encoder: { kind: 'swin', swin: swinConfig } };
}

export const fastMimSystem: System<FastMimSystemConfig> = {
  name: 'fastmim',
  summary: 'FastMIM: small images, hidden blocks, histograms of gradients as targets',
  paper: 'arXiv 2212.06593',
  variants: Object.fromEntries(Object.entries(fastMimVariants).map(([name, config]) => [name, onAnySize(config)])),
  masksElements: false,
  grouping: oneGroup,
  attention: ({ encoder }, [image]) =>
    encoder.kind === 'vit'
      ? plainAttention(encoder.vit.depth, image, encoder.vit.patch)
      : swinAttention(encoder.swin, image, 'encoder/'),
  resizable: ({ encoder }) =>
    encoder.kind === 'vit'
      ? [gridTables(/^positions$/, encoder.vit.patch, 1)]
      : [gridTables(/^encoder\/positions$/, encoder.swin.patch, 0)],
  published: [fastMimPublished],

  apply(scope, given, modalities, inputs, options = {}) {
    refuseMasks('fastmim', options);
    const { name, pixels, size } = imageOf('fastmim', modalities, inputs);
    const config = fastMimOn(given, size);
    const isVit = config.encoder.kind === 'vit';
    const nothing = () => zeros([pixels.shape[0], ...blockGrid(config)]);
    const whole = options.encoderOnly ? undefined : fastMim(scope, config, pixels, nothing());
    const { embedded, blocks, encoded } = whole ?? fastMimEncoder(scope, config, pixels);
    const outputs = encoderOutputs(scope, embedded, blocks, isVit ? withoutClassToken(encoded) : encoded);
    if (!whole) return outputs;
    const { prediction } = whole;
    if (config.target === 'hog') return { ...outputs, predictions: { [name]: prediction } };
    return { ...outputs, reconstruction: { [name]: unpatchify(prediction, size, [config.token, config.token]) } };
  },

  // As for MAE: a plain transformer of the same sizes, whose positions are trained.
  classify(scope, { encoder }, modalities, inputs, classes) {
    const { pixels, size } = imageOf('fastmim', modalities, inputs);
    if (encoder.kind === 'swin') return swinLogits(scope.child('encoder'), { ...encoder.swin, size }, pixels, classes);
    const pooled = { pooling: 'average', normAfterPooling: true } as const;
    return vitLogits(scope, { ...vitDefaults, ...encoder.vit, ...pooled, classes }, pixels, size);
  },

  segment(scope, { encoder }, modalities, inputs, classes) {
    const { pixels, size } = imageOf('fastmim', modalities, inputs);
    if (encoder.kind === 'swin')
      return swinDenseLogits(scope.child('encoder'), { ...encoder.swin, size }, pixels, classes);
    return vitDenseLogits(scope, { ...vitDefaults, ...encoder.vit }, pixels, size, classes);
  },
};
