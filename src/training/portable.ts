/** What of training needs no files, and so works in a browser too. */

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
  validityFeeds,
  validityInputs,
} from './description.js';
export { Learner, type Snapshot } from './learner.js';
export type { Objective } from './objective.js';
export { isPositionTable, learnerOptions, scheduleOf } from './optimization.js';
export { buildPretraining, pretrainingObjective } from './pretraining.js';
export { type LearnerOptions, type TrainingPrograms, trainingPrograms } from './programs.js';
export { defaultRecipe, defineRecipe, type PartialRecipe, type Recipe, type RecipeFile } from './recipe.js';
export { resolveRecipe } from './resolveRecipe.js';
