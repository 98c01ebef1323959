/**
 * Hiperceiver: general perception in TypeScript. This is the library's entry in Node; `hiperceiver/browser` is the same
 * without files and worker threads of Node's own.
 */
export * from './checkpoint/index.js';
export * from './data/index.js';
export * from './engine/index.js';
export { HiperceiverError } from './errors/index.js';
export * from './graph/index.js';
export * from './models/index.js';
export {
  countParameters,
  type DrawSpec,
  drawAll,
  fourierFeatures,
  initialize,
  interpolate,
  linear,
  type ModelNeeds,
  norm,
  PARAMETER,
  type ParameterSpec,
  resizePositions,
  Scope,
  scaledDotProductAttention,
  sincos1d,
  sincos2d,
} from './nn/index.js';
export * from './objectives/index.js';
export {
  adamL2,
  adamw,
  lamb,
  lars,
  parameterGroups,
  type Schedule,
  sgd,
  updateGraph,
  warmupCosine,
} from './optim/index.js';
export * from './random/index.js';
export * from './tasks/index.js';
export * from './training/index.js';
export * from './verify/index.js';
export * from './visualize/index.js';
