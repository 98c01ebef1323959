/** The Perceiver (arXiv 2103.03206) and Perceiver IO (arXiv 2107.14795). */
export { type AutoencoderConfig, type AutoencoderOutputs, perceiverAutoencoder } from './autoencoder.js';
export {
  type ClassifierHead,
  type ClassifierOutputs,
  type PerceiverClassifierConfig,
  perceiverClassifier,
} from './classifier.js';
export { type DecoderConfig, decode, decoderDefaults, type QueryConfig, queryRows } from './decoders.js';
export {
  deepMindAutoencoder,
  deepMindClassifier,
  deepMindIterated,
  deepMindLanguageModel,
  deepMindOpticalFlow,
} from './deepMind.js';
export { type EncoderConfig, encode, encoderDefaults, type Sharing } from './encoder.js';
export { type HfMultimodalSizes, type HfPerceiverConfig, hfPerceiverModel } from './huggingFace.js';
export { type ImagePreprocessor, neighbourhoods, type Preprocessed, preprocessImages } from './images.js';
export {
  type LanguageModelConfig,
  type LanguageModelOutputs,
  perceiverLanguageModel,
  perceiverTextClassifier,
  type TextClassifierConfig,
} from './language.js';
export type { PerceiverModel, ReferencePerceiver } from './model.js';
export { type OpticalFlowConfig, perceiverOpticalFlow } from './opticalFlow.js';
export { type PerceiverPytorchArguments, perceiverPytorchModel } from './perceiverPytorch.js';
export { type FourierPositions, type LearnedPositions, type Positions, pointFeatures } from './positions.js';
export { perceiverVariants } from './variants.js';
