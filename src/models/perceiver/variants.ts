/** Named sizes: those of the papers, by the arguments of DeepMind's colabs; and one of our own that two cores train in minutes. */
import {
  deepMindAutoencoder,
  deepMindClassifier,
  deepMindIterated,
  deepMindLanguageModel,
  deepMindOpticalFlow,
} from './deepMind.js';
import type { ReferencePerceiver } from './model.js';

const imageEncoder = { z_index_dim: 512, num_z_channels: 1024, num_blocks: 8, num_self_attends_per_block: 6 };

const fourier = (num_bands: number, max_resolution: readonly number[]) => ({
  position_encoding_type: 'fourier',
  fourier_position_encoding_kwargs: { num_bands, max_resolution },
});

const trainable = (num_channels: number) => ({
  position_encoding_type: 'trainable',
  trainable_position_encoding_kwargs: { num_channels },
});

const pixels = { prep_type: 'pixels', spatial_downsample: 1, ...fourier(64, [224, 224]) };
const imageHead = (use_query_residual: boolean) => ({ ...trainable(1024), use_query_residual });

/** ImageNet-1k at 224 pixels. */
const imagenet = (input_preprocessor: object, decoder: object) =>
  deepMindClassifier({ num_classes: 1000, input_preprocessor, encoder: imageEncoder, decoder });

/** Sound at 48 kHz and video at 25 frames per second, 16 frames. */
const kineticsSamples = 16 * 1920;

/** By task and input. */
export const perceiverVariants: Record<string, ReferencePerceiver> = {
  imagenet_fourier: imagenet(pixels, imageHead(true)),
  imagenet_learned: imagenet(
    { prep_type: 'conv1x1', num_channels: 256, spatial_downsample: 1, ...trainable(256), project_pos_dim: 256 },
    imageHead(false),
  ),
  imagenet_conv: imagenet({ prep_type: 'conv', num_channels: 64, ...fourier(64, [56, 56]) }, imageHead(true)),
  imagenet_mean: deepMindClassifier({ num_classes: 1000, input_preprocessor: pixels, encoder: imageEncoder }),
  imagenet_2021: deepMindIterated({ num_classes: 1000, input_preprocessor: pixels, ...imageEncoder }),
  masked_lm: deepMindLanguageModel({
    vocab_size: 262,
    d_model: 768,
    max_seq_len: 2048,
    encoder: {
      z_index_dim: 256,
      num_z_channels: 1280,
      num_blocks: 1,
      num_self_attends_per_block: 26,
      num_self_attend_heads: 8,
      num_cross_attend_heads: 8,
      qk_channels: 256,
      v_channels: 1280,
    },
    decoder: {
      output_index_dims: 2048,
      qk_channels: 256,
      v_channels: 768,
      num_heads: 8,
      final_project: false,
      ...trainable(768),
    },
  }),
  optical_flow: deepMindOpticalFlow({
    flow_scale_factor: 20,
    input_preprocessor: {
      prep_type: 'patches',
      spatial_downsample: 1,
      temporal_downsample: 2,
      conv_after_patching: true,
      num_channels: 64,
      ...fourier(64, [368, 496]),
    },
    encoder: {
      z_index_dim: 2048,
      num_z_channels: 512,
      num_blocks: 1,
      num_self_attends_per_block: 24,
      num_self_attend_heads: 16,
    },
  }),
  kinetics: deepMindAutoencoder(
    {
      num_classes: 700,
      min_padding_size: 4,
      samples_per_patch: 16,
      audio_samples: kineticsSamples,
      output_num_channels: 512,
      audio_fourier: { num_bands: 192, max_resolution: [kineticsSamples] },
      image_fourier: { num_bands: 32, max_resolution: [16, 56, 56] },
      encoder: { z_index_dim: 784, num_z_channels: 512, num_blocks: 1, num_self_attends_per_block: 8 },
    },
    [16, 224, 224],
  ),
  tiny: deepMindClassifier({
    num_classes: 10,
    input_preprocessor: { prep_type: 'pixels', spatial_downsample: 1, ...fourier(16, [32, 32]) },
    encoder: {
      z_index_dim: 64,
      num_z_channels: 128,
      num_blocks: 2,
      num_self_attends_per_block: 2,
      num_self_attend_heads: 4,
    },
    decoder: { ...trainable(128), use_query_residual: true },
  }),
};
