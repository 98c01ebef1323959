/** DeepMind's Perceiver IO by the arguments of its Haiku modules, with their defaults; and the Perceiver of 2021 made of them. */
import { deepMindPerceiver, iteratedPerceiver } from '../layouts/index.js';
import type { AutoencoderConfig } from './autoencoder.js';
import { type DecoderConfig, decoderDefaults, type QueryConfig } from './decoders.js';
import { type EncoderConfig, encoderDefaults } from './encoder.js';
import type { ImagePreprocessor } from './images.js';
import type { PerceiverModel, ReferencePerceiver } from './model.js';
import type { FourierPositions, Positions } from './positions.js';

/** Arguments as the colabs have them. */
// biome-ignore lint/suspicious/noExplicitAny: arguments of many modules, each with defaults
type Arguments = Record<string, any>;

/** `fourier_position_encoding_kwargs`. */
function fourierOf(c: Arguments): FourierPositions {
  return {
    kind: 'fourier',
    numBands: c.num_bands,
    maxResolution: c.max_resolution ?? undefined,
    concatPosition: c.concat_pos ?? true,
    sineOnly: c.sine_only ?? false,
  };
}

/** `position_encoding_type` with its keyword arguments. */
function positionsOf(c: Arguments, otherwise: 'fourier' | 'trainable'): Positions {
  const projectTo = (c.project_pos_dim ?? -1) > 0 ? c.project_pos_dim : undefined;
  if ((c.position_encoding_type ?? otherwise) === 'fourier')
    return { ...fourierOf(c.fourier_position_encoding_kwargs), projectTo };
  const { num_channels: channels = 128, init_scale: deviation } = c.trainable_position_encoding_kwargs ?? {};
  return { kind: 'learned', channels, deviation, projectTo };
}

/** `ImagePreprocessor`. */
function imagesOf(c: Arguments): ImagePreprocessor {
  const kind = (c.prep_type ?? 'conv') as ImagePreprocessor['kind'];
  const channels = c.num_channels ?? 64;
  const stride = c.spatial_downsample ?? 4;
  const shared = {
    positions: positionsOf(c, 'fourier'),
    positionLayers: c.n_extra_pos_mlp ?? 0,
    combine: c.concat_or_add_pos ?? 'concat',
  };
  // A convolution quarters the image as often as the stride says.
  if (kind === 'conv') {
    const layers = Math.max(1, Math.round(Math.log(stride) / Math.log(4)));
    return { kind, channels, layers, batchNorm: c.conv2d_use_batchnorm ?? true, ...shared };
  }
  return {
    kind,
    spatialStride: stride,
    temporalStride: c.temporal_downsample ?? 1,
    channels: kind === 'conv1x1' || (kind === 'patches' && c.conv_after_patching) ? channels : undefined,
    ...shared,
  };
}

/** `PerceiverEncoder`. */
function encoderOf(c: Arguments): EncoderConfig {
  return {
    ...encoderDefaults,
    latents: c.z_index_dim ?? 512,
    channels: c.num_z_channels ?? 1024,
    blocks: c.num_blocks ?? 8,
    layers: c.num_self_attends_per_block ?? 6,
    crossHeads: c.num_cross_attend_heads ?? 1,
    selfHeads: c.num_self_attend_heads ?? 8,
    crossWidening: c.cross_attend_widening_factor ?? 1,
    selfWidening: c.self_attend_widening_factor ?? 1,
    queryKeyChannels: c.qk_channels ?? undefined,
    valueChannels: c.v_channels ?? undefined,
    widthOf: c.cross_attention_shape_for_attn === 'q' ? 'queries' : 'inputs',
    queryResidual: c.use_query_residual ?? true,
    latentDeviation: c.z_pos_enc_init_scale ?? 0.02,
    dropout: c.dropout_prob ?? 0,
  };
}

/** `BasicDecoder`, but for its queries. */
function decoderOf(c: Arguments, outputs?: number): DecoderConfig {
  return {
    ...decoderDefaults,
    heads: c.num_heads ?? 1,
    queryKeyChannels: c.qk_channels ?? undefined,
    valueChannels: c.v_channels ?? undefined,
    queryResidual: c.use_query_residual ?? false,
    outputs: (c.final_project ?? true) ? outputs : undefined,
  };
}

function queryOf(c: Arguments, indexShape: readonly number[]): QueryConfig {
  return { indexShape, positions: positionsOf(c, 'trainable'), concatInputs: c.concat_preprocessed_input ?? false };
}

/** What the layout needs to know of an image preprocessor. */
function partsOf({ kind, channels, layers, positionLayers }: ImagePreprocessor) {
  return { convChannels: kind === 'conv' ? channels : undefined, convLayers: layers, positionLayers };
}

/**
 * An image classifier: `input_preprocessor`, `encoder`, `num_classes`, and `decoder` (`ClassificationDecoder`) or
 * `projection_decoder` (on the mean of the latents).
 */
