/**
 * Runs an ONNX file with plain ONNX Runtime, as its users will: `node runOnnxFile.js MODEL INPUTS OUTPUTS`, the latter two
 * safetensors files. A process of its own, so that a file which ends it does not end the export.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../checkpoint/index.js';

const [model, inputs, outputs] = process.argv.slice(2);
const session = await InferenceSession.create(model);
const feeds: Record<string, Tensor> = {};
for (const [name, { shape, data }] of (await readSafetensors(inputs)).tensors) {
  feeds[name] =
    data instanceof Int32Array ? new Tensor('int32', data, shape) : new Tensor('float32', data as Float32Array, shape);
}
const results = await session.run(feeds);
const stored = Object.entries(results).map(([name, { dims, data }]): [string, StoredTensor] => [
  name,
  { dtype: 'F32', shape: [...dims], data: data as Float32Array },
]);
await writeSafetensors(outputs, stored);
