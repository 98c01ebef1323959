/** Optimisers, the graph that applies them, schedules and parameter groups. */
export * from './optimizers/index.js';
export {
  type NamePattern,
  type ParameterGroup,
  type ParameterGroupOptions,
  parameterGroups,
  vitLayerOf,
} from './parameterGroups.js';
export {
  constant,
  cosineAnneal,
  type Schedule,
  timmCosine,
  vattCosine,
  vattStepwise,
  warmupCosine,
} from './schedules.js';
export { type UpdateGraph, type UpdateOptions, updateGraph } from './update.js';
