/** How long ONNX files take to answer, measured side by side. */
import { stat } from 'node:fs/promises';
import { ensure } from '../errors/index.js';
import { fold, keyFrom, uniform } from '../random/index.js';
import { OnnxFile, type OnnxValue, type TypedValues } from './onnxFile.js';
import type { Watch } from './watch.js';

/** A file to time. */
export interface LatencySubject {
  path: string;
  /** What the table calls it; default: the path. */
  name?: string;
  /** Images at a time, for a file that leaves the first size of its inputs open; default 1. */
  batchSize?: number;
}

/** Times of one file. */
export interface Latency {
  name: string;
  batchSize: number;
  runs: number;
  /** Milliseconds of a run: half of them took less, nine in ten took less, the fastest. */
  median: number;
  p90: number;
  fastest: number;
  imagesPerSecond: number;
  /** Bytes: the file, and what its process held at most. */
  fileSize: number;
  peakMemory: number;
}

/** How often, and with how many threads. */
export interface LatencyOptions {
  /** Runs of each file; default: as many as take about 5 s, between 5 and 100. */
  runs?: number;
  threads?: number;
  watch?: Watch;
}

/** Files take turns, so that what else the machine does hits all of them alike. */
const ROUNDS = 5;
const DEFAULT_RUNS = { seconds: 5, least: 5, most: 100 };

/**
 * Times files in one go: all are loaded, each in a process of its own, run once, and then timed in turns on random inputs.
 * @throws HiperceiverError where a file does not run, or leaves more open than how many images it takes at a time
 */
export async function measureLatency(
  subjects: readonly LatencySubject[],
  { runs, threads, watch }: LatencyOptions = {},
): Promise<Latency[]> {
  const timed: Timed[] = [];
  try {
    for (const subject of subjects) {
      const file = await OnnxFile.open(subject.path, { threads });
      timed.push({ subject, file, feeds: {}, wanted: 0, times: [], peakMemory: 0 });
      await warmUp(timed[timed.length - 1], runs);
    }
    for (let round = 1; round <= ROUNDS; round++) {
      for (const one of timed) {
        const count = Math.ceil((one.wanted * round) / ROUNDS) - one.times.length;
        if (count === 0) continue;
        const { milliseconds, peakMemory } = await one.file.time(one.feeds, count);
        one.times.push(...milliseconds);
        one.peakMemory = peakMemory;
      }
      watch?.('rounds', round, ROUNDS);
    }
  } finally {
    for (const { file } of timed) await file.close();
  }
  return Promise.all(timed.map(report));
}

interface Timed {
  subject: LatencySubject;
  file: OnnxFile;
  feeds: Record<string, TypedValues>;
  wanted: number;
  times: number[];
  peakMemory: number;
}

/** The first run allocates; the second tells how many are affordable. */
async function warmUp(timed: Timed, runs: number | undefined): Promise<void> {
  const { path, batchSize = 1 } = timed.subject;
  timed.feeds = randomFeeds(path, timed.file.inputs, batchSize);
  const [, second] = (await timed.file.time(timed.feeds, 2)).milliseconds;
  const { seconds, least, most } = DEFAULT_RUNS;
  timed.wanted = runs ?? Math.min(most, Math.max(least, Math.round((seconds * 1000) / second)));
}

async function report({ subject: { path, name = path }, feeds, times, peakMemory }: Timed): Promise<Latency> {
  const batchSize = Object.values(feeds)[0]?.shape[0] ?? 1;
  const found = statistics(times);
  return {
    name,
    batchSize,
    runs: times.length,
    ...found,
    imagesPerSecond: (1000 * batchSize) / found.median,
    fileSize: await sizeOfFile(path),
    peakMemory,
  };
}

function statistics(times: readonly number[]): Pick<Latency, 'median' | 'p90' | 'fastest'> {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return {
    median: (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2,
    p90: sorted[Math.ceil(0.9 * sorted.length) - 1],
    fastest: sorted[0],
  };
}

/** Random floats; integers are zero, which is a valid row or token of whatever they choose from. */
function randomFeeds(path: string, inputs: readonly OnnxValue[], batchSize: number): Record<string, TypedValues> {
  return Object.fromEntries(
    inputs.map(({ name, type, shape: stated }) => {
      const shape = stated.map((size, axis) =>
        typeof size === 'number' && size > 0 ? size : axis === 0 ? batchSize : 0,
      );
      ensure(
        !shape.includes(0),
        () => `${path} leaves sizes of its input "${name}" open ([${stated}]): export it with fixed sizes to time it.`,
      );
      const size = shape.reduce((product, n) => product * n, 1);
      const arrays: Record<string, () => ArrayBufferView> = {
        float32: () => uniform(fold(keyFrom(0), name), size),
        float16: () => new Uint16Array(size),
        int32: () => new Int32Array(size),
        int64: () => new BigInt64Array(size),
        bool: () => new Uint8Array(size),
        uint8: () => new Uint8Array(size),
      };
      ensure(
        arrays[type],
        () => `${path} takes "${name}" as ${type}: only ${Object.keys(arrays).join(', ')} can be timed.`,
      );
      return [name, { type, shape, data: arrays[type]() }];
    }),
  );
}

/** The model and, beside it, its weights. */
async function sizeOfFile(path: string): Promise<number> {
  const sizes = await Promise.all(
    [path, `${path}.data`].map((name) =>
      stat(name).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes[0] + sizes[1];
}
