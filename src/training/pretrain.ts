/** Masked pre-training from a recipe. */
import { plainReader } from '../data/index.js';
import { describeModel, type ModelDescription } from './description.js';
import type { BuildObjective } from './objective.js';
import { pretrainingObjective } from './pretraining.js';
import type { Recipe } from './recipe.js';
import { prepareRun, type RunOptions, withEngine } from './run.js';
import { partialOf, prepareSignals } from './signals.js';
import { type TrainingResult, train } from './train.js';

/** Trains a model to reconstruct what is masked. Returns where the checkpoint is and how it went. */
export async function pretrain(
  recipe: Recipe,
  options: RunOptions = {},
): Promise<TrainingResult & { description: ModelDescription }> {
  const { dataset, modalities, reader } = await prepareSignals(recipe);
  const description = describeModel(recipe, modalities, plainReader(reader), partialOf(recipe, reader));
  const build: BuildObjective = (...how) => pretrainingObjective(description, recipe.masking, ...how);
  const run = prepareRun(recipe, { dataset, reader }, description, build, options);
  const result = await withEngine(recipe, options.engine, (engine) => train({ ...run, engine }));
  return { ...result, description };
}