export function deepMindClassifier(c: Arguments): ReferencePerceiver {
  const preprocessor = imagesOf(c.input_preprocessor);
  const encoder = encoderOf(c.encoder);
  const onMean = !c.decoder;
  const model: PerceiverModel = {
    task: 'imageClassification',
    config: {
      preprocessor,
      encoder,
      head: onMean ? { kind: 'mean' } : { kind: 'query', query: queryOf(c.decoder, [1]), ...decoderOf(c.decoder) },
      classes: c.num_classes,
    },
  };
  return { model, layout: deepMindPerceiver({ layers: encoder.layers, onMean, ...partsOf(preprocessor) }) };
}

/** The Perceiver of 2021, with the encoder's arguments at the top: the latents read the inputs before every block. */
export function deepMindIterated(c: Arguments): ReferencePerceiver {
  const preprocessor = imagesOf(c.input_preprocessor);
  const encoder: EncoderConfig = { ...encoderOf(c), reads: 'everyBlock', sharedCross: 'allButFirst' };
  const config = { preprocessor, encoder, head: { kind: 'mean' as const }, classes: c.num_classes };
  return {
    model: { task: 'imageClassification', config },
    layout: iteratedPerceiver({ layers: encoder.layers, ...partsOf(preprocessor) }),
  };
}

/** The masked language model: embeddings, encoder, `BasicDecoder`, and the embeddings again. */
export function deepMindLanguageModel(c: Arguments): ReferencePerceiver {
  const encoder = encoderOf(c.encoder);
  const length = c.decoder.output_index_dims;
  return {
    model: {
      task: 'maskedLanguage',
      config: {
        text: { vocabulary: c.vocab_size, channels: c.d_model, maxLength: c.max_seq_len },
        encoder,
        query: queryOf(c.decoder, typeof length === 'number' ? [length] : length),
        decoder: decoderOf(c.decoder, c.decoder.output_num_channels),
        masksQueries: true,
      },
    },
    layout: deepMindPerceiver({ layers: encoder.layers, decoder: 'basic_decoder' }),
  };
}

/** Optical flow: `ImagePreprocessor` of neighbourhoods, `FlowDecoder`. */
export function deepMindOpticalFlow(c: Arguments): ReferencePerceiver {
  const preprocessor = imagesOf(c.input_preprocessor);
  const encoder = encoderOf(c.encoder);
  return {
    model: {
      task: 'opticalFlow',
      config: {
        preprocessor,
        encoder,
        decoder: decoderOf(c.decoder ?? {}, c.decoder?.output_num_channels ?? 2),
        rescale: c.rescale_factor ?? 100,
        flowScale: c.flow_scale_factor ?? 1,
      },
    },
    layout: deepMindPerceiver({
      layers: encoder.layers,
      decoder: 'flow_decoder/~/basic_decoder',
      ...partsOf(preprocessor),
    }),
  };
}

/**
 * The auto-encoder of video, sound and label, whose sizes the colab keeps in plain variables.
 * @param videoShape frames, rows and columns of the video
 */
export function deepMindAutoencoder(c: Arguments, videoShape: readonly number[]): ReferencePerceiver {
  const encoder = encoderOf(c.encoder);
  const [audio, image] = [fourierOf(c.audio_fourier), fourierOf(c.image_fourier)];
  const rates = c.mask_probs ?? { audio: 0, image: 0, label: 1 };
  const config: AutoencoderConfig = {
    modalities: {
      audio: {
        preprocessor: { kind: 'audio', samplesPerPatch: c.samples_per_patch, positions: audio },
        maskRate: rates.audio,
        query: { indexShape: [Math.floor(c.audio_samples / c.samples_per_patch)], positions: audio },
        output: { channels: c.samples_per_patch, form: 'samples' },
      },
      image: {
        preprocessor: {
          kind: 'patches',
          spatialStride: c.spatial_downsample ?? 4,
          temporalStride: c.temporal_downsample ?? 1,
          positions: image,
        },
        maskRate: rates.image,
        query: { indexShape: videoShape, positions: image },
        output: { channels: 3, form: 'rows' },
      },
      label: {
        preprocessor: { kind: 'label' },
        maskRate: rates.label,
        query: { indexShape: [1], positions: { kind: 'learned', channels: c.label_query_channels ?? 1024 } },
        output: { channels: c.num_classes, form: 'first' },
      },
    },
    inputPadding: c.min_padding_size ?? 2,
    queryPadding: 2,
    encoder,
    decoder: { ...decoderDefaults, outputs: c.output_num_channels },
  };
  return {
    model: { task: 'autoencoding', config },
    layout: deepMindPerceiver({
      layers: encoder.layers,
      encoder: 'encoder',
      decoder: 'multimodal_decoder/~/basic_decoder',
    }),
  };
}
