/** Which recipe a training command runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensure } from '../errors/index.js';
import { type SystemName, systemByName } from '../models/index.js';
import { loadRecipe, type Recipe, type RecipeFile, resolveRecipe } from '../training/index.js';

/**
 * The named recipe; else, with `--resume`, the one that the run's folder keeps; else what `suggest` makes of the data.
 * @param overrides what was typed; applied to whichever it is
 */
export async function chooseRecipe(
  task: Recipe['task'],
  name: string | undefined,
  overrides: Record<string, string>,
  suggest: (data: string | undefined, system: SystemName | undefined) => Promise<RecipeFile>,
): Promise<Recipe> {
  const { 'training.out': out, 'training.resume': resume, 'data.path': data, 'model.name': named } = overrides;
  const system = named === undefined ? undefined : (systemByName(named).name as SystemName);
  const kept = resume === 'true' && out ? join(out, 'recipe.json') : undefined;
  const file = name ?? (kept !== undefined && existsSync(kept) ? kept : undefined);
  const recipe = resolveRecipe(file !== undefined ? await loadRecipe(file) : await suggest(data, system), overrides);
  const other = recipe.task === 'pretrain' ? 'pretrain' : 'finetune';
  ensure(recipe.task === task, () => `The recipe ${file} is for another task: use hip ${other} ${file}.`);
  return recipe;
}
