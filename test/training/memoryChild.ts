/** Run as a process of its own: trains from a folder of JPEGs, and prints its resident bytes around two steps of the run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pretrain, resolveRecipe } from '../../src/training/index.js';
import { smallHip } from '../smallHip.js';

const [path, out] = process.argv.slice(2);
const recipe = resolveRecipe({
  name: 'memory',
  data: { path, imageSize: 48, crop: 'randomResized', flip: true, workers: 1 },
  model: {
    variant: 'tiny',
    config: smallHip,
  },
  masking: { ratio: 0.9, perExample: true },
  optimizer: { warmupSteps: 2 },
  // Each batch is 0.4 MB, and passes through three threads.
  training: { steps: 220, batchSize: 16, checkpointEvery: 20, logEvery: 1, threads: 1, out },
});
const samples: { time: number; bytes: number }[] = [];
const timer = setInterval(() => samples.push({ time: Date.now() / 1000, bytes: process.memoryUsage().rss }), 5);
await pretrain(recipe, { quiet: true });
clearInterval(timer);

const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
const timeOf = new Map(lines.map((line) => JSON.parse(line)).map(({ step, wallTime }) => [step, wallTime as number]));

/** The median of what was resident between two steps: garbage comes and goes. */
function residentBetween(first: number, last: number): number {
  const [begin, end] = [timeOf.get(first)!, timeOf.get(last)!];
  const within = samples.filter(({ time }) => time >= begin && time <= end).map(({ bytes }) => bytes);
  return within.sort((a, b) => a - b)[within.length >> 1];
}

console.log(JSON.stringify({ early: residentBetween(40, 70), late: residentBetween(190, 220) }));
