/** Files that are there and whole: safetensors, checkpoints, a run's folder. */
export { writeFileAtomic, writeFolderAtomic } from './atomic.js';
export { type Checkpoint, type CheckpointPart, loadCheckpoint, saveCheckpoint } from './checkpoint.js';
export { errorCode, readError, writeError } from './ioErrors.js';
export { checkpointPath, latestCheckpoint, pruneCheckpoints } from './runFolder.js';
export { readSafetensors, readSafetensorsHeader, writeSafetensors } from './safetensors.js';
export { type LazyTensor, type StoredArray, type StoredDType, type StoredTensor, toFloat32 } from './storedTensor.js';
