/** Tries one device; `doctor.ts` runs this file as a process of its own, for a broken driver may end the process that it is in. */
import { Graph, gradients, input, layerNorm, type Values } from '../graph/index.js';
import { createEngine, evaluate } from './index.js';
import type { DeviceName, Engine } from './types.js';

/** What a try brought to light. */
export interface ProbeResult {
  error?: string;
  /** From nothing to the first result. */
  startSeconds?: number;
  /** Speed of a 512 x 512 x 512 matrix product. */
  gigaflops?: number;
}

/** A small net with its gradient: every kind of kernel that training cannot do without. */
function trainingStep(): { graph: Graph; feeds: Record<string, Values> } {
  const [x, w, v] = [input('x', [4, 6]), input('w', [6, 8]), input('v', [8, 3])];
  const scale = input('scale', [8]);
  const loss = layerNorm(x.matmul(w), scale, scale).tanh().matmul(v).logSoftmax().mean().neg();
  const [dw, dv] = gradients(loss, [w, v]);
  const graph = Graph.of({ loss, dw, dv });
  const wave = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(1 + i * 1.7));
  return { graph, feeds: Object.fromEntries([...graph.inputs].map(([name, t]) => [name, wave(t.size)])) };
}

async function checkValues(engine: Engine): Promise<void> {
  const { graph, feeds } = trainingStep();
  const expected = evaluate(graph, feeds);
  const program = await engine.compile(graph);
  const found = await program.run(feeds);
  await program.dispose();
  for (const [name, values] of expected) {
    const error = Math.max(...found[name].map((v, i) => Math.abs(v - values[i])));
    if (!(error < 1e-4)) throw new Error(`Its results are wrong: ${name} differs from the reference by ${error}.`);
  }
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

/** Starts the device, checks a training step against the reference and, if asked to, measures its speed. */
async function tryDevice(device: DeviceName, withSpeed: boolean): Promise<ProbeResult> {
  const start = performance.now();
  try {
    await using engine = await createEngine({ device });
    await checkValues(engine);
    const startSeconds = (performance.now() - start) / 1000;
    return { startSeconds, gigaflops: withSpeed && device !== 'reference' ? await measureSpeed(engine) : undefined };
  } catch (error) {
    const { message, cause } = error as Error;
    return { error: cause instanceof Error ? cause.message : message };
  }
}

const [device, speed] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await tryDevice(device as DeviceName, speed === 'speed')));
