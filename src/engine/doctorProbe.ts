/** Tries one device; `doctor.ts` runs this file as a process of its own, for a broken driver may end the process that it is in. */
import { Graph, input } from '../graph/index.js';
import { createEngine, selfCheck } from './index.js';
import type { DeviceName, Engine } from './types.js';

/** What a try brought to light. */
export interface ProbeResult {
  error?: string;
  /** From nothing to the first result, and what of it the self-check took. */
  startSeconds?: number;
  checkSeconds?: number;
  /** Whether it computes in half precision too. */
  half?: boolean;
  /** Speed of a 512 x 512 x 512 matrix product. */
  gigaflops?: number;
}

/** Best of as many products as fit into about half a second. */
async function measureSpeed(engine: Engine): Promise<number> {
  const n = 512;
  const a = input('a', [n, n]);
  const program = await engine.compile(Graph.of({ total: a.matmul(a).max() }), { inputs: { a: 'a' } });
  await engine.write({ a: { type: { shape: [n, n], dtype: 'f32' }, values: new Float32Array(n * n).fill(0.5) } });
  await program.run();
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + 500;
  do {
    const start = performance.now();
    await program.run();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return (2 * n ** 3) / best / 1e6;
}

/** Starts the device, checks it against the reference and, if asked to, measures its speed. */
async function tryDevice(device: DeviceName, withSpeed: boolean): Promise<ProbeResult> {
  const start = performance.now();
  try {
    await using engine = await createEngine({ device, check: false });
    const started = performance.now();
    await selfCheck(engine);
    const result: ProbeResult = {
      startSeconds: (performance.now() - start) / 1000,
      checkSeconds: (performance.now() - started) / 1000,
    };
    if (withSpeed && device === 'webgpu') result.half = await worksInHalves(engine);
    if (withSpeed && device !== 'reference') result.gigaflops = await measureSpeed(engine);
    return result;
  } catch (error) {
    const { message, cause } = error as Error;
    return { error: cause instanceof Error ? cause.message : message };
  }
}

async function worksInHalves(engine: Engine): Promise<boolean> {
  try {
    await selfCheck(engine, 'f16');
    return true;
  } catch {
    return false;
  }
}

const [device, speed] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await tryDevice(device as DeviceName, speed === 'speed')));
