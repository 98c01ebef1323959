/** Hugging Face's `PerceiverFor…` classes: their `PerceiverConfig` with its defaults, and what each class fixes. */
import { unknownName } from '../../errors/index.js';
import type { ActivationName } from '../../nn/index.js';
import { hfPerceiver } from '../layouts/index.js';
import type { AutoencoderConfig } from './autoencoder.js';
import type { ClassifierHead } from './classifier.js';
import { type EncoderConfig, encoderDefaults } from './encoder.js';
import type { ImagePreprocessor } from './images.js';
import type { PerceiverModel, ReferencePerceiver } from './model.js';
import type { FourierPositions, Positions } from './positions.js';

/** Fields of `config.json`; what is absent has the class's default. */
export interface HfPerceiverConfig {
  num_latents?: number;
  d_latents?: number;
  d_model?: number;
  num_blocks?: number;
  num_self_attends_per_block?: number;
  num_self_attention_heads?: number;
  num_cross_attention_heads?: number;
  qk_channels?: number | null;
  v_channels?: number | null;
  cross_attention_shape_for_attention?: 'kv' | 'q';
  self_attention_widening_factor?: number;
  cross_attention_widening_factor?: number;
  position_embedding_init_scale?: number;
  use_query_residual?: boolean;
  vocab_size?: number;
  max_position_embeddings?: number;
  image_size?: number;
  train_size?: number[];
  num_frames?: number;
  audio_samples_per_frame?: number;
  samples_per_patch?: number;
  output_shape?: number[];
  output_num_channels?: number;
  _label_trainable_num_channels?: number;
  num_labels?: number;
  /** Labels by id, as stored files have them. */
  id2label?: Record<string, string>;
}

/** What `PerceiverForMultimodalAutoencoding` fixes; a composition by hand may choose otherwise. */
export interface HfMultimodalSizes {
  min_padding_size?: number;
  output_num_channels?: number;
  label_query_channels?: number;
  audio_fourier?: HfFourier;
  image_fourier?: HfFourier;
}

interface HfFourier {
  num_bands: number;
  max_resolution: readonly number[];
  sine_only?: boolean;
  concat_pos?: boolean;
}

/** A model of one of their classes. `activation` is `hidden_act`. Throws with the nearest name for a class that is not built. */
export function hfPerceiverModel(
  className: string,
  config: HfPerceiverConfig,
  activation: ActivationName = 'gelu',
  sizes: HfMultimodalSizes = {},
): ReferencePerceiver {
  if (!Object.hasOwn(CLASSES, className)) throw unknownName('Perceiver class', className, Object.keys(CLASSES));
  const model = CLASSES[className](config, activation, sizes);
  return { model, layout: hfPerceiver(model.task === 'maskedLanguage' ? 'decoder' : 'decoder.decoder') };
}

type Build = (config: HfPerceiverConfig, activation: ActivationName, sizes: HfMultimodalSizes) => PerceiverModel;

const CLASSES: Record<string, Build> = {
  PerceiverForImageClassificationFourier: (c, a) =>
    images(c, a, { kind: 'pixels', positions: fourier(64, [224, 224]) }),
  PerceiverForImageClassificationLearned: (c, a) =>
    images(c, a, { kind: 'conv1x1', channels: 256, positions: { kind: 'learned', channels: 256, projectTo: 256 } }),
  PerceiverForImageClassificationConvProcessing: (c, a) =>
    images(c, a, { kind: 'conv', channels: 64, borders: 'huggingFace', positions: fourier(64, [56, 56]) }),
  PerceiverForMaskedLM: maskedLanguage,
  PerceiverForSequenceClassification: (c, a) => ({
    task: 'textClassification',
    config: { text: text(c), encoder: encoder(c, a), head: head(c, a), classes: labels(c) },
  }),
  PerceiverForOpticalFlow: opticalFlow,
  PerceiverForMultimodalAutoencoding: (c, a, sizes) => ({ task: 'autoencoding', config: multimodal(c, a, sizes) }),
};

function fourier(numBands: number, maxResolution: readonly number[]): FourierPositions {
  return { kind: 'fourier', numBands, maxResolution };
}

