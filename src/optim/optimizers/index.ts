/** Update rules. */
export { type AdamOptions, adamL2, adamw } from './adam.js';
export { type LambOptions, type LarsOptions, lamb, lars } from './layerwise.js';
export type { Optimizer, OptimizerInput } from './optimizer.js';
export { type SgdOptions, sgd } from './sgd.js';
