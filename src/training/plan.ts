/** What a run will take, known before it starts. */
import { countParameters } from '../nn/index.js';
import type { ModelDescription } from './description.js';
import type { Objective } from './objective.js';
import { learnerOptions } from './optimization.js';
import { trainingPrograms } from './programs.js';
import type { Recipe } from './recipe.js';

export interface TrainingPlan {
  recipe: Recipe;
  description: ModelDescription;
  /** Folder of the run. */
  folder: string;
  /** Training images. */
  images: number;
  /** Values of the model, and those of them that are trained. */
  parameters: number;
  trainedParameters: number;
  /** Floating-point operations (products and convolutions) of one optimiser update, accumulated batches included. */
  flopsPerStep: number;
}

/** Plans a run: builds its objective and its graphs, which takes milliseconds and no memory. */
export function planTraining<O extends Objective>(
  recipe: Recipe,
  about: Pick<TrainingPlan, 'description' | 'folder' | 'images'>,
  build: (batchSize: number) => O,
): { plan: TrainingPlan; objective: O } {
  const { batchSize, accumulation } = recipe.training;
  const objective = build(batchSize);
  const { gradient, trained } = trainingPrograms(objective, learnerOptions(recipe, objective.needs));
  const plan = {
    recipe,
    ...about,
    parameters: countParameters(objective.needs),
    trainedParameters: countParameters({ parameters: new Map(trained.map((p) => [p.name, p])) }),
    flopsPerStep: gradient.graph.flops * accumulation,
  };
  return { plan, objective };
}
