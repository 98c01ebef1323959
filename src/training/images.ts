/** Images as a recipe asks for them: the data set, the modality it makes, and loaders. */
import {
  channelStatistics,
  commonShape,
  createLoader,
  type ImageDataset,
  type Loader,
  openImages,
  type TransformOptions,
} from '../data/index.js';
import { ensure } from '../errors/index.js';
import type { Modality } from '../models/index.js';
import type { Key } from '../random/index.js';
import { imageInput, type ModelDescription } from './description.js';
import type { Recipe } from './recipe.js';

/** Training images, and what they are as a model's input. */
export interface PreparedImages {
  dataset: ImageDataset;
  modality: Modality;
  normalization: ModelDescription['normalization'];
}

/** Opens a split of the recipe's data. */
export function openSplit(
  { data, training }: Pick<Recipe, 'data' | 'training'>,
  split: 'train' | 'test',
): Promise<ImageDataset> {
  ensure(data.path, () => 'No data set was named: give a folder of images with --data.');
  const limit = split === 'train' && data.limit > 0 ? data.limit : undefined;
  return openImages(data.path, { split, validationFraction: data.validationFraction, limit, seed: training.seed });
}

/** Opens the training split and settles image size, channels and normalisation. */
export async function prepareImages(recipe: Recipe): Promise<PreparedImages> {
  const dataset = await openSplit(recipe, 'train');
  const { imageSize, channels, mean, std } = recipe.data;
  const shape = imageSize === 0 || channels === 0 ? await commonShape(dataset) : undefined;
  ensure(
    imageSize !== 0 || shape,
    () => `The images of ${dataset.path} have different sizes: choose one with --image-size 224.`,
  );
  const [height, width] =
    imageSize === 0
      ? [shape!.height, shape!.width]
      : typeof imageSize === 'number'
        ? [imageSize, imageSize]
        : imageSize;
  const count = channels === 0 ? Math.min(3, shape?.channels ?? 3) : channels;
  const measured = mean.length > 0 && std.length > 0 ? undefined : await channelStatistics(dataset, 512, count);
  return {
    dataset,
    modality: { name: 'image', indexShape: [height, width], channels: count },
    normalization: { mean: mean.length > 0 ? mean : measured!.mean, std: std.length > 0 ? std : measured!.std },
  };
}

/** Shuffled, augmented batches from a step on. */
export function trainingLoader(
  dataset: ImageDataset,
  recipe: Recipe,
  description: ModelDescription,
  startStep: number,
  key: Key,
): Loader {
  const { crop, cropScale, flip, workers } = recipe.data;
  return createLoader(dataset, {
    ...transformFor(description),
    crop,
    cropScale,
    flip,
    batchSize: recipe.training.batchSize,
    shuffle: true,
    key,
    startStep,
    ...(workers >= 0 ? { workers } : {}),
  });
}

/** How a model's images are made without anything random: resized, cut out in the middle, normalised. */
export function transformFor(description: ModelDescription): TransformOptions {
  const { height, width, channels } = imageInput(description);
  return { imageSize: [height, width], channels, crop: 'center', flip: false, ...description.normalization };
}
