/** Masked pre-training from a recipe. */
import { join } from 'node:path';
import { createEngine, type Engine } from '../engine/index.js';
import { initialize } from '../nn/index.js';
import { fold, keyFrom } from '../random/index.js';
import { autoencodingObjective } from './autoencoding.js';
import { describeModel, type ModelDescription } from './description.js';
import { prepareImages, trainingLoader } from './images.js';
import { ensureFits, planTraining, type TrainingPlan } from './plan.js';
import type { Recipe } from './recipe.js';
import { type TrainingResult, train } from './train.js';

/** Options of a run that are no part of the experiment. */
export interface RunOptions {
  /** An engine that runs already; otherwise one is started for the run. */
  engine?: Engine;
  signal?: AbortSignal;
  quiet?: boolean;
  label?: string;
  /** Hears what the run will take, before it begins. */
  onPlan?(plan: TrainingPlan): void;
}

/** The folder that a recipe's run is kept in. */
export function runFolder({ name, training }: Recipe): string {
  return training.out || join('runs', name);
}

/** Trains a model to reconstruct what is masked. Returns where the checkpoint is and how it went. */
export async function pretrain(
  recipe: Recipe,
  options: RunOptions = {},
): Promise<TrainingResult & { description: ModelDescription }> {
  const { dataset, modality, normalization } = await prepareImages(recipe);
  const description = describeModel(recipe, [modality], normalization);
  const build = (batchSize: number) => autoencodingObjective(description, recipe.masking, batchSize);
  const folder = runFolder(recipe);
  const plan = planTraining(recipe, { description, folder, images: dataset.size }, build);
  options.onPlan?.(plan);
  ensureFits(plan, build);
  const objective = build(recipe.training.batchSize);
  const result = await withEngine(recipe, options.engine, (engine) =>
    train({
      ...options,
      recipe,
      folder,
      description,
      objective,
      engine,
      initial: initialize(objective.needs.parameters, fold(keyFrom(recipe.training.seed), 'parameters')),
      openLoader: (startBatch, key) => trainingLoader(dataset, recipe, description, startBatch, key),
    }),
  );
  return { ...result, description };
}

/** Uses the given engine, or one of the recipe's device that ends afterwards. */
export async function withEngine<T>(
  recipe: Recipe,
  engine: Engine | undefined,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  if (engine) return use(engine);
  await using own = await createEngine(recipe.training);
  return await use(own);
}
