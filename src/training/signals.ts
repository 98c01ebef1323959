/** Signals as a recipe asks for them: the data set, how its examples are read, the modalities that makes, and loaders. */
import {
  type ChannelStatistics,
  channelStatistics,
  createLoader,
  type Dataset,
  kindOf,
  type Loader,
  openData,
  partialSignals,
  type Reader,
  readerWithStatistics,
  signalStatistics,
} from '../data/index.js';
import { ensure } from '../errors/index.js';
import type { Modality } from '../models/index.js';
import type { Key } from '../random/index.js';
import type { ModelDescription } from './description.js';
import type { Recipe } from './recipe.js';
import { recipeReader } from './recipeReader.js';

/** Training examples, and what they are as a model's input. */
export interface PreparedSignals {
  dataset: Dataset;
  /** How examples are read in training, augmentation included. */
  reader: Reader;
  modalities: Modality[];
}

/** Opens a split of the recipe's data. */
export function openSplit(
  { data, bands, training }: Pick<Recipe, 'data' | 'bands' | 'training'>,
  split: 'train' | 'test',
): Promise<Dataset> {
  ensure(data.path, () => 'No data set was named: give a folder with --data.');
  // An array whose dates are told is a raster, and no stack of pictures.
  const found = bands.dates.length > 0 ? 'bands' : undefined;
  return openData(data.path, {
    kind: data.kind === 'auto' ? found : data.kind,
    label: data.label || undefined,
    tile: data.imageSize || undefined,
    ignore: data.ignore.length > 0 ? data.ignore : undefined,
    split,
    validationFraction: data.validationFraction,
    limit: split === 'train' && data.limit > 0 ? data.limit : undefined,
    seed: training.seed,
  });
}

/** Opens the training split and settles sizes, channels and normalisation. */
export async function prepareSignals(recipe: Recipe): Promise<PreparedSignals> {
  const dataset = await openSplit(recipe, 'train');
  const reader = await normalized(dataset, await recipeReader(recipe, dataset), recipe);
  return { dataset, reader, modalities: modalitiesOf(reader) };
}

/** How the described model's inputs are read. Throws a sentence where it is not fed from files. */
export function readerOf({ reader }: Pick<ModelDescription, 'reader'>): Reader {
  ensure(reader, () => 'The model does not say how its inputs are read from files: train it with hip pretrain.');
  return reader;
}

/** What was subtracted from a signal and divided by, per channel. */
export function normalizationOf(description: Pick<ModelDescription, 'reader'>, name: string): ChannelStatistics {
  const reader = readerOf(description);
  return kindOf(reader).statistics(reader)[name];
}

/** Modalities of which a batch tells what is real. */
export function partialOf({ data }: Pick<Recipe, 'data'>, reader: Reader): string[] {
  return data.padding === 'mask' ? partialSignals(reader) : [];
}

/** The modalities that a reader makes. */
export function modalitiesOf(reader: Reader): Modality[] {
  return kindOf(reader).shapes(reader);
}

/** The reader with the recipe's mean and deviation, or those measured on the data set. */
async function normalized(dataset: Dataset, reader: Reader, { data }: Recipe): Promise<Reader> {
  const [{ name }] = kindOf(reader).shapes(reader);
  const given = { mean: data.mean, std: data.std };
  if (given.mean.length > 0 && given.std.length > 0 && kindOf(reader).shapes(reader).length === 1)
    return readerWithStatistics(reader, { [name]: given });
  const measured =
    reader.kind === 'image'
      ? { image: await channelStatistics(dataset, 512, reader.channels) }
      : await signalStatistics(dataset, reader);
  return readerWithStatistics(reader, given.mean.length > 0 ? { ...measured, [name]: given } : measured);
}

/** Shuffled, augmented batches from a step on. */
export function trainingLoader(dataset: Dataset, recipe: Recipe, reader: Reader, startStep: number, key: Key): Loader {
  const { workers } = recipe.data;
  return createLoader(dataset, {
    reader,
    batchSize: recipe.training.batchSize,
    shuffle: true,
    key,
    startStep,
    ...(workers >= 0 ? { workers } : {}),
  });
}
