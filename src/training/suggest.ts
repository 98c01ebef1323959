/** Recipes for people who name only their data: sound beginnings, to be overridden at will. */
import { basename, resolve } from 'node:path';
import { commonShape, openImages } from '../data/index.js';
import type { RecipeFile } from './recipe.js';

/** Images up to this side are taken as they are stored; larger ones, or those of different sizes, are cut and resized to it. */
const LARGEST_SIDE = 64;
/** Up to so many pixels four groups are enough; beyond, sixteen keep the first attention small. */
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
