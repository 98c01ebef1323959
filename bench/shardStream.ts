/** Part of an epoch over shards in a process of its own: `shardStream.js FOLDER FROM TO BATCH`, its answer a line of JSON. */
import { createLoader, openData, type Reader } from '../src/data/index.js';
import { keyFrom } from '../src/random/index.js';
import { peakBytes } from './peakMemory.js';

/** What a part of an epoch gave. */
export interface Streamed {
  openSeconds: number;
  seconds: number;
  peakBytes: number;
  /** The samples seen, by the number that each holds. */
  samples: number[];
}

/** Points as they are written by `bench shards`: the first number of each sample is its own. */
const reader: Reader = { kind: 'points', points: 1, channels: 3, normalize: 'none', order: 'stored', augment: false };

const [folder, ...numbers] = process.argv.slice(2);
const [from, to, batchSize] = numbers.map(Number);
const began = performance.now();
const dataset = await openData(folder, { validationFraction: 0 });
const opened = performance.now();
const loader = createLoader(dataset, { reader, batchSize, shuffle: true, key: keyFrom(1), startStep: from });
const samples: number[] = [];
for (let step = from; step < to; step++) {
  const batch = await loader.next();
  if (!batch) break;
  for (let i = 0; i < batch.size; i++) samples.push(batch.signals.points[3 * i]);
}
await loader.close();
const answer: Streamed = {
  openSeconds: (opened - began) / 1000,
  seconds: (performance.now() - opened) / 1000,
  peakBytes: peakBytes(),
  samples,
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
