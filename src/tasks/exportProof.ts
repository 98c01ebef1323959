/** Whether an exported file gives the model's results: both run on the same example, the file by plain ONNX Runtime. */
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { sizeOf, type TensorType, type Values } from '../graph/index.js';
import { drawMask } from '../objectives/index.js';
import { fold, keyFrom, uniform } from '../random/index.js';
import type { ExportedGraph } from './exportGraph.js';
import type { WeightedGraph } from './foldWeights.js';
import { OnnxFile, type TypedValues } from './onnxFile.js';

/** How far plain ONNX Runtime's results are from our own. */
export interface Difference {
  largestDifference: number;
  /** The same over the largest result. */
  relativeDifference: number;
}

/**
 * Runs `file` in another process, and the model's own graph on `engine`, and compares.
 * @throws HiperceiverError where the file does not run, or its results differ by more than `tolerance` of the largest
 */
export async function proveEqual(
  file: string,
  own: WeightedGraph,
  inputs: readonly [string, TensorType][],
  feeds: Record<string, Values>,
  engine: Engine,
  tolerance: number,
): Promise<Difference> {
  const difference = compare(await runOwn(own, feeds, engine), await runPlain(file, inputs, feeds));
  ensure(
    difference.relativeDifference <= tolerance,
    () =>
      `The exported file gives other results than the model (they differ by ${difference.relativeDifference.toExponential(1)} of the largest, where ${tolerance} is allowed), so it was not written: export it with another --precision, or, if it was fp32, report this with the checkpoint's config.json.`,
  );
  return difference;
}

/**
 * Random values of 0 … 1 (normalised where the graph does not do it), all of them real, and masks as in training.
 * @param normalization of each modality
 */
export function exampleFeeds(
  inputs: readonly [string, TensorType][],
  { plans = {} }: ExportedGraph,
  normalization: (name: string) => { mean: number[]; std: number[] } | undefined = () => undefined,
): Record<string, Values> {
  const key = keyFrom(0);
  const of = (values: number[], i: number) => values[i % values.length];
  return Object.fromEntries(
    inputs.map(([name, { shape }]) => {
      if (plans[name]) return [name, drawMask(plans[name], key).visible];
      const values = uniform(fold(key, name), sizeOf(shape));
      if (/^valid\//.test(name)) return [name, values.fill(1)];
      if (/^mask(\/|$)/.test(name)) return [name, values.map((v) => Number(v < 0.5))];
      const own = normalization(name);
      return [name, own ? values.map((v, i) => (v - of(own.mean, i)) / of(own.std, i)) : values];
    }),
  );
}

async function runOwn(
  { graph, weights }: WeightedGraph,
  feeds: Record<string, Values>,
  engine: Engine,
): Promise<Map<string, Float32Array>> {
  const program = await engine.compile(graph);
  try {
    return new Map(
      Object.entries(await program.run({ ...feeds, ...Object.fromEntries(weights) })) as [string, Float32Array][],
    );
  } finally {
    await program.dispose();
  }
}

async function runPlain(
  path: string,
  inputs: readonly [string, TensorType][],
  feeds: Record<string, Values>,
): Promise<Map<string, Float32Array>> {
  await using file = await OnnxFile.open(path, { called: 'the exported file, so it was not written' });
  return new Map(Object.entries(await file.run(typedFeeds(inputs, feeds))));
}

/** Feeds as ONNX Runtime is given them. */
export function typedFeeds(
  inputs: readonly [string, TensorType][],
  feeds: Record<string, Values>,
): Record<string, TypedValues> {
  return Object.fromEntries(
    inputs.map(([name, { shape, dtype }]) => [
      name,
      { type: dtype === 'i32' ? 'int32' : 'float32', shape, data: feeds[name] },
    ]),
  );
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
