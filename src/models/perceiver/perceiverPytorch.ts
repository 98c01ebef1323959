/** The `Perceiver` of perceiver-pytorch: the order of 2021 with gated MLPs and no biases in queries, keys and values. */
import { perceiverPytorch } from '../layouts/index.js';
import { encoderDefaults } from './encoder.js';
import type { ReferencePerceiver } from './model.js';

/** Constructor arguments; what is absent has the constructor's default. */
export interface PerceiverPytorchArguments {
  num_freq_bands: number;
  depth: number;
  max_freq: number;
  input_axis?: number;
  num_latents?: number;
  latent_dim?: number;
  cross_heads?: number;
  latent_heads?: number;
  cross_dim_head?: number;
  latent_dim_head?: number;
  num_classes?: number;
  ff_dropout?: number;
  weight_tie_layers?: boolean;
  fourier_encode_data?: boolean;
  self_per_cross_attn?: number;
}

/** Its MLPs are four times as wide as what enters them. */
const WIDENING = 4;

/** A classifier of data on `input_axis` axes. */
export function perceiverPytorchModel(c: PerceiverPytorchArguments): ReferencePerceiver {
  const axes = c.input_axis ?? 2;
  const crossChannels = (c.cross_heads ?? 1) * (c.cross_dim_head ?? 64);
  const sharing = c.weight_tie_layers ? 'allButFirst' : 'none';
  return {
    model: {
      task: 'imageClassification',
      config: {
        preprocessor: {
          kind: 'pixels',
          positions:
            (c.fourier_encode_data ?? true)
              ? {
                  kind: 'fourier',
                  numBands: c.num_freq_bands,
                  maxResolution: new Array<number>(axes).fill(c.max_freq),
                  order: 'axis',
                }
              : undefined,
        },
        encoder: {
          ...encoderDefaults,
          latents: c.num_latents ?? 512,
          channels: c.latent_dim ?? 512,
          blocks: c.depth,
          layers: c.self_per_cross_attn ?? 1,
          crossHeads: c.cross_heads ?? 1,
          selfHeads: c.latent_heads ?? 8,
          crossWidening: WIDENING,
          selfWidening: WIDENING,
          queryKeyChannels: crossChannels,
          selfQueryKeyChannels: (c.latent_heads ?? 8) * (c.latent_dim_head ?? 64),
          inputBias: false,
          reads: 'everyBlock',
          sharedCross: sharing,
          sharedSelf: sharing,
          activation: 'geglu',
          dropout: c.ff_dropout ?? 0,
        },
        head: { kind: 'mean', norm: true },
        classes: c.num_classes ?? 1000,
      },
    },
    layout: perceiverPytorch,
  };
}
