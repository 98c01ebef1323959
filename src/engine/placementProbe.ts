/**
 * Makes a WebGPU session of the model on standard input; ONNX Runtime's verbose log goes to standard error, what goes wrong
 * to standard output. `placement.ts` runs this file as a process of its own.
 */
import { buffer } from 'node:stream/consumers';
import { InferenceSession } from 'onnxruntime-node';

try {
  const model = new Uint8Array(await buffer(process.stdin));
  const session = await InferenceSession.create(model, { executionProviders: ['webgpu'], logSeverityLevel: 0 });
  await session.release();
} catch (error) {
  process.stdout.write((error as Error).message);
}
