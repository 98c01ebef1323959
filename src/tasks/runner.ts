/** Running a trained model: on batches, and over whole data sets. */
import { type Batch, createLoader, type Dataset, kindOf, type LeftOut } from '../data/index.js';
import type { Engine, Program } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { Graph, type Tensor, type Values } from '../graph/index.js';
import { PARAMETER, Scope } from '../nn/index.js';
import { keyFrom } from '../random/index.js';
import { type ModelDescription, modelInputs, validityFeeds } from '../training/description.js';
import { readerOf } from '../training/signals.js';
import { checkParameters, type TrainedModel } from './loadModel.js';
import type { Watch } from './watch.js';

/** Builds outputs from a scope and the model's inputs; both are used for inference alone. */
type Build = (scope: Scope, inputs: Record<string, Tensor>) => Record<string, Tensor>;

/** A model compiled for batches of one size. */
export class Runner {
  private constructor(
    private readonly program: Program,
    readonly batchSize: number,
    private readonly inputLengths: Record<string, number>,
    private readonly description: ModelDescription,
  ) {}

  /** Compiles what `build` makes of the model. Randomness is off: nothing is dropped, nothing is masked. */
  static async create(engine: Engine, model: TrainedModel, batchSize: number, build: Build): Promise<Runner> {
    const scope = Scope.root();
    const inputs = modelInputs(model.description, batchSize);
    const outputs = build(scope, inputs);
    checkParameters(scope.needs, model.parameters, model.path);
    const graph = Graph.of(outputs);
    const program = await compileModel(engine, graph, model);
    const lengths = Object.fromEntries(Object.entries(inputs).map(([name, { size }]) => [name, size]));
    return new Runner(program, batchSize, lengths, model.description);
  }

  /**
   * Runs up to `batchSize` examples; results hold as many rows as `size`.
   * @param extra further inputs (masks)
   */
  async run(
    { signals, lengths, size }: Pick<Batch, 'signals' | 'lengths' | 'size'>,
    extra: Record<string, Values> = {},
  ): Promise<Record<string, Float32Array>> {
    const validity = validityFeeds(this.description, this.batchSize, lengths).feeds;
    const feeds: Record<string, Values> = { ...validity, ...extra };
    for (const [name, length] of Object.entries(this.inputLengths)) {
      const given = signals[name];
      ensure(given, () => `The model takes "${name}", which was not given.`);
      feeds[name] = given.length === length ? given : padded(given, length);
    }
    const results = await this.program.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, values]) => [
        name,
        (values as Float32Array).subarray(0, (values.length / this.batchSize) * size),
      ]),
    );
  }

  /** Gives the program with its parameters back; the engine lives on. */
  async dispose(): Promise<void> {
    await this.program.dispose();
  }
}

/** Bytes of parameters that a program can hold: a compiled graph is one message of at most 2 GiB. */
const LARGEST_PROGRAM = 1.9e9;

/**
 * Compiles a graph of the model with its parameters fixed in it, which is faster by a tenth to a half than parameters in
 * buffers. Where they are too large for that they are written to buffers of the program's own.
 */
export async function compileModel(engine: Engine, graph: Graph, model: TrainedModel): Promise<Program> {
  const parameters = new Map<string, Float32Array>();
  for (const name of graph.inputs.keys()) {
    if (name.startsWith(PARAMETER)) parameters.set(name, model.parameters.get(name.slice(PARAMETER.length))!);
  }
  const bytes = [...parameters.values()].reduce((sum, values) => sum + values.byteLength, 0);
  if (bytes <= LARGEST_PROGRAM) return engine.compile(graph, {}, parameters);
  const buffers = Object.fromEntries([...parameters.keys()].map((name) => [name, `model${nextModel}/${name}`]));
  nextModel++;
  await engine.write(
    Object.fromEntries(
      [...parameters].map(([name, values]) => [buffers[name], { type: graph.inputs.get(name)!, values }]),
    ),
  );
  const program = await engine.compile(graph, { inputs: buffers });
  return {
    ...program,
    dispose: async () => {
      await program.dispose();
      await engine.free(Object.values(buffers));
    },
  };
}

let nextModel = 0;

function padded(values: Float32Array, length: number): Float32Array {
  const out = new Float32Array(length);
  out.set(values);
  return out;
}

/**
 * Runs a model over a data set in stored order, batch by batch. Nothing is masked, nothing is random.
 * @param visit told of each batch and what the model makes of it
 * @returns what was left out
 */
export async function overBatches(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize: number,
  build: Build,
  visit: (batch: Batch, results: Record<string, Float32Array>) => void,
  watch?: Watch,
): Promise<LeftOut> {
  const runner = await Runner.create(engine, model, batchSize, build);
  const loader = createLoader(dataset, {
    reader: readerOf(model.description),
    batchSize,
    shuffle: false,
    key: keyFrom(0),
  });
  let done = 0;
  try {
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      visit(batch, await runner.run(batch));
      done += batch.size;
      watch?.(`${kindOf(dataset).noun}s of ${dataset.split}`, done, dataset.size);
    }
  } finally {
    await loader.close();
    await runner.dispose();
  }
  return { skipped: loader.skipped, flawed: loader.flawed };
}

/** One output of the model for every example of a data set, in stored order: `[N, …]`. */
export async function overDataset(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize: number,
  build: (scope: Scope, inputs: Record<string, Tensor>) => Tensor,
  watch?: Watch,
): Promise<
  LeftOut & {
    values: Float32Array;
    labels: Int32Array;
    /** `[N, classes]` of 0 and 1, where several classes may apply. */
    tags: Float32Array;
    ids: Int32Array;
  }
> {
  const parts: Record<'values' | 'tags', Float32Array[]> = { values: [], tags: [] };
  const labels: number[] = [];
  const ids: number[] = [];
  const leftOut = await overBatches(
    model,
    dataset,
    engine,
    batchSize,
    (scope, inputs) => ({ result: build(scope, inputs) }),
    (batch, { result }) => {
      parts.values.push(result);
      if (batch.labels) labels.push(...batch.labels);
      if (batch.tags) parts.tags.push(batch.tags);
      ids.push(...batch.ids);
    },
    watch,
  );
  return {
    values: joined(parts.values),
    labels: Int32Array.from(labels),
    tags: joined(parts.tags),
    ids: Int32Array.from(ids),
    ...leftOut,
  };
}

function joined(parts: Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
