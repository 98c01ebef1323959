/** The examples that a trained model is tried on. */
import { type Dataset, openData } from '../data/index.js';
import { ensure } from '../errors/index.js';
import { defaultRecipe } from '../training/recipe.js';
import { readerOf } from '../training/signals.js';
import type { LoadedModel } from './loadModel.js';

/** Which examples. */
export interface OpenDataOfOptions {
  /** Default: the data that the model was trained on. */
  path?: string;
  /** `train`, `val`, `test`, or a stored split's name. Default `test`: the stored one, or what the training held out. */
  split?: string;
  /** At most so many examples, drawn by the model's seed. */
  limit?: number;
}

/**
 * Opens examples for a model, read as those of its training. Where no test split is stored, the very examples that its
 * training held out make one.
 */
export function openDataOf(
  { path: where, recipe, description }: Pick<LoadedModel, 'path' | 'recipe' | 'description'>,
  { path = recipe?.data.path, split = 'test', limit }: OpenDataOfOptions = {},
): Promise<Dataset> {
  ensure(path, () => `${where} does not say what it was trained on: name the data with --data.`);
  const { data, training } = recipe ?? defaultRecipe;
  const reader = readerOf(description);
  return openData(path, {
    kind: reader.kind,
    label: data.label || undefined,
    tile: reader.kind === 'bands' ? reader.imageSize : undefined,
    ignore: data.ignore?.length > 0 ? data.ignore : undefined,
    split,
    validationFraction: data.validationFraction,
    seed: training.seed,
    limit,
  });
}
