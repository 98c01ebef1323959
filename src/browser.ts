/**
 * Hiperceiver in a browser: everything of the library's entry that needs no files. Training runs in a Web Worker, on
 * WebAssembly or WebGPU.
 *
 * A bundler takes it as it is, if it follows two conventions of the web: `new Worker(new URL('…', import.meta.url))` is
 * an entry of its own, and so is what the worker imports dynamically (ONNX Runtime, whose threads start from its file;
 * its `.wasm` files belong beside it). For Vite: `worker: { format: 'es' }, optimizeDeps: { exclude: ['hiperceiver'] }`.
 * WebAssembly uses several threads where the page is cross-origin isolated, that is served with the headers
 * `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`.
 */
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
export * from './tasks/metrics/index.js';
export * from './training/portable.js';
export { type Locality, type LocalityOptions, locality, localityChance, localityScore } from './visualize/locality.js';
