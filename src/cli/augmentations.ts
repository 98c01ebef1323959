/** What `hip visualize augmentations` shows: a recipe's data, or data as `hip pretrain` would take them. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { KindName } from '../data/index.js';
import { loadRecipe, type Recipe, recipeNames, resolveRecipe, suggestPretraining } from '../training/index.js';

/** Options that make the reading of each kind random, for people whose recipe has none. */
export const randomOptions: Record<KindName, string> = {
  image: '--data.crop randomResized --augment.randAugment 9',
  segmentation: '--data.crop randomResized --data.flip true',
  audio: '--data.crop random --audio.shift 0.1 --audio.gain 6',
  video: '--data.crop randomResized --audio.gain 6',
  points: '--points.rotate z --points.scale 0.8,1.25 --points.jitter 0.01',
  bands: '--data.crop randomResized --data.flip true',
};

/** The recipe that was named, or one for the data set at that path. */
export async function dataRecipe(source: string, overrides: Record<string, string>): Promise<Recipe> {
  const isRecipe = /\.(m?[jt]s|json)$/.test(source) || (!existsSync(source) && recipeNames().includes(source));
  if (isRecipe) return resolveRecipe(await loadRecipe(source), overrides);
  const typed = { ...overrides, 'data.path': source };
  // What is suggested suits the kind that is found by looking.
  const suited = overrides['data.kind'] ? { name: basename(resolve(source)) } : await suggestPretraining(source);
  return resolveRecipe(suited, typed);
}
