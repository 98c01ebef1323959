/** A model as an ONNX file that any ONNX Runtime loads without us; written only after it was loaded and gave our results. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { writeError } from '../checkpoint/index.js';
import type { Engine } from '../engine/index.js';
import { type OnnxGraph, optimize, type TensorType, type Values, writeOnnx } from '../graph/index.js';
import { PARAMETER } from '../nn/index.js';
import { normalizationOf } from '../training/signals.js';
import { type ExportGraphOptions, type ExportTask, exportGraph } from './exportGraph.js';
import { atPrecision, constantBytes, type ExportPrecision, TOLERANCES } from './exportPrecision.js';
import { type Difference, exampleFeeds, proveEqual } from './exportProof.js';
import { foldWeights } from './foldWeights.js';
import { checkParameters, type LoadedModel } from './loadModel.js';

/** What is exported, and how large one file may become. */
export interface ExportOptions extends Omit<ExportGraphOptions, 'masking'> {
  /** Default `fp32`. */
  precision?: ExportPrecision;
  /** Weights above so many bytes lie in a second file, `<path>.data`; default 1.5 GB, for protobuf ends at 2 GiB. */
  externalAbove?: number;
}

/** What was written. */
export interface ExportReport extends Difference {
  /** Files written: the model and, for a large one, its weights. */
  files: string[];
  bytes: number;
  precision: ExportPrecision;
  /** Bytes of the weights, and of the same in fp32. */
  weights: { bytes: number; fp32: number };
  task: ExportTask;
  inputs: Record<string, TensorType>;
  outputs: Record<string, TensorType>;
  metadata: Record<string, string>;
}

/** Weights in a file of their own begin at memory pages, so that they can be mapped. */
const PAGE = 4096;
/** Bytes below which a constant stays in the model's file. */
const SMALL = 1024;

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
  const precision = options.precision ?? 'fp32';
  const feeds = exampleFeeds(inputs, exported, (name) =>
    options.embedNormalization ? undefined : normalizationOf(model.description, name),
  );

  const temporary = join(dirname(resolve(path)), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await mkdir(temporary, { recursive: true });
    const folded = await foldWeights({ graph, weights }, engine);
    const lowered = atPrecision(folded, precision);
    const metadata = { ...exported.metadata, precision };
    const names = await writeModel(temporary, basename(path), lowered, metadata, options.externalAbove ?? 1.5e9);
    const file = join(temporary, basename(path));
    const difference = await proveEqual(file, { graph, weights }, inputs, feeds, engine, TOLERANCES[precision]);
    let bytes = 0;
    // The weights first: a model file without them would be of no use.
    for (const name of [...names].reverse()) {
      bytes += (await stat(join(temporary, name))).size;
      await rename(join(temporary, name), join(dirname(resolve(path)), name));
    }
    return {
      files: names.map((name) => join(dirname(path), name)),
      bytes,
      precision,
      weights: { bytes: constantBytes(lowered), fp32: constantBytes(atPrecision(folded, 'fp32')) },
      task: exported.task,
      inputs: typesOf(inputs),
      outputs: typesOf(graph.outputs),
      metadata,
      ...difference,
    };
  } catch (error) {
    throw writeError(error, path);
  } finally {
    // Where it could not even be made, there is nothing to remove.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Writes the model and, where the weights are large, a second file with them. Returns the names. */
async function writeModel(
  folder: string,
  name: string,
  graph: OnnxGraph,
  metadata: Record<string, string>,
  externalAbove: number,
): Promise<string[]> {
  if (constantBytes(graph) <= externalAbove) {
    await writeFile(join(folder, name), writeOnnx(graph, { metadata }), { flush: true });
    return [name];
  }
  const location = `${name}.data`;
  const offsets = new Map<string, number>();
  const handle = await open(join(folder, location), 'w');
  try {
    let offset = 0;
    for (const { name: key, data } of graph.initializers) {
      if (data.byteLength < SMALL) continue;
      offsets.set(key, offset);
      await handle.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 0, data.byteLength, offset);
      offset = Math.ceil((offset + data.byteLength) / PAGE) * PAGE;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  await writeFile(join(folder, name), writeOnnx(graph, { metadata, external: { location, offsets } }), { flush: true });
  return [name, location];
}

function typesOf(tensors: Iterable<[string, TensorType]>): Record<string, TensorType> {
  return Object.fromEntries([...tensors].map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
}
