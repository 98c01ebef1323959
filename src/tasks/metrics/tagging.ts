/** Multi-label tagging (AudioSet): average precision, area under the ROC curve, d'. */
import { ensure } from '../../errors/index.js';
import { meanOfDefined } from './means.js';
import { normalQuantile } from './normalQuantile.js';

/** How well positives are ranked, by class and in the mean. */
export interface TaggingMetrics {
  /** `[C]`; NaN for a class without a positive sample. */
  averagePrecision: Float64Array;
  /** Mean of `averagePrecision` over the classes where it is defined. */
  mAP: number;
  /** `[C]` area under the ROC curve; NaN for a class without a positive or without a negative sample. */
  auc: Float64Array;
  meanAuc: number;
  /** `[C]` sqrt(2) * quantile(auc); infinite for a class that is separated perfectly. */
  dPrime: Float64Array;
  /** Mean of `dPrime` (VATT's convention). */
  dPrimeMeanOfClasses: number;
  /** d' of `meanAuc` (AST's and PANNs' convention). */
  dPrimeOfMeanAuc: number;
}

/**
 * Tagging metrics over a data set.
 *
 * @param scores `[N, C]`, any monotone score (logits or probabilities); no NaN
 * @param targets `[N, C]`, positive where > 0.5
 */
export function taggingMetrics(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  numClasses: number,
): TaggingMetrics {
  ensure(
    scores.length === targets.length && scores.length > 0 && scores.length % numClasses === 0,
    () => `Tagging metrics: ${scores.length} scores and ${targets.length} targets must both be [N, ${numClasses}].`,
  );
  const rows = scores.length / numClasses;
  const averagePrecision = new Float64Array(numClasses);
  const auc = new Float64Array(numClasses);
  const score = new Float64Array(rows);
  const target = new Float64Array(rows);
  for (let c = 0; c < numClasses; c++) {
    for (let i = 0; i < rows; i++) {
      score[i] = scores[i * numClasses + c];
      target[i] = targets[i * numClasses + c];
    }
    const groups = tieGroups(score, target);
    averagePrecision[c] = averagePrecisionOf(groups);
    auc[c] = aucOf(groups);
  }
  const dPrimes = auc.map(dPrime);
  const meanAuc = meanOfDefined(auc);
  return {
    averagePrecision,
    mAP: meanOfDefined(averagePrecision),
    auc,
    meanAuc,
    dPrime: dPrimes,
    dPrimeMeanOfClasses: meanOfDefined(dPrimes),
    dPrimeOfMeanAuc: dPrime(meanAuc),
  };
}

/**
 * Average precision of one class: sum over distinct thresholds, from the highest, of (R_k - R_{k-1}) * P_k. Samples
 * with equal scores enter together; there is no interpolation. NaN without a positive sample.
 *
 * @param scores `[N]`
 * @param targets `[N]`, positive where > 0.5
 */
export function averagePrecision(scores: ArrayLike<number>, targets: ArrayLike<number>): number {
  return averagePrecisionOf(tieGroups(scores, targets));
}

/**
 * Area under the ROC curve of one class: the chance that a positive scores above a negative, ties counted half.
 * NaN unless both kinds occur.
 *
 * @param scores `[N]`
 * @param targets `[N]`, positive where > 0.5
 */
export function rocAuc(scores: ArrayLike<number>, targets: ArrayLike<number>): number {
  return aucOf(tieGroups(scores, targets));
}

/** d' = sqrt(2) * quantile(AUC): the distance of two unit normals that would give this AUC. */
export function dPrime(auc: number): number {
  return Math.SQRT2 * normalQuantile(auc);
}

/** Positives and negatives at one score. */
interface TieGroup {
  positives: number;
  negatives: number;
}

/** The samples grouped by equal score, highest score first. */
function tieGroups(scores: ArrayLike<number>, targets: ArrayLike<number>): TieGroup[] {
  ensure(
    scores.length === targets.length,
    () => `Tagging metrics: ${scores.length} scores but ${targets.length} targets; pass one target per score.`,
  );
  const order = Array.from({ length: scores.length }, (_, i) => i);
  for (const i of order) {
    ensure(
      !Number.isNaN(scores[i]),
      () => `Tagging metrics: score ${i} is NaN, so samples cannot be ranked; check the model's output.`,
    );
  }
  // Not a plain subtraction: Infinity - Infinity would be NaN.
  order.sort((a, b) => (scores[a] > scores[b] ? -1 : scores[a] < scores[b] ? 1 : 0));
  const groups: TieGroup[] = [];
  order.forEach((sample, place) => {
    if (place === 0 || scores[sample] !== scores[order[place - 1]]) groups.push({ positives: 0, negatives: 0 });
    const group = groups[groups.length - 1];
    if (targets[sample] > 0.5) group.positives++;
    else group.negatives++;
  });
  return groups;
}

function averagePrecisionOf(groups: TieGroup[]): number {
  const totalPositives = groups.reduce((total, group) => total + group.positives, 0);
  let retrieved = 0;
  let found = 0;
  let area = 0;
  for (const { positives, negatives } of groups) {
    retrieved += positives + negatives;
    found += positives;
    area += positives * (found / retrieved);
  }
  return area / totalPositives;
}

function aucOf(groups: TieGroup[]): number {
  let positivesAbove = 0;
  let negatives = 0;
  let wins = 0;
  for (const group of groups) {
    wins += group.negatives * (positivesAbove + group.positives / 2);
    positivesAbove += group.positives;
    negatives += group.negatives;
  }
  return wins / (positivesAbove * negatives);
}
