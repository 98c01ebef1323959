/** Architectures: functions of a scope, a configuration and named modalities. */
export { type AdaptedParameters, type AdaptOptions, adaptParameters } from './adaptParameters.js';
export {
  constNumGrouping,
  type Grouping,
  groupRows,
  isPadded,
  type ModalityGroups,
  type RegroupType,
  regroup,
  ungroup,
  validRows,
} from './grouping.js';
export { type HipConfig, hip, hipGrouping } from './hip.js';
export type { RowSelection } from './inputStage.js';
export {
  type FromLayout,
  fromLayout,
  type Layout,
  type LayoutTensor,
  storedAs,
  toLayout,
} from './layouts/index.js';
export { indexDim, type Modality } from './modality.js';
export { type ModelName, modelNames, parseModelName } from './modelName.js';
export { type PerceiverIoConfig, perceiverIo } from './perceiverIo.js';
export type {
  ForeignCheckpoint,
  Form,
  PublishedLayout,
  PublishedModel,
} from './published/published.js';
export { configOf, type SystemName, settingsOf, systemByName, systems } from './registry.js';
export { selectRows } from './rows.js';
export type { ApplyOptions, ClassLogits, DenseLogits, PerceiverOutputs, System } from './system.js';
export { timestampOf } from './timestamps.js';
export type { AttentionStep, TokenAttention } from './tokenAttention.js';
export { onlyReal, realElements, validFeeds, validInputs } from './validity.js';
export { hipVariants, perceiverIoVariants } from './variants.js';
