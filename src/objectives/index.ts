/** What is learned: masked auto-encoding, and losses on predictions, embeddings and choices. */
export { type BlockwiseMaskOptions, blockwiseMask, drawBlockwiseMask } from './blockwiseMasks.js';
export {
  cosineLogits,
  infoNce,
  infoNceOneWay,
  l2Normalize,
  type MilNceOptions,
  milNce,
  milNceLogits,
  ntXent,
} from './contrastive.js';
export { type DiscreteVaeLoss, discreteVaeLoss, gumbelNoise, temperatureAt } from './discreteVae.js';
export { type GumbelSoftmaxOptions, gumbelSoftmax } from './gumbelSoftmax.js';
export { type HogOptions, hog, hogTokens, type OrientedGradients, orientedGradients } from './hog.js';
export {
  binaryCrossEntropyWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  maskedMeanSquaredError,
  smoothL1,
  softCrossEntropy,
} from './losses.js';
export { type AppearanceTarget, maskedHogLoss, maskedPixelLoss } from './maskedAppearance.js';
export { type Autoencoding, type AutoencodingOptions, maskedAutoencoding } from './maskedAutoencoding.js';
export { atPlaces, labelsAt, type MaskedTokenLoss, maskedPlaces, maskedTokenLoss } from './maskedTokens.js';
export {
  type DrawnMask,
  drawMask,
  drawSeen,
  elementMask,
  type MaskingOptions,
  type MaskPlan,
  maskFeeds,
  maskInputs,
  planMasks,
} from './masks.js';
export { maskFromOrder, maskNoise, numKept, orderByNoise, orderOfParts, type TokenMask } from './noiseMasks.js';
export { type PatchReconstruction, patchReconstruction } from './patchReconstruction.js';
export { normalizePatches, restorePatches } from './patchTargets.js';
export {
  type BuildPretraining,
  type Circumstances,
  canPretrain,
  type FilledIn,
  type PretrainedModel,
  type Pretraining,
  type PretrainingOptions,
  pretrainingOf,
  publishedMasking,
  TOKENIZER,
} from './pretraining/index.js';
export {
  type BandTarget,
  bandReconstructionLoss,
  type SatelliteTarget,
  temporalReconstructionLoss,
} from './satelliteReconstruction.js';
