/** A worker thread of a test: decodes the file that it is given, some times. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeClip } from '../../../src/data/media/index.js';

let sum = 0;
for (let i = 0; i < 5; i++) {
  const { clip, sound } = await decodeClip(workerData as Uint8Array, () => ({
    start: 0,
    frames: 8,
    frameRate: 8,
    size: [24, 32],
    soundSeconds: 0.5,
  }));
  sum += clip.frames.reduce((a, b) => a + b, 0) + (sound?.samples.length ?? 0);
}
parentPort?.postMessage(sum);
