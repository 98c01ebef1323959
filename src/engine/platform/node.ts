import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Platform } from '../protocol.js';

/** Node: worker threads, ONNX Runtime's native build. */
export const platform: Platform = {
  defaultDevice: 'cpu',
  defaultThreads: availableParallelism,
  spawn: () => {
    // Without the process's own flags, of which a worker refuses some (--input-type).
    const worker = new Worker(new URL('../worker/node.js', import.meta.url), { execArgv: [] });
    let ended = false;
    return {
      post: (message, transfer) => worker.postMessage(message, transfer),
      onMessage: (listener) => worker.on('message', listener),
      onFailure: (listener) => {
        worker.on('error', (error) => {
          ended = true;
          listener(error.message);
        });
        worker.on('exit', (code) => {
          if (!ended) listener(`it ended with code ${code}`);
        });
      },
      hold: (wanted) => (wanted ? worker.ref() : worker.unref()),
      terminate: async () => {
        ended = true;
        await worker.terminate();
      },
    };
  },
};
