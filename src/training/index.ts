/** Training from a recipe: the loop, its state, its logs. */

export { loadRecipe, recipeNames } from './loadRecipe.js';
export { readMetrics } from './log/index.js';
export { ensureFits, planTraining, type TrainingPlan } from './plan.js';
export * from './portable.js';
export { pretrain } from './pretrain.js';
export { type RunOptions, runFolder } from './run.js';
export { modalitiesOf, normalizationOf, openSplit, prepareSignals, readerOf, trainingLoader } from './signals.js';
export { suggestFinetuning, suggestPretraining, suggestScratch } from './suggest.js';
export { type TrainingResult, type TrainingRun, train } from './train.js';
