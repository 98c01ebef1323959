/** A recipe's objective and programs, made once: to plan the run, and to train. */
import type { BuildObjective, Objective } from './objective.js';
import { learnerOptions } from './optimization.js';
import { type TrainingPrograms, trainingPrograms } from './programs.js';
import type { Recipe } from './recipe.js';

const made = new WeakMap<Objective, TrainingPrograms>();

/** The programs of a recipe's objective. */
export function recipePrograms(recipe: Recipe, objective: Objective): TrainingPrograms {
  const programs = made.get(objective) ?? trainingPrograms(objective, learnerOptions(recipe, objective.needs));
  made.set(objective, programs);
  return programs;
}

/** Gives the same objective for the same arguments. */
export function remembered(build: BuildObjective): BuildObjective {
  const built = new Map<string, Objective>();
  return (batchSize, rematerialize) => {
    const key = `${batchSize} ${rematerialize}`;
    const objective = built.get(key) ?? build(batchSize, rematerialize);
    built.set(key, objective);
    return objective;
  };
}
