/** The decoding thread: receives step numbers, answers with batches whose memory it gives away. */
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { type AssembledBatch, type AssemblyOptions, createAssembler } from './assemble.js';
import type { Source } from './source.js';

// The pool is the parallelism; more threads inside each decoder would only get in each other's way.
sharp.concurrency(1);
sharp.cache(false);

const { source, options } = workerData as { source: Source; options: AssemblyOptions };
const assemble = createAssembler(source, options);
const port = parentPort;

port?.on('message', async (step: number | 'close') => {
  if (step === 'close') {
    port.close();
    return;
  }
  try {
    const batch = await assemble(step);
    port.postMessage({ batch }, batch ? buffersOf(batch) : []);
  } catch (error) {
    port.postMessage({ failure: error instanceof Error ? error.message : String(error) });
  }
});

function buffersOf({ signals, targets, lengths, ids }: AssembledBatch): ArrayBuffer[] {
  const arrays = [...Object.values(signals), ...Object.values(lengths), ...(targets ? [targets] : []), ids];
  return arrays.map((values) => values.buffer as ArrayBuffer);
}
