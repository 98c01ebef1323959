/** The decoding thread: receives step numbers, answers with batches whose memory it gives away. */
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { type AssemblyOptions, createAssembler } from './assemble.js';
import type { ImageSource } from './source.js';

// The pool is the parallelism; more threads inside each decoder would only get in each other's way.
sharp.concurrency(1);
sharp.cache(false);

const { source, options } = workerData as { source: ImageSource; options: AssemblyOptions };
const assemble = createAssembler(source, options);
const port = parentPort;

port?.on('message', async (step: number | 'close') => {
  if (step === 'close') {
    port.close();
    return;
  }
  try {
    const batch = await assemble(step);
    port.postMessage({ batch }, batch ? [batch.pixels.buffer as ArrayBuffer, batch.ids.buffer as ArrayBuffer] : []);
  } catch (error) {
    port.postMessage({ failure: error instanceof Error ? error.message : String(error) });
  }
});
