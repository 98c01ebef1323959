/** Entry of the engine's worker in a browser. */
import type { RequestMessage } from '../protocol.js';
import { Host, type OrtModule } from './host.js';

const scope = globalThis as unknown as {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onmessage: unknown;
  crossOriginIsolated: boolean;
};
const host = new Host(
  async (device, threads) => {
    const web = device === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
    // Threads need shared memory, which a browser grants to cross-origin isolated pages alone.
    web.env.wasm.numThreads = scope.crossOriginIsolated ? threads : 1;
    return web as unknown as OrtModule;
  },
  (message, transfer) => scope.postMessage(message, transfer),
);
scope.onmessage = (event: MessageEvent<RequestMessage>) => host.receive(event.data);
