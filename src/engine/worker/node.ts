/** Entry of the engine's worker thread in Node. */
import { parentPort } from 'node:worker_threads';
import type { RequestMessage } from '../protocol.js';
import { withSessionCache } from '../sessionCache.js';
import { Host, type OrtModule } from './host.js';

const port = parentPort!;
const host = new Host(
  async (device, threads) => {
    if (device !== 'wasm') {
      const { default: native } = await import('onnxruntime-node');
      return withSessionCache(native as unknown as OrtModule, { version: native.env.versions.node ?? '' });
    }
    const web = await import('onnxruntime-web');
    web.env.wasm.numThreads = threads;
    return web as unknown as OrtModule;
  },
  (message, transfer) => port.postMessage(message, transfer),
);
port.on('message', (message: RequestMessage) => host.receive(message));
