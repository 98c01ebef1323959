/** Whatever the user named, as a model that can be asked. */
import { CheckpointModel, type CheckpointOptions } from './checkpointModel.js';
import { OnnxModel } from './onnxModel.js';
import type { ServedModel } from './servedModel.js';

/**
 * Loads a checkpoint folder, run folder or safetensors file, or an ONNX file of `hip export`, and tries it.
 * @throws HiperceiverError where it cannot be loaded or run
 */
export function openModel(path: string, options: CheckpointOptions): Promise<ServedModel> {
  return path.endsWith('.onnx') ? OnnxModel.open(path, options) : CheckpointModel.open(path, options);
}
