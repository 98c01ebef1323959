/** Systems that take one image: what the rest of the house sees of vision transformers, mixers and masked auto-encoders. */
import { ensure } from '../errors/index.js';
import { constant, type Tensor } from '../graph/index.js';
import { norm, type Scope, type Size2d, unpatchify } from '../nn/index.js';
import type { Grouping } from './grouping.js';
import { type MaeConfig, maeDecoder, maeEncoder } from './mae.js';
import { maeVariants } from './maeVariants.js';
import { type MlpMixerConfig, mlpMixer } from './mlpMixer.js';
import { mlpMixerVariants } from './mlpMixerVariants.js';
import { indexDim, type Modality } from './modality.js';
import type { ApplyOptions, PerceiverOutputs, System } from './system.js';
import { withoutClassToken } from './tokens.js';
import { type VitConfig, vitEncoder } from './vit.js';
import { vitVariants } from './vitVariants.js';

/** The one image that these systems take. */
interface ImageInput {
  name: string;
  pixels: Tensor;
  size: Size2d;
}

export function imageOf(system: string, modalities: readonly Modality[], inputs: Record<string, Tensor>): ImageInput {
  const [image] = modalities;
  ensure(
    modalities.length === 1 && image.indexShape.length === 2,
    () => `${system} takes one image and nothing else: use hip for ${modalities.map((m) => m.name).join(', ')}.`,
  );
  return { name: image.name, pixels: inputs[image.name], size: [image.indexShape[0], image.indexShape[1]] };
}

/** All pixels in one group, as far as others ask. */
function oneGroup(modalities: readonly Modality[]): Grouping {
  const parts = modalities.map((m) => ({
    name: m.name,
    indexDim: indexDim(m),
    groups: 1,
    finalPadding: 0,
    groupPadding: 0,
  }));
  return { indexDimPerGroup: Math.max(...parts.map((part) => part.indexDim)), modalities: parts };
}

/** Tokens `[B, N, D]` as blocks are elsewhere, `[B, 1, N, D]`. */
function asBlock(tokens: Tensor): Tensor {
  const [batch, count, width] = tokens.shape;
  return tokens.reshape([batch, 1, count, width]);
}

/** Blocks as they are; the last one after its norm and without class token, whose mean is what heads read. */
function encoderOutputs(scope: Scope, embedded: Tensor, blocks: readonly Tensor[], last: Tensor): PerceiverOutputs {
  scope.tap('inputs', asBlock(embedded));
  return { blocks: [...blocks.slice(0, -1), last].map(asBlock), reconstruction: {}, latents: {} };
}

function refuseMasks(system: string, { selections = {} }: ApplyOptions): void {
  ensure(
    Object.keys(selections).length === 0,
    () => `${system} reads patches, and masked elements are not for it: fine-tune it, or pre-train hip.`,
  );
}

const vitSystem: System<VitConfig> = {
  name: 'vit',
  summary: 'Vision transformer: patches as tokens, a class token, learned positions',
  paper: 'arXiv 2010.11929',
  variants: vitVariants,
  masksElements: false,
  settings: ['layerScale', 'positionGrid'],
  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('vit', options);
    const { pixels, size } = imageOf('vit', modalities, inputs);
    const { embedded, blocks } = vitEncoder(scope, config, pixels, size);
    const normed = norm(scope.child('norm'), blocks[blocks.length - 1], config.normEpsilon);
    return encoderOutputs(scope, embedded, blocks, config.classToken ? withoutClassToken(normed) : normed);
  },
  grouping: (_, modalities) => oneGroup(modalities),
};

const mlpMixerSystem: System<MlpMixerConfig> = {
  name: 'mlp_mixer',
  summary: 'MLP-Mixer, ResMLP and gMLP: MLPs over patches and channels in turn',
  paper: 'arXiv 2105.01601',
  variants: mlpMixerVariants,
  masksElements: false,
  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('mlp_mixer', options);
    const { pixels, size } = imageOf('mlp_mixer', modalities, inputs);
    const { embedded, blocks, tokens } = mlpMixer(scope, { ...config, classes: 0 }, pixels, size);
    return encoderOutputs(scope, embedded, blocks, tokens);
  },
  grouping: (_, modalities) => oneGroup(modalities),
};

const maeSystem: System<MaeConfig> = {
  name: 'mae',
  summary: 'Masked auto-encoder: a ViT on visible patches, a light decoder',
  paper: 'arXiv 2111.06377',
  variants: maeVariants,
  masksElements: false,
  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('mae', options);
    const { name, pixels, size } = imageOf('mae', modalities, inputs);
    const { tokens, embedded, blocks } = maeEncoder(scope, config, pixels, size);
    const outputs = encoderOutputs(scope, embedded, blocks, withoutClassToken(tokens));
    if (options.encoderOnly) return outputs;
    const [batch, count] = tokens.shape;
    const inPlace = Int32Array.from({ length: batch * (count - 1) }, (_, i) => i % (count - 1));
    const restore = constant(inPlace, [batch, count - 1], 'i32');
    const predicted = maeDecoder(scope, config, tokens, restore, { size, channels: pixels.shape[2] });
    return { ...outputs, reconstruction: { [name]: unpatchify(predicted, size, config.patch) } };
  },
  grouping: (_, modalities) => oneGroup(modalities),
};

/** By name. */
export const imageSystems: Record<string, System> = { vit: vitSystem, mlp_mixer: mlpMixerSystem, mae: maeSystem };
