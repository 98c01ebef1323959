/** A model's graph compiled for several batch sizes. */
import type { Engine, Program } from '../../engine/index.js';
import { Graph, type Tensor, type TensorType } from '../../graph/index.js';
import { PARAMETER, Scope } from '../../nn/index.js';
import type { TrainedModel } from '../../tasks/index.js';
import { checkParameters } from '../../tasks/loadModel.js';
import { compileModel } from '../../tasks/runner.js';
import { modelInputs } from '../../training/index.js';
import { batchSizes, planRuns } from '../batchPlan.js';
import { cutOutputs, stackFeeds } from './batchFeeds.js';
import type { Feeds, Outputs } from './servedModel.js';

/** Builds outputs `[B, …]` from the signals of a batch; further inputs are made on the way. */
export type Build = (scope: Scope, inputs: Record<string, Tensor>, batchSize: number) => Record<string, Tensor>;

interface Sized {
  program: Program;
  inputs: Map<string, TensorType>;
}

/** Runs that are timed after one that warms up: the fastest counts, for other work on the machine only adds. */
const TIMED_RUNS = 2;

/** Bytes of a model's weights. */
export function weightBytes({ parameters }: Pick<TrainedModel, 'parameters'>): number {
  return [...parameters.values()].reduce((sum, values) => sum + values.byteLength, 0);
}

/** One graph of a model, for any number of examples. */
export class CompiledProgram {
  private constructor(
    private readonly sizes: ReadonlyMap<number, Sized>,
    private readonly times: ReadonlyMap<number, number>,
  ) {}

  /** Compiles for up to `batchSize` examples at a time, and measures how long each batch size takes. */
  static async create(engine: Engine, model: TrainedModel, batchSize: number, build: Build): Promise<CompiledProgram> {
    const sizes = new Map<number, Sized>();
    const times = new Map<number, number>();
    for (const size of batchSizes(batchSize, weightBytes(model))) {
      const scope = Scope.root();
      const graph = Graph.of(build(scope, modelInputs(model.description, size), size));
      checkParameters(scope.needs, model.parameters, model.path);
      const program = await compileModel(engine, graph, model);
      const inputs = new Map([...graph.inputs].filter(([name]) => !name.startsWith(PARAMETER)));
      sizes.set(size, { program, inputs });
      const blank = stackFeeds(inputs, []);
      await program.run(blank);
      let fastest = Number.POSITIVE_INFINITY;
      for (let i = 0; i < TIMED_RUNS; i++) {
        const start = performance.now();
        await program.run(blank);
        fastest = Math.min(fastest, performance.now() - start);
      }
      times.set(size, fastest);
    }
    return new CompiledProgram(sizes, times);
  }

  /** Computes examples in the runs that take the least time. */
  async run(examples: readonly Feeds[]): Promise<Outputs[]> {
    const results: Outputs[] = [];
    for (const size of planRuns(examples.length, this.times)) {
      const { program, inputs } = this.sizes.get(size)!;
      const part = examples.slice(results.length, results.length + size);
      const outputs = await program.run(stackFeeds(inputs, part));
      results.push(...cutOutputs(outputs, size, part.length));
    }
    return results;
  }

  /** Runs the smallest batch on zeros. */
  async probe(): Promise<void> {
    const [{ program, inputs }] = this.sizes.values();
    await program.run(stackFeeds(inputs, []));
  }

  /** Gives the memory of all sizes back. */
  async dispose(): Promise<void> {
    for (const { program } of this.sizes.values()) await program.dispose();
  }
}
