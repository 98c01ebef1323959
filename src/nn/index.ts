/** Layers as functions of tensors, and the tables and masks that they are fed. */
export {
  type ActivationName,
  activationByName,
  geglu,
  gelu,
  geluTanh,
  leakyRelu,
  quickGelu,
  silu,
} from './activations.js';
export { type AttentionMaps, attention } from './attention.js';
export { inChunks } from './chunks.js';
export {
  averagePool,
  batchNormLayer,
  type ConvolutionOptions,
  convolution,
  doubledByConvolution,
  doubledByRepetition,
  fromMap,
  halvedByMax,
  resizedLinearly,
  toMap,
} from './featureMaps.js';
export {
  drawAll,
  fanIn,
  gaussian,
  type Initializer,
  initialize,
  ones,
  xavierUniform,
  zeros,
} from './initializers.js';
export { dropout, dropPath, linear, norm, table } from './layers.js';
export { applyMap, type LinearMap, type LinearOptions, linearMap, type Norm, normBefore } from './linearMap.js';
export { type MlpOptions, mlp } from './mlp.js';
export {
  type PatchEmbeddingOptions,
  patchEmbedding,
  patchGrid,
  patchify,
  type Size2d,
  unpatchify,
} from './patchEmbedding.js';
export {
  fourierFeatures,
  fourierFeaturesAt,
  gridPositions,
  type PositionTable,
  sincos1d,
  sincos2d,
  sincosFrequencies,
} from './positionTables.js';
export {
  relativePositionBias,
  relativePositionIndex,
  relativePositionRows,
  resizedRelativePositions,
  resizeRelativePositions,
  type Window,
} from './relativePositionBias.js';
export { type InterpolationMode, interpolate, resizedPositions, resizePositions } from './resizeTable.js';
export {
  type Attended,
  exclusionBias,
  type ScaledDotProductOptions,
  scaledDotProductAttention,
} from './scaledDotProduct.js';
export {
  countParameters,
  DRAW,
  type DrawSpec,
  type ModelNeeds,
  PARAMETER,
  type ParameterSpec,
  type Rematerialization,
  Scope,
} from './scope.js';
export {
  type BranchOptions,
  residual,
  type SelfAttentionOptions,
  selfAttention,
  type TransformerBlockOptions,
  transformerBlock,
  transformerMlp,
} from './transformerBlock.js';
