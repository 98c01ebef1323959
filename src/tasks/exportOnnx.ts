/** A model as an ONNX file that any ONNX Runtime loads without us; written only after it was loaded and gave our results. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readSafetensors, type StoredTensor, toFloat32, writeError, writeSafetensors } from '../checkpoint/index.js';
import type { Engine } from '../engine/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { type Graph, optimize, sizeOf, type TensorType, toOnnx, type Values } from '../graph/index.js';
import { PARAMETER } from '../nn/index.js';
import { drawMask } from '../objectives/index.js';
import { fold, keyFrom, uniform } from '../random/index.js';
import { type ExportedGraph, type ExportGraphOptions, type ExportTask, exportGraph } from './exportGraph.js';
import { checkParameters, type LoadedModel } from './loadModel.js';

/** What is exported, and how large one file may become. */
export interface ExportOptions extends Omit<ExportGraphOptions, 'masking'> {
  /** Weights above so many bytes lie in a second file, `<path>.data`; default 1.5 GB, for protobuf ends at 2 GiB. */
  externalAbove?: number;
}

/** What was written. */
export interface ExportReport {
  /** Files written: the model and, for a large one, its weights. */
  files: string[];
  bytes: number;
  task: ExportTask;
  inputs: Record<string, TensorType>;
  outputs: Record<string, TensorType>;
  metadata: Record<string, string>;
  /** Largest difference between plain ONNX Runtime's results and our own, and the same over the largest result. */
  largestDifference: number;
  relativeDifference: number;
}

/** A file whose results differ by more than this share of the largest is not written. */
const TOLERANCE = 1e-4;
/** Weights in a file of their own begin at memory pages, so that they can be mapped. */
const PAGE = 4096;

/**
 * Writes the model as portable ONNX (operator set 18, no contrib operators), then runs that file with plain ONNX Runtime in
 * another process and compares with `engine`.
 * @throws HiperceiverError where the file cannot be written or loaded, or its results differ; nothing is left behind then
 */
export async function exportOnnx(
  model: LoadedModel,
  path: string,
  engine: Engine,
  options: ExportOptions = {},
): Promise<ExportReport> {
  const exported = exportGraph(model.description, { ...options, masking: model.recipe?.masking });
  checkParameters(exported.scope.needs, model.parameters, model.path);
  const graph = optimize(exported.graph);
  const weights = new Map<string, Values>();
  for (const name of graph.inputs.keys()) {
    if (name.startsWith(PARAMETER)) weights.set(name, model.parameters.get(name.slice(PARAMETER.length))!);
  }
  const inputs = [...graph.inputs].filter(([name]) => !weights.has(name));
  const feeds = exampleFeeds(
    inputs,
    exported,
    options.embedNormalization ? undefined : model.description.normalization,
  );

  const temporary = join(dirname(resolve(path)), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await mkdir(temporary, { recursive: true });
    const names = await writeModel(
      temporary,
      basename(path),
      graph,
      weights,
      exported.metadata,
      options.externalAbove ?? 1.5e9,
    );
    const own = await runOwn(graph, { ...feeds, ...Object.fromEntries(weights) }, engine);
    const theirs = await runPlain(temporary, basename(path), inputs, feeds);
    const difference = compare(own, theirs);
    ensure(
      difference.relativeDifference <= TOLERANCE,
      () =>
        `The exported file gives other results than the model (they differ by ${difference.relativeDifference.toExponential(1)} of the largest), so it was not written: please report this with the checkpoint's config.json.`,
    );
    let bytes = 0;
    // The weights first: a model file without them would be of no use.
    for (const name of [...names].reverse()) {
      bytes += (await stat(join(temporary, name))).size;
      await rename(join(temporary, name), join(dirname(resolve(path)), name));
    }
    return {
      files: names.map((name) => join(dirname(path), name)),
      bytes,
      task: exported.task,
      inputs: typesOf(inputs),
      outputs: typesOf(graph.outputs),
      metadata: exported.metadata,
      ...difference,
    };
  } catch (error) {
    throw writeError(error, path);
  } finally {
    // Where it could not even be made, there is nothing to remove.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function writeModel(
  folder: string,
  name: string,
  graph: Graph,
  weights: Map<string, Values>,
  metadata: Record<string, string>,
  externalAbove: number,
): Promise<string[]> {
  const total = [...weights.values()].reduce((sum, values) => sum + values.byteLength, 0);
  if (total <= externalAbove) {
    await writeFile(join(folder, name), toOnnx(graph, { target: 'portable', weights, metadata }), { flush: true });
    return [name];
  }
  const location = `${name}.data`;
  const offsets = new Map<string, number>();
  const handle = await open(join(folder, location), 'w');
  try {
    let offset = 0;
    for (const [key, values] of weights) {
      offsets.set(key, offset);
      await handle.write(
        new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        0,
        values.byteLength,
        offset,
      );
      offset = Math.ceil((offset + values.byteLength) / PAGE) * PAGE;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  await writeFile(
    join(folder, name),
    toOnnx(graph, { target: 'portable', weights, metadata, external: { location, offsets } }),
    { flush: true },
  );
  return [name, location];
}

/** Random pixels (normalised where the graph does not do it), and a mask as in training. */
function exampleFeeds(
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
  folder: string,
  name: string,
  inputs: readonly [string, TensorType][],
  feeds: Record<string, Values>,
): Promise<Map<string, Float32Array>> {
  const [given, answered] = [join(folder, 'inputs.safetensors'), join(folder, 'outputs.safetensors')];
  const stored = inputs.map(([key, { shape, dtype }]): [string, StoredTensor] => [
    key,
    { dtype: dtype === 'i32' ? 'I32' : 'F32', shape: [...shape], data: feeds[key] as Float32Array | Int32Array },
  ]);
  await writeSafetensors(given, stored);
  const script = fileURLToPath(new URL('./runOnnxFile.js', import.meta.url));
  try {
    await promisify(execFile)(process.execPath, [script, join(folder, name), given, answered]);
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

function compare(
  own: Map<string, Float32Array>,
  theirs: Map<string, Float32Array>,
): Pick<ExportReport, 'largestDifference' | 'relativeDifference'> {
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

function typesOf(tensors: Iterable<[string, TensorType]>): Record<string, TensorType> {
  return Object.fromEntries([...tensors].map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
}
