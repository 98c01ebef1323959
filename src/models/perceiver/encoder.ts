/**
 * The encoder: few latents read many inputs, then work among themselves. Perceiver IO (arXiv 2107.14795) reads once and then
 * applies one stack of self-attention several times; the Perceiver of 2021 (arXiv 2103.03206) reads again before every stack.
 */
import { ensure } from '../../errors/index.js';
import type { Tensor } from '../../graph/index.js';
import type { Scope } from '../../nn/index.js';
import { crossAttention, type LayerOptions, selfAttention } from './layers.js';
import { cutNormal } from './positions.js';

/** Which blocks share weights: all, all but the first (which has its own), or none. */
export type Sharing = 'all' | 'allButFirst' | 'none';

/** Sizes of the encoder. */
export interface EncoderConfig {
  /** Latents and their width. */
  latents: number;
  channels: number;
  /** Stacks of self-attention, and layers of each. */
  blocks: number;
  layers: number;
  crossHeads: number;
  selfHeads: number;
  crossWidening: number;
  selfWidening: number;
  /** Width of queries and keys, and of values, over all heads; of both kinds of layers. Defaults as in `layers.ts`. */
  queryKeyChannels?: number;
  valueChannels?: number;
  /** The same for self-attention alone, where it differs. */
  selfQueryKeyChannels?: number;
  selfValueChannels?: number;
  inputBias: boolean;
  /** Whose width queries and keys of the cross-attention have by default. */
  widthOf: 'inputs' | 'queries';
  queryResidual: boolean;
  /** Whether the inputs are read before the first block alone, or before every block. */
  reads: 'once' | 'everyBlock';
  sharedCross: Sharing;
  sharedSelf: Sharing;
  activation: LayerOptions['activation'];
  /** Sigma of the first latents. */
  latentDeviation: number;
  dropout: number;
}

/** Perceiver IO's settings where nothing else is said. */
export const encoderDefaults = {
  crossHeads: 1,
  selfHeads: 8,
  crossWidening: 1,
  selfWidening: 1,
  inputBias: true,
  widthOf: 'inputs',
  queryResidual: true,
  reads: 'once',
  sharedCross: 'all',
  sharedSelf: 'all',
  activation: 'geluTanh',
  latentDeviation: 0.02,
  dropout: 0,
} as const satisfies Partial<EncoderConfig>;

/** The set of weights that a block uses. */
export function weightsOfBlock(sharing: Sharing, block: number): number {
  return sharing === 'all' ? 0 : sharing === 'none' ? block : Math.min(block, 1);
}

/**
 * Inputs `[B, M, C]` → latents `[B, N, D]`.
 * @param readable inputs that are real (1) and those that are padding (0), `[B, M]`; all where absent
 */
export function encode(scope: Scope, inputs: Tensor, config: EncoderConfig, readable?: Tensor): Tensor {
  checkEncoder(config);
  const { latents: count, channels, blocks, layers } = config;
  const common = {
    activation: config.activation,
    inputBias: config.inputBias,
    queryKeyChannels: config.queryKeyChannels,
    valueChannels: config.valueChannels,
    dropout: config.dropout,
  };
  let latents = scope
    .parameter('latents', [count, channels], cutNormal(config.latentDeviation))
    .reshape([1, count, channels]);
  for (let block = 0; block < blocks; block++) {
    if (block === 0 || config.reads === 'everyBlock') {
      latents = crossAttention(
        scope.child(`cross_attention/${weightsOfBlock(config.sharedCross, block)}`),
        latents,
        inputs,
        {
          ...common,
          heads: config.crossHeads,
          widening: config.crossWidening,
          widthOf: config.widthOf,
          residual: config.queryResidual,
          readable,
          use: block,
        },
      );
    }
    const own = scope.child(`self_attention/${weightsOfBlock(config.sharedSelf, block)}`);
    for (let layer = 0; layer < layers; layer++) {
      latents = selfAttention(own.child(String(layer)), latents, {
        ...common,
        queryKeyChannels: config.selfQueryKeyChannels ?? config.queryKeyChannels,
        valueChannels: config.selfValueChannels ?? config.valueChannels,
        heads: config.selfHeads,
        widening: config.selfWidening,
        use: block,
      });
    }
    scope.tap(scope.nameOf(`block_${block}`), latents);
  }
  return latents;
}

function checkEncoder({ latents, channels, blocks, layers }: EncoderConfig): void {
  for (const [name, value] of Object.entries({ latents, channels, blocks })) {
    ensure(Number.isInteger(value) && value > 0, () => `Perceiver: ${name} is ${value} but must be at least 1.`);
  }
  ensure(Number.isInteger(layers) && layers >= 0, () => `Perceiver: layers is ${layers} but must be a whole number.`);
}