function encoder(c: HfPerceiverConfig, activation: ActivationName): EncoderConfig {
  return {
    ...encoderDefaults,
    latents: c.num_latents ?? 256,
    channels: c.d_latents ?? 1280,
    blocks: c.num_blocks ?? 1,
    layers: c.num_self_attends_per_block ?? 26,
    crossHeads: c.num_cross_attention_heads ?? 8,
    selfHeads: c.num_self_attention_heads ?? 8,
    crossWidening: c.cross_attention_widening_factor ?? 1,
    selfWidening: c.self_attention_widening_factor ?? 1,
    queryKeyChannels: c.qk_channels ?? undefined,
    valueChannels: c.v_channels ?? undefined,
    widthOf: c.cross_attention_shape_for_attention === 'q' ? 'queries' : 'inputs',
    queryResidual: c.use_query_residual ?? true,
    activation,
    latentDeviation: c.position_embedding_init_scale ?? 0.02,
  };
}

const labels = (c: HfPerceiverConfig) => c.num_labels ?? (c.id2label ? Object.keys(c.id2label).length : 2);

/** One learned query as wide as the latents. */
function head(c: HfPerceiverConfig, activation: ActivationName): ClassifierHead {
  const positions: Positions = { kind: 'learned', channels: c.d_latents ?? 1280 };
  return { kind: 'query', query: { indexShape: [1], positions }, heads: 1, queryResidual: true, activation };
}

function images(c: HfPerceiverConfig, a: ActivationName, preprocessor: ImagePreprocessor): PerceiverModel {
  return {
    task: 'imageClassification',
    config: { preprocessor, encoder: encoder(c, a), head: head(c, a), classes: labels(c) },
  };
}

function text(c: HfPerceiverConfig) {
  return { vocabulary: c.vocab_size ?? 262, channels: c.d_model ?? 768, maxLength: c.max_position_embeddings ?? 2048 };
}

function maskedLanguage(c: HfPerceiverConfig, activation: ActivationName): PerceiverModel {
  const { channels, maxLength, vocabulary } = text(c);
  return {
    task: 'maskedLanguage',
    config: {
      text: { vocabulary, channels, maxLength },
      encoder: encoder(c, activation),
      query: { indexShape: [maxLength], positions: { kind: 'learned', channels } },
      decoder: { heads: 8, queryKeyChannels: 256, valueChannels: channels, queryResidual: false, activation },
      masksQueries: false,
    },
  };
}

function opticalFlow(c: HfPerceiverConfig, activation: ActivationName): PerceiverModel {
  return {
    task: 'opticalFlow',
    config: {
      preprocessor: {
        kind: 'patches',
        temporalStride: 2,
        channels: 64,
        positions: fourier(64, c.train_size ?? [368, 496]),
      },
      encoder: encoder(c, activation),
      decoder: { heads: 1, queryResidual: false, outputs: 2, activation },
      rescale: 100,
      flowScale: 1,
    },
  };
}

function multimodal(c: HfPerceiverConfig, activation: ActivationName, sizes: HfMultimodalSizes): AutoencoderConfig {
  const frames = c.num_frames ?? 16;
  const samplesPerPatch = c.samples_per_patch ?? 16;
  const samples = frames * (c.audio_samples_per_frame ?? 1920);
  const bands = ({ num_bands, max_resolution, sine_only = false, concat_pos = true }: HfFourier): FourierPositions => ({
    ...fourier(num_bands, max_resolution),
    sineOnly: sine_only,
    concatPosition: concat_pos,
  });
  const audio = bands(sizes.audio_fourier ?? { num_bands: 192, max_resolution: [samples] });
  const image = bands(sizes.image_fourier ?? { num_bands: 32, max_resolution: [frames, 56, 56] });
  const labelChannels = sizes.label_query_channels ?? c._label_trainable_num_channels ?? 1024;
  return {
    modalities: {
      audio: {
        preprocessor: { kind: 'audio', samplesPerPatch, positions: audio },
        maskRate: 0,
        query: { indexShape: [Math.floor(samples / samplesPerPatch)], positions: audio },
        output: { channels: samplesPerPatch, form: 'samples' },
      },
      image: {
        preprocessor: { kind: 'patches', spatialStride: 4, positions: image },
        maskRate: 0,
        query: { indexShape: (c.output_shape ?? [1, 16, 224, 224]).slice(1), positions: image },
        output: { channels: 3, form: 'rows' },
      },
      label: {
        preprocessor: { kind: 'label' },
        maskRate: 1,
        query: { indexShape: [1], positions: { kind: 'learned', channels: labelChannels } },
        output: { channels: labels(c), form: 'first' },
      },
    },
    inputPadding: sizes.min_padding_size ?? 4,
    queryPadding: 2,
    encoder: encoder(c, activation),
    decoder: {
      heads: 1,
      queryResidual: false,
      outputs: sizes.output_num_channels ?? c.output_num_channels ?? 512,
      activation,
    },
  };
}
