/** The confusion matrix: what was there against what was predicted. */
import { ensure } from '../../errors/index.js';
import { classAt, type Labels } from './labels.js';

/** What counts, and where it is added. */
export interface ConfusionOptions {
  /** Samples or pixels with this label are left out (255 in most segmentation sets). */
  ignoreIndex?: number;
  /** Counts to add to, so that a data set can be gone through in batches. A new matrix when absent. */
  into?: Float64Array;
}

/**
 * Counts `confusion[label, prediction]` over samples or pixels, in any layout that the two arrays share.
 *
 * @param predictions `[...]` class indices
 * @param labels `[...]` class indices, or `ignoreIndex`
 * @returns `[C, C]`, rows are labels; whole numbers (exact far beyond 32 bits)
 */
export function confusionMatrix(
  predictions: Labels,
  labels: Labels,
  numClasses: number,
  { ignoreIndex, into }: ConfusionOptions = {},
): Float64Array {
  ensure(
    predictions.length === labels.length,
    () =>
      `Confusion matrix: ${predictions.length} predictions but ${labels.length} labels; pass one prediction per label.`,
  );
  const counts = into ?? new Float64Array(numClasses * numClasses);
  ensure(
    counts.length === numClasses * numClasses,
    () =>
      `Confusion matrix: the counts to add to hold ${counts.length} cells, ${numClasses} classes need ${numClasses ** 2}.`,
  );
  for (let i = 0; i < labels.length; i++) {
    if (ignoreIndex !== undefined && Number(labels[i]) === ignoreIndex) continue;
    const label = classAt(labels, i, numClasses, 'labels', '; set ignoreIndex if it marks what must not count');
    const prediction = classAt(predictions, i, numClasses, 'predictions');
    counts[label * numClasses + prediction]++;
  }
  return counts;
}

/** Row sums (samples of each class), column sums (predictions of each class) and the diagonal of `[C, C]` counts. */
export function confusionSums(
  confusion: Float64Array,
  numClasses: number,
): Record<'labelled' | 'predicted' | 'correct', Float64Array> {
  const labelled = new Float64Array(numClasses);
  const predicted = new Float64Array(numClasses);
  const correct = new Float64Array(numClasses);
  for (let label = 0; label < numClasses; label++) {
    correct[label] = confusion[label * numClasses + label];
    for (let prediction = 0; prediction < numClasses; prediction++) {
      const count = confusion[label * numClasses + prediction];
      labelled[label] += count;
      predicted[prediction] += count;
    }
  }
  return { labelled, predicted, correct };
}
