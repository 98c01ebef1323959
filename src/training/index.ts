/** Training from a recipe: the loop, its state, its logs. */
export { autoencodingObjective } from './autoencoding.js';
export {
  applyModel,
  describeModel,
  fromConfig,
  imageInput,
  inputShapes,
  type ModelDescription,
  modelInputs,
  systemOf,
  toConfig,
} from './description.js';
export { openSplit, prepareImages, trainingLoader, transformFor } from './images.js';
export { Learner, type Snapshot } from './learner.js';
export { loadRecipe, recipeNames } from './loadRecipe.js';
export { readMetrics } from './log/index.js';
export type { Objective } from './objective.js';
export { isPositionTable, learnerOptions, scheduleOf } from './optimization.js';
export { ensureFits, planTraining, type TrainingPlan } from './plan.js';
export { pretrain } from './pretrain.js';
export { type LearnerOptions, trainingPrograms } from './programs.js';
export { defaultRecipe, defineRecipe, type PartialRecipe, type Recipe, type RecipeFile } from './recipe.js';
export { resolveRecipe } from './resolveRecipe.js';
export { type RunOptions, runFolder } from './run.js';
export { suggestFinetuning, suggestPretraining, suggestScratch } from './suggest.js';
export { type TrainingResult, type TrainingRun, train } from './train.js';
