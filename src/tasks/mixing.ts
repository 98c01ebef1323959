/** Mixed examples in the tasks that have labels to mix. */
import { type Batch, type MixedSignals, type MixOptions, mixBatch, mixes, partner } from '../data/index.js';
import { fold, type Key } from '../random/index.js';
import type { ModelDescription } from '../training/description.js';
import type { Recipe } from '../training/recipe.js';

/** What of a recipe an objective with labels goes by. */
export type TaskOptions = Pick<Recipe['finetune'], 'labelSmoothing'> & MixOptions;

/** The signals of a batch, mixed where the options ask for it: a pure function. */
export function mixed(batch: Batch, description: ModelDescription, options: MixOptions, key: Key): MixedSignals {
  if (!mixes(options)) return { signals: batch.signals, lengths: batch.lengths, share: 1 };
  const { modalities, reader } = description;
  return mixBatch(batch, modalities, options, fold(key, 'mix'), reader?.permutation);
}

/** The class that has the larger part of each example. */
export function majorityLabels(labels: Int32Array, share: number): Int32Array {
  return share >= 0.5 ? labels : labels.map((_, i) => labels[partner(i, labels.length)]);
}
