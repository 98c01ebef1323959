/** Layers as functions of tensors, and the tables and masks that they are fed. */
export { gelu, geluTanh, leakyRelu, quickGelu, silu } from './activations.js';
export { type AttentionMaps, attention } from './attention.js';
export { inChunks } from './chunks.js';
export { drawAll, fanIn, type Initializer, initialize, ones, zeros } from './initializers.js';
export { dropout, linear, norm, table } from './layers.js';
export { applyMap, type LinearMap, linearMap, type Norm, normBefore } from './linearMap.js';
export {
  fourierFeatures,
  fourierFeaturesAt,
  gridPositions,
  type PositionTable,
  sincos1d,
  sincos2d,
} from './positionTables.js';
export { type InterpolationMode, interpolate, resizePositions } from './resizeTable.js';
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
