import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatNpy } from '../../src/data/index.js';
import { writeShards } from '../../src/data/shards/index.js';
import { defineBenchmark } from '../benchmark.js';
import { check, gigabytes } from '../report.js';
import type { Streamed } from '../shardStream.js';

const WANTED_BYTES = 1.5e9;
const BATCH = 64;
/** Points of a sample, all its own number: 50 KB. */
const POINTS = 4250;
const SAMPLE_BYTES = POINTS * 12;

/** `bench shards` */
export const command = defineBenchmark({
  name: 'shards',
  summary: 'Streaming shards in shuffled order: time, memory, and every sample once after a stop',
  description:
    'Writes a set of tar shards, reads half an epoch in shuffled order in one process, which stops in the middle of shards, ' +
    'and the rest in another, as a resumed run does. Every sample must come exactly once.',
  options: {
    size: { type: 'number', placeholder: 'GB', help: 'size of the set (default: 5; with --quick 0.1)' },
    data: { type: 'string', placeholder: 'DIR', help: 'folder to make it in (default: the system’s temporary one)' },
  },
  examples: ['', '--size 20 --data /scratch', '--quick'],
  rounds: { full: 1, quick: 1 },
  async measure({ size, data, quick }, around) {
    const bytes = (size ?? (quick ? 0.1 : 5)) * 1e9;
    const count = Math.ceil(bytes / SAMPLE_BYTES / BATCH) * BATCH;
    const folder = await mkdtemp(join(data ?? tmpdir(), 'shards-'));
    try {
      around.note(`writing ${count} samples`);
      const began = performance.now();
      const written = await writeShards(folder, samplesFrom(count), {
        prefix: 'train',
        bytesPerShard: 1e8,
        kind: 'points',
      });
      const writeSeconds = (performance.now() - began) / 1000;
      const steps = count / BATCH;
      const stop = Math.floor(steps * 0.43);
      around.note('the first part of an epoch');
      const first = await stream(folder, 0, stop);
      around.note('the rest, resumed');
      const rest = await stream(folder, stop, steps);
      const seen = new Set([...first.samples, ...rest.samples]);
      const repeated = first.samples.length + rest.samples.length - seen.size;
      const row = (what: string, part: Streamed) => [
        what,
        part.samples.length,
        part.openSeconds.toFixed(1),
        part.seconds.toFixed(1),
        Math.round(part.samples.length / part.seconds),
        gigabytes(part.peakBytes),
      ];
      const whole = (value: number) => value.toLocaleString('en-US');
      return {
        tables: [
          {
            title: `${gigabytes(written.bytes)} in ${written.shards.length} shards, written in ${writeSeconds.toFixed(0)} s`,
            columns: ['part of an epoch', 'samples', 'open s', 'stream s', 'samples a second', 'peak'],
            rows: [row('until it is stopped', first), row('resumed', rest)],
          },
        ],
        checks: [
          check('memory', Math.max(first.peakBytes, rest.peakBytes), { atMost: WANTED_BYTES }, gigabytes),
          check('samples repeated', repeated, { atMost: 0 }, whole),
          check('samples lost', count - seen.size, { atMost: 0 }, whole),
        ],
        notes: ['Peak: the largest resident set of a fresh process, decoding threads included.'],
        data: { writeSeconds, first: { ...first, samples: undefined }, rest: { ...rest, samples: undefined } },
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

function samplesFrom(count: number) {
  return async function* (start: number) {
    for (let i = start; i < count; i++) {
      const npy = formatNpy({ shape: [POINTS, 3], data: new Float32Array(POINTS * 3).fill(i) });
      yield { key: String(i).padStart(8, '0'), parts: { npy } };
    }
  };
}

async function stream(folder: string, from: number, to: number): Promise<Streamed> {
  const script = fileURLToPath(new URL('../shardStream.js', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, folder, String(from), String(to), String(BATCH)],
    {
      maxBuffer: 2 ** 28,
    },
  );
  return JSON.parse(stdout) as Streamed;
}
