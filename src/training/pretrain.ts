/** Pre-training from a recipe. */
import { mixes, plainReader } from '../data/index.js';
import { ensure } from '../errors/index.js';
import { beginningsOf, begunWith } from './beginnings.js';
import { describeModel, type ModelDescription } from './description.js';
import type { BuildObjective } from './objective.js';
import { pretrainingObjective } from './pretraining.js';
import type { Recipe } from './recipe.js';
import { prepareRun, type RunOptions, withEngine } from './run.js';
import { partialOf, prepareSignals } from './signals.js';
import { type TrainingResult, train } from './train.js';

/** Trains a model on signals without labels. Returns where the checkpoint is and how it went. */
export async function pretrain(
  recipe: Recipe,
  options: RunOptions = {},
): Promise<TrainingResult & { description: ModelDescription }> {
  ensure(
    !mixes(recipe.augment),
    () => 'augment.mixup and augment.cutmix mix classes, and pre-training has none: set them to 0.',
  );
  const { dataset, modalities, reader } = await prepareSignals(recipe);
  const asked = describeModel(recipe, modalities, plainReader(reader), partialOf(recipe, reader));
  const { description, values, remarks } = await beginningsOf(recipe, asked);
  const build: BuildObjective = (...how) => pretrainingObjective(description, recipe.masking, ...how);
  const run = prepareRun(recipe, { dataset, reader, remarks }, description, build, options);
  const { from, tokenizer } = recipe.model;
  const initial = () => (values.size > 0 ? begunWith(run.initial(), values, from || tokenizer) : run.initial());
  const result = await withEngine(recipe, options.engine, (engine) => train({ ...run, initial, engine }));
  return { ...result, description };
}
