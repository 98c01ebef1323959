/** A trained model from a checkpoint, ready to run. */
import { loadCheckpoint, toFloat32 } from '../checkpoint/index.js';
import type { Engine, Program } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { Graph, input, show, sizeOf, type Tensor, type Values } from '../graph/index.js';
import { type ModelNeeds, PARAMETER, Scope } from '../nn/index.js';
import { fromConfig, inputShapes, type ModelDescription } from '../training/description.js';
import type { Recipe } from '../training/recipe.js';

export interface LoadedModel {
  /** Where it came from, for messages. */
  path: string;
  description: ModelDescription;
  parameters: Map<string, Float32Array>;
  /** The recipe that it was trained with. */
  recipe?: Recipe;
  /** Updates made. */
  step?: number;
}

/** Loads a checkpoint folder, a run folder or a safetensors file beside config.json; the moving average where there is one and it is wanted. */
export async function loadModel(path: string, { ema = true } = {}): Promise<LoadedModel> {
  const checkpoint = await loadCheckpoint(path, {
    parts: ema ? ['parameters', 'ema', 'trainer'] : ['parameters', 'trainer'],
  });
  const chosen = checkpoint.ema ?? checkpoint.parameters;
  return {
    path,
    description: fromConfig(checkpoint.config, path),
    parameters: new Map([...chosen].map(([name, t]) => [name, toFloat32(t)])),
    recipe: checkpoint.config.recipe as Recipe | undefined,
    step: checkpoint.trainer?.step as number | undefined,
  };
}

/** Throws one sentence where a model that was built needs parameters that are not there or have other sizes. */
export function checkParameters(
  { parameters: needed }: ModelNeeds,
  given: ReadonlyMap<string, Float32Array>,
  where: string,
): void {
  for (const { name, shape } of needed.values()) {
    const values = given.get(name);
    ensure(values, () => `${where} has no parameter "${name}" ${show(shape)}: it was made with another architecture.`);
    ensure(
      values.length === sizeOf(shape),
      () => `${where}: parameter "${name}" holds ${values.length} numbers where ${show(shape)} is needed.`,
    );
  }
}

/** Builds outputs from a scope and the model's inputs; both are used for inference alone. */
export type Build = (scope: Scope, inputs: Record<string, Tensor>) => Record<string, Tensor>;

/** A model compiled for batches of one size; its parameters stay on the device. */
export class Runner {
  private constructor(
    private readonly engine: Engine,
    private readonly program: Program,
    private readonly names: string[],
    readonly batchSize: number,
    private readonly inputLengths: Record<string, number>,
  ) {}

  /** Compiles what `build` makes of the model. Randomness is off: nothing is dropped, nothing is masked. */
  static async create(
    engine: Engine,
    model: Pick<LoadedModel, 'description' | 'parameters' | 'path'>,
    batchSize: number,
    build: Build,
  ): Promise<Runner> {
    const scope = Scope.root();
    const shapes = inputShapes(model.description, batchSize);
    const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]));
    const outputs = build(scope, inputs);
    checkParameters(scope.needs, model.parameters, model.path);
    const graph = Graph.of(outputs);
    const needed = [...scope.needs.parameters.values()].filter((p) => graph.inputs.has(PARAMETER + p.name));
    // Each runner keeps parameters of its own, so that several models can live on one engine.
    const prefix = `runner${nextRunner++}/`;
    await engine.write(
      Object.fromEntries(
        needed.map((p) => [
          prefix + p.name,
          { type: { shape: p.shape, dtype: 'f32' as const }, values: model.parameters.get(p.name)! },
        ]),
      ),
    );
    const program = await engine.compile(graph, {
      inputs: Object.fromEntries(needed.map((p) => [PARAMETER + p.name, prefix + p.name])),
    });
    const lengths = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, sizeOf(shape)]));
    return new Runner(
      engine,
      program,
      needed.map((p) => prefix + p.name),
      batchSize,
      lengths,
    );
  }

  /** Runs up to `batchSize` examples; results hold as many rows as `size`. Further inputs (masks) go in `extra`. */
  async run(
    signals: Record<string, Float32Array>,
    size: number,
    extra: Record<string, Values> = {},
  ): Promise<Record<string, Float32Array>> {
    const feeds: Record<string, Values> = { ...extra };
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

  async dispose(): Promise<void> {
    await this.program.dispose();
    await this.engine.free(this.names);
  }
}

let nextRunner = 0;

function padded(values: Float32Array, length: number): Float32Array {
  const out = new Float32Array(length);
  out.set(values);
  return out;
}
