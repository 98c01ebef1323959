/** Checkpoints with initial weights: what a model costs does not depend on what it learned. */
import { saveCheckpoint } from '../src/checkpoint/index.js';
import type { Reader } from '../src/data/index.js';
import { initialize, Scope } from '../src/nn/index.js';
import { keyFrom } from '../src/random/index.js';
import { classify, features } from '../src/tasks/index.js';
import {
  applyModel,
  describeModel,
  modelInputs,
  type PartialRecipe,
  resolveRecipe,
  toConfig,
} from '../src/training/index.js';

/** Which model. */
export interface FreshOptions {
  /** Height and width of its images, and their channels. */
  imageSize: [height: number, width: number];
  channels: number;
  /** With them a classifier, without them an auto-encoder. */
  classes?: string[];
  model?: PartialRecipe['model'];
  masking?: PartialRecipe['masking'];
  seed?: number;
}

/** Writes a checkpoint folder. */
export async function freshCheckpoint(folder: string, options: FreshOptions): Promise<void> {
  const { imageSize, channels, classes, model, masking, seed = 0 } = options;
  const recipe = resolveRecipe({ name: 'fresh', model: { name: 'hip', variant: 'tiny', ...model }, masking });
  const reader: Reader = { kind: 'image', imageSize, channels, crop: 'center', flip: false, mean: [0.5], std: [0.25] };
  const modalities = [{ name: 'image', indexShape: imageSize, channels }];
  const description = { ...describeModel(recipe, modalities, reader), classes };
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
