/** Parameters of the Perceiver's named sizes, by the names in `counts.json`. */
import { unknownName } from '../errors/index.js';
import { input } from '../graph/index.js';
import {
  type AutoencoderConfig,
  hfPerceiverModel,
  type ImagePreprocessor,
  type PerceiverModel,
  type PerceiverPytorchArguments,
  perceiverAutoencoder,
  perceiverClassifier,
  perceiverLanguageModel,
  perceiverOpticalFlow,
  perceiverPytorchModel,
  perceiverTextClassifier,
  perceiverVariants,
} from '../models/perceiver/index.js';
import { countParameters, Scope } from '../nn/index.js';

/** Our variants by DeepMind's names. */
const DEEPMIND: Record<string, string> = {
  dm_imagenet_fourier: 'imagenet_fourier',
  dm_imagenet_learned: 'imagenet_learned',
  dm_imagenet_conv: 'imagenet_conv',
  dm_imagenet_fourier_projection_decoder: 'imagenet_mean',
  dm_perceiver2021_imagenet_iterative: 'imagenet_2021',
  dm_masked_lm_bytes: 'masked_lm',
  dm_optical_flow: 'optical_flow',
  dm_kinetics_autoencoder: 'kinetics',
};

const vision = {
  num_latents: 512,
  d_latents: 1024,
  num_blocks: 8,
  num_self_attends_per_block: 6,
  num_cross_attention_heads: 1,
  num_labels: 1000,
  image_size: 224,
};

/** Published models of Hugging Face's hub: class, and what differs from its defaults. */
const HUB: Record<string, [string, object]> = {
  hf_vision_perceiver_learned: ['PerceiverForImageClassificationLearned', vision],
  hf_vision_perceiver_fourier: ['PerceiverForImageClassificationFourier', vision],
  hf_vision_perceiver_conv: ['PerceiverForImageClassificationConvProcessing', vision],
  hf_language_perceiver: ['PerceiverForMaskedLM', { qk_channels: 256, v_channels: 1280 }],
  hf_optical_flow_perceiver: [
    'PerceiverForOpticalFlow',
    {
      num_latents: 2048,
      d_latents: 512,
      num_self_attends_per_block: 24,
      num_self_attention_heads: 16,
      num_cross_attention_heads: 1,
    },
  ],
  hf_multimodal_perceiver: [
    'PerceiverForMultimodalAutoencoding',
    { num_latents: 784, d_latents: 512, num_self_attends_per_block: 8, num_cross_attention_heads: 1, num_labels: 700 },
  ],
};

/** A row of `perceiver/counts.json`; `given` are the arguments that the table lists for it. */
export function countPerceiver(row: string, given?: unknown): number {
  return countModel(modelOf(row, given));
}

function modelOf(row: string, given?: unknown): PerceiverModel {
  if (given) return perceiverPytorchModel(given as PerceiverPytorchArguments).model;
  if (Object.hasOwn(DEEPMIND, row)) return perceiverVariants[DEEPMIND[row]].model;
  if (Object.hasOwn(HUB, row)) return hfPerceiverModel(...HUB[row]).model;
  throw unknownName('size', row, [...Object.keys(DEEPMIND), ...Object.keys(HUB)]);
}

/** Pixels of the images that a model is built for: few where that changes no parameter. */
const pixelsFor = ({ positions }: ImagePreprocessor) => (positions?.kind === 'learned' ? 224 : 32);

function countModel(model: PerceiverModel): number {
  const scope = Scope.root();
  switch (model.task) {
    case 'imageClassification': {
      const pixels = pixelsFor(model.config.preprocessor);
      perceiverClassifier(scope, model.config, input('images', [1, pixels, pixels, 3]));
      break;
    }
    case 'maskedLanguage':
      perceiverLanguageModel(scope, model.config, input('ids', [1, model.config.text.maxLength], 'i32'));
      break;
    case 'textClassification':
      perceiverTextClassifier(scope, model.config, input('ids', [1, model.config.text.maxLength], 'i32'));
      break;
    case 'opticalFlow':
      perceiverOpticalFlow(scope, model.config, input('frames', [1, 2, 16, 16, 27]));
      break;
    case 'autoencoding':
      buildAutoencoder(scope, model.config);
  }
  return countParameters(scope.needs);
}

/** Decodes one place of each modality, of as many as its positions have. */
function buildAutoencoder(scope: Scope, config: AutoencoderConfig): void {
  const { audio, image } = config.modalities;
  const samples = audio.query.indexShape[0] * audio.output.channels;
  const point = (axes: number, positions: typeof audio.query.positions) =>
    positions.kind === 'fourier' ? axes * (2 * positions.numBands + 1) : 0;
  perceiverAutoencoder(
    scope,
    config,
    {
      audio: input('audio', [1, samples, 1]),
      image: input('image', [1, ...image.query.indexShape.map((n, axis) => (axis === 0 ? n : 32)), 3]),
      label: input('label', [1, config.modalities.label.output.channels]),
    },
    {
      audio: input('audio places', [1, 1, point(1, audio.query.positions)]),
      image: input('image places', [1, 1, point(3, image.query.positions)]),
    },
  );
}
