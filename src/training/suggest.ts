/** Recipes for people who name only their data: sound beginnings, to be overridden at will. */
import { basename, resolve } from 'node:path';
import { loadCheckpoint } from '../checkpoint/index.js';
import { commonShape, openImages } from '../data/index.js';
import { fromConfig, imageInput } from './description.js';
import type { Recipe, RecipeFile } from './recipe.js';

/** Images up to this side are taken as they are stored; larger ones, or those of different sizes, are cut and resized to it. */
const LARGEST_SIDE = 64;
/** Up to so many pixels our smallest variant learns fastest. */
const LARGEST_TINY = 1024;

/**
 * Masked pre-training of one of our own variants on a folder or file of images, at rates that let positions order
 * themselves: the tables begin small and learn ten times faster than the rest.
 * @throws HiperceiverError where there are no images at `path`
 */
export async function suggestPretraining(path: string): Promise<RecipeFile> {
  const dataset = await openImages(path);
  const shape = await commonShape(dataset);
  const small = shape !== undefined && Math.max(shape.height, shape.width) <= LARGEST_SIDE;
  const [height, width] = small ? [shape.height, shape.width] : [LARGEST_SIDE, LARGEST_SIDE];
  const grey = shape?.channels === 1;
  return {
    name: basename(resolve(path)).replace(/\..*$/, '') || 'images',
    task: 'pretrain',
    data: {
      path,
      imageSize: [height, width],
      channels: grey ? 1 : 3,
      crop: small ? 'none' : 'randomResized',
      // Digits and letters are not the same when mirrored; photographs are.
      flip: !grey,
    },
    model: { name: 'hip', variant: height * width <= LARGEST_TINY ? 'tiny' : 'small', positionInitScale: 0.3 },
    masking: { scheme: 'group', ratio: 0.85, input: 'drop', reconstruct: 'masked' },
    optimizer: { learningRate: 3e-3, positionLearningRateScale: 10, warmupSteps: 50, weightDecay: 0.01 },
    training: { steps: 2000, batchSize: 16 },
  };
}

/**
 * Classification with the model of a checkpoint, fed as it was pre-trained.
 * @param path the labelled images; without it the data of the pre-training
 */
export async function suggestFinetuning(from: string, path?: string): Promise<RecipeFile> {
  const { config } = await loadCheckpoint(from, { parts: [] });
  const description = fromConfig(config, from);
  const { height, width, channels } = imageInput(description);
  const before = config.recipe as Recipe | undefined;
  return {
    name: `${before?.name ?? basename(resolve(from))}-finetune`,
    task: 'finetune',
    data: {
      ...before?.data,
      path: path ?? before?.data.path,
      imageSize: [height, width],
      channels: channels === 1 ? 1 : 3,
    },
    model: { ...before?.model, name: description.system as Recipe['model']['name'], variant: description.variant },
    finetune: { from },
    optimizer: FINETUNING_RATES,
    training: { steps: 1000, batchSize: 16 },
  };
}

/** Classification from scratch, with the model that {@link suggestPretraining} chooses. */
export async function suggestScratch(path: string): Promise<RecipeFile> {
  const { name, data, model } = await suggestPretraining(path);
  return {
    name: `${name}-scratch`,
    task: 'finetune',
    data,
    model,
    optimizer: FINETUNING_RATES,
    training: { steps: 1000, batchSize: 16 },
  };
}

const FINETUNING_RATES = { learningRate: 1e-3, warmupSteps: 50, weightDecay: 0.05 };
