/** A trained model from a checkpoint. */
import { loadCheckpoint, toFloat32 } from '../checkpoint/index.js';
import { ensure } from '../errors/index.js';
import { show, sizeOf } from '../graph/index.js';
import type { ModelNeeds } from '../nn/index.js';
import { fromConfig, type ModelDescription } from '../training/description.js';
import type { Recipe } from '../training/recipe.js';

/** A trained model in memory: all that is needed to run it. */
export interface TrainedModel {
  /** Where it came from, for messages. */
  path: string;
  description: ModelDescription;
  parameters: ReadonlyMap<string, Float32Array>;
}

/** A model as a checkpoint keeps it. */
export interface LoadedModel extends TrainedModel {
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
  { parameters: needed }: Pick<ModelNeeds, 'parameters'>,
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
