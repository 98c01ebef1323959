import { ensure } from '../../errors/index.js';
import type { Platform } from '../protocol.js';

/** A browser: Web Workers, ONNX Runtime's WebAssembly build. */
export const platform: Platform = {
  defaultDevice: 'wasm',
  defaultThreads: () => navigator.hardwareConcurrency ?? 1,
  spawn: (device) => {
    ensure(device !== 'cpu', () => 'The cpu device runs in Node alone; in a browser use wasm or webgpu.');
    const worker = new Worker(new URL('../worker/browser.js', import.meta.url), { type: 'module' });
    return {
      post: (message, transfer) => worker.postMessage(message, transfer),
      onMessage: (listener) => worker.addEventListener('message', (event) => listener(event.data)),
      onFailure: (listener) =>
        worker.addEventListener('error', (event) => listener(event.message || 'its script could not be loaded')),
      hold: () => {},
      terminate: async () => worker.terminate(),
    };
  },
};
