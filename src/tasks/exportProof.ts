/** Whether an exported file gives the model's results: both run on the same example, the file by plain ONNX Runtime. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from '../checkpoint/index.js';
import type { Engine } from '../engine/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { type Graph, sizeOf, type TensorType, type Values } from '../graph/index.js';
import { drawMask } from '../objectives/index.js';
import { fold, keyFrom, uniform } from '../random/index.js';
import type { ExportedGraph } from './exportGraph.js';

/** A file whose results differ by more than this share of the largest is not written. */
const TOLERANCE = 1e-4;

/** How far plain ONNX Runtime's results are from our own. */
export interface Difference {
  largestDifference: number;
  /** The same over the largest result. */
  relativeDifference: number;
}

/**
 * Runs `file` in another process, and `graph` with `weights` on `engine`, and compares.
 * @throws HiperceiverError where the file does not run, or its results differ
 */
export async function proveEqual(
  file: string,
  graph: Graph,
  weights: ReadonlyMap<string, Values>,
  inputs: readonly [string, TensorType][],
  feeds: Record<string, Values>,
  engine: Engine,
): Promise<Difference> {
  const own = await runOwn(graph, { ...feeds, ...Object.fromEntries(weights) }, engine);
  const difference = compare(own, await runPlain(file, inputs, feeds));
  ensure(
    difference.relativeDifference <= TOLERANCE,
    () =>
      `The exported file gives other results than the model (they differ by ${difference.relativeDifference.toExponential(1)} of the largest), so it was not written: please report this with the checkpoint's config.json.`,
  );
  return difference;
}

/** Random pixels (normalised where the graph does not do it), and a mask as in training. */
export function exampleFeeds(
  inputs: readonly [string, TensorType][],
  { plan }: ExportedGraph,
  normalization?: { mean: number[]; std: number[] },
): Record<string, Values> {
  const key = keyFrom(0);
  const of = (values: number[], i: number) => values[i % values.length];
  return Object.fromEntries(
    inputs.map(([name, { shape }]) => {
      if (name === 'visible') return [name, drawMask(plan!, key).visible];
      const values = uniform(fold(key, name), sizeOf(shape));
      if (name === 'mask') return [name, values.map((v) => Number(v < 0.5))];
      return [
        name,
        normalization ? values.map((v, i) => (v - of(normalization.mean, i)) / of(normalization.std, i)) : values,
      ];
    }),
  );
}

async function runOwn(graph: Graph, feeds: Record<string, Values>, engine: Engine): Promise<Map<string, Float32Array>> {
  const program = await engine.compile(graph);
  try {
    return new Map(Object.entries(await program.run(feeds)) as [string, Float32Array][]);
  } finally {
    await program.dispose();
  }
}

async function runPlain(
  file: string,
  inputs: readonly [string, TensorType][],
  feeds: Record<string, Values>,
): Promise<Map<string, Float32Array>> {
  const [given, answered] = ['inputs', 'outputs'].map((name) => join(dirname(file), `${name}.safetensors`));
  const stored = inputs.map(([key, { shape, dtype }]): [string, StoredTensor] => [
    key,
    { dtype: dtype === 'i32' ? 'I32' : 'F32', shape: [...shape], data: feeds[key] as Float32Array | Int32Array },
  ]);
  await writeSafetensors(given, stored);
  const script = fileURLToPath(new URL('./runOnnxFile.js', import.meta.url));
  try {
    await promisify(execFile)(process.execPath, [script, file, given, answered]);
  } catch (error) {
    const said =
      String((error as { stderr?: string }).stderr ?? error).match(/Error: (.*)/)?.[1] ?? String(error).split('\n')[0];
    throw new HiperceiverError(`ONNX Runtime cannot run the exported file, so it was not written: ${said}`, {
      cause: error,
    });
  }
  const { tensors } = await readSafetensors(answered);
  return new Map([...tensors].map(([key, tensor]) => [key, toFloat32(tensor)]));
}

function compare(own: Map<string, Float32Array>, theirs: Map<string, Float32Array>): Difference {
  let [largestDifference, relativeDifference] = [0, 0];
  for (const [name, expected] of own) {
    const found = theirs.get(name);
    ensure(
      found?.length === expected.length,
      () => `The exported file gives no "${name}" of ${expected.length} values.`,
    );
    let [difference, largest] = [0, 0];
    for (let i = 0; i < expected.length; i++) {
      const distance = Math.abs(found[i] - expected[i]);
      difference = Number.isNaN(distance) ? Infinity : Math.max(difference, distance);
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    largestDifference = Math.max(largestDifference, difference);
    relativeDifference = Math.max(relativeDifference, difference === 0 ? 0 : difference / largest);
  }
  return { largestDifference, relativeDifference };
}
