/** Top-k accuracy and indices of single-label classification. */
import { ensure } from '../../errors/index.js';
import { classAt, columnsOf, type Labels } from './labels.js';

/**
 * Share (0 to 1) of samples whose label is among the `k` highest logits.
 *
 * Equal logits rank by class index, so a constant output scores chance. NaN ranks below every number and a label
 * whose own logit is NaN counts as missed: a diverged model never looks accurate.
 *
 * @param logits `[N, C]`
 * @param labels `[N]` class indices in `0..C-1`
 */
export function topKAccuracy(logits: ArrayLike<number>, labels: Labels, k: number): number {
  const numClasses = columnsOf(logits, labels.length, 'Logits');
  checkK(k, numClasses);
  let hits = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = classAt(labels, i, numClasses, 'labels');
    const own = logits[i * numClasses + label];
    if (Number.isNaN(own)) continue;
    if (rankOf(logits, i * numClasses, numClasses, label) < k) hits++;
  }
  return hits / labels.length;
}

/**
 * Indices of the `k` highest scores of each row, highest first; equal scores in order of index, NaN last.
 *
 * @param scores `[N, C]`
 * @returns `[N, k]`
 */
export function topKIndices(scores: ArrayLike<number>, numClasses: number, k: number): Int32Array {
  checkK(k, numClasses);
  ensure(
    scores.length % numClasses === 0,
    () => `Scores: ${scores.length} values do not divide into rows of ${numClasses} classes.`,
  );
  const rows = scores.length / numClasses;
  const indices = new Int32Array(rows * k);
  const best = new Float64Array(k);
  for (let row = 0; row < rows; row++) {
    for (let c = 0, filled = 0; c < numClasses; c++) {
      const raw = scores[row * numClasses + c];
      const score = Number.isNaN(raw) ? -Infinity : raw;
      if (filled === k && score <= best[k - 1]) continue;
      let place = filled < k ? filled++ : k - 1;
      for (; place > 0 && best[place - 1] < score; place--) {
        best[place] = best[place - 1];
        indices[row * k + place] = indices[row * k + place - 1];
      }
      best[place] = score;
      indices[row * k + place] = c;
    }
  }
  return indices;
}

/** How many of the row's `count` scores come before `item`: the greater ones, and the equal ones of lower index. */
export function rankOf(scores: ArrayLike<number>, offset: number, count: number, item: number): number {
  const own = scores[offset + item];
  let ahead = 0;
  for (let j = 0; j < count; j++) {
    const score = scores[offset + j];
    if (score > own || (score === own && j < item)) ahead++;
  }
  return ahead;
}

function checkK(k: number, numClasses: number): void {
  ensure(
    Number.isInteger(k) && k >= 1 && k <= numClasses,
    () => `Top-${k} needs 1 <= k <= ${numClasses}, the number of classes; choose a smaller k.`,
  );
}
