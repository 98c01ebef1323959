/** Checkpoints with initial weights: what a model costs does not depend on what it learned. */
import { saveCheckpoint } from '../src/checkpoint/index.js';
import { kindOf, partialSignals, type Reader } from '../src/data/index.js';
import { initialize, Scope } from '../src/nn/index.js';
import { keyFrom } from '../src/random/index.js';
import { classify, features } from '../src/tasks/index.js';
import {
  applyModel,
  describeModel,
  type ModelDescription,
  modelInputs,
  type PartialRecipe,
  resolveRecipe,
  toConfig,
} from '../src/training/index.js';

/** Which model. */
export interface FreshOptions {
  /** What it takes, and how that is read; see {@link imageReader}. */
  reader: Reader;
  /** With them a classifier, without them an auto-encoder. */
  classes?: string[];
  /** Default: classification. */
  task?: ModelDescription['task'];
  model?: PartialRecipe['model'];
  masking?: PartialRecipe['masking'];
  seed?: number;
}

/** Images of one size, their pixels brought to about -2 … 2. */
export function imageReader(height: number, width: number, channels = 3): Reader {
  return { kind: 'image', imageSize: [height, width], channels, crop: 'center', flip: false, mean: [0.5], std: [0.25] };
}

/** Writes a checkpoint folder. */
export async function freshCheckpoint(folder: string, options: FreshOptions): Promise<void> {
  const { reader, classes, task, model, masking, seed = 0 } = options;
  const recipe = resolveRecipe({ name: 'fresh', model: { name: 'hip', variant: 'tiny', ...model }, masking });
  const description = {
    ...describeModel(recipe, kindOf(reader).shapes(reader), reader, partialSignals(reader)),
    classes,
    task,
  };
  const scope = Scope.root();
  const inputs = modelInputs(description, 1);
  if (classes) classify(description, scope, inputs);
  else {
    features(description, scope, inputs);
    applyModel(description, scope, inputs);
  }
  const values = initialize(scope.needs.parameters, keyFrom(seed));
  const parameters = new Map(
    [...scope.needs.parameters.values()].map(({ name, shape }) => [
      name,
      { dtype: 'F32' as const, shape: [...shape], data: values.get(name)! },
    ]),
  );
  await saveCheckpoint(folder, { config: toConfig(description, recipe), parameters });
}
