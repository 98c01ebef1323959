/** Files that are there and whole: safetensors, checkpoints, a run's folder; and weights that other programs wrote. */
export { writeFileAtomic, writeFolderAtomic } from './atomic.js';
export { type Checkpoint, type CheckpointPart, loadCheckpoint, saveCheckpoint } from './checkpoint.js';
export {
  type Match,
  matchNames,
  matchRemarks,
  type NameTable,
  nonFiniteCount,
  readFloat32,
  readMatched,
  type ShapeMismatch,
} from './foreign/matchNames.js';
export { type ForeignFormat, type ForeignWeights, openForeignWeights } from './foreign/openForeignWeights.js';
export { renamed, writeRenamed } from './foreign/renamed.js';
export { errorCode, readError, writeError } from './ioErrors.js';
export { readJson } from './jsonFile.js';
export { checkpointPath, latestCheckpoint, pruneCheckpoints } from './runFolder.js';
export { openSafetensors, readSafetensors, readSafetensorsHeader, writeSafetensors } from './safetensors.js';
export { shown } from './shown.js';
export {
  elementCount,
  type LazyTensor,
  type StoredArray,
  type StoredDType,
  type StoredTensor,
  storedBytes,
  toFloat32,
} from './storedTensor.js';
export { readPickledWeights } from './torch/readPickledWeights.js';
