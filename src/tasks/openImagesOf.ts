/** The images that a trained model is tried on. */
import { type Dataset, openImages } from '../data/index.js';
import { ensure } from '../errors/index.js';
import { defaultRecipe } from '../training/index.js';
import type { LoadedModel } from './loadModel.js';

/** Which images. */
export interface OpenImagesOfOptions {
  /** Default: the data that the model was trained on. */
  path?: string;
  /** `train`, `val`, `test`, or a stored split's name. Default `test`: the stored one, or what the training held out. */
  split?: string;
  /** At most so many examples, drawn by the model's seed. */
  limit?: number;
}

/** Opens images for a model. Where no test split is stored, the very examples that its training held out make one. */
export function openImagesOf(
  { path: where, recipe }: Pick<LoadedModel, 'path' | 'recipe'>,
  { path = recipe?.data.path, split = 'test', limit }: OpenImagesOfOptions = {},
): Promise<Dataset> {
  ensure(path, () => `${where} does not say what it was trained on: name the images with --data.`);
  const { validationFraction } = recipe?.data ?? defaultRecipe.data;
  const { seed } = recipe?.training ?? defaultRecipe.training;
  return openImages(path, { split, validationFraction, seed, limit });
}
