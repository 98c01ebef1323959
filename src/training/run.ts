/** What every run of a recipe shares, whatever it learns: its folder, its plan, its first values, its engine. */
import { join } from 'node:path';
import type { Dataset, Reader } from '../data/index.js';
import { createEngine, type Engine } from '../engine/index.js';
import { initialize } from '../nn/index.js';
import { fold, keyFrom } from '../random/index.js';
import type { ModelDescription } from './description.js';
import type { BuildObjective } from './objective.js';
import { ensureFits, planTraining, type TrainingPlan } from './plan.js';
import type { Recipe } from './recipe.js';
import { remembered } from './recipePrograms.js';
import { trainingLoader } from './signals.js';
import type { TrainingRun } from './train.js';

/** Options of a run that are no part of the experiment. */
export interface RunOptions {
  /** An engine that runs already; otherwise one is started for the run. */
  engine?: Engine;
  /** Aborting it ends the run after the step at hand, saved. */
  signal?: AbortSignal;
  /** Write no progress. */
  quiet?: boolean;
  /** Shown before the progress bar. */
  label?: string;
  /** Hears what the run will take, before it begins. */
  onPlan?(plan: TrainingPlan): void;
}

/** The folder that a recipe's run is kept in. */
export function runFolder({ name, training }: Recipe): string {
  return training.out || join('runs', name);
}

/**
 * Plans a run on examples, tells `options.onPlan`, and makes all that `train` needs but the engine.
 * @param buildAnew the objective for a batch size, and what is computed again
 * @throws HiperceiverError where the run does not fit into memory
 */
export function prepareRun(
  recipe: Recipe,
  { dataset, reader, remarks = [] }: { dataset: Dataset; reader: Reader; remarks?: readonly string[] },
  description: ModelDescription,
  buildAnew: BuildObjective,
  options: RunOptions,
): Omit<TrainingRun, 'engine'> {
  const folder = runFolder(recipe);
  const build = remembered(buildAnew);
  const plan = planTraining(
    recipe,
    { description, folder, images: dataset.size, remarks: [...dataset.remarks, ...remarks] },
    build,
  );
  options.onPlan?.(plan);
  ensureFits(plan, build);
  const objective = build(recipe.training.batchSize, plan.rematerialize);
  return {
    recipe,
    folder,
    description,
    objective,
    initial: () => initialize(objective.needs.parameters, fold(keyFrom(recipe.training.seed), 'parameters')),
    openLoader: (startBatch, key) => trainingLoader(dataset, recipe, reader, startBatch, key),
    signal: options.signal,
    label: options.label,
    quiet: options.quiet,
  };
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
