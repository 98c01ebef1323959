/** Semantic segmentation: intersection over union and accuracies, from a confusion matrix. */
import { ensure } from '../../errors/index.js';
import { confusionSums } from './confusion.js';
import { meanOfDefined, sum } from './means.js';

/** How well regions overlap, as fractions. */
export interface SegmentationMetrics {
  /** `[C]` TP / (TP + FP + FN); NaN for a class that is neither present nor predicted. */
  iou: Float64Array;
  /** Mean IoU over the classes with a non-empty union: a class that is only ever predicted counts as 0. */
  meanIoU: number;
  /** Share of counted pixels that are right. */
  pixelAccuracy: number;
  /** `[C]` TP / (TP + FN); NaN for a class without a labelled pixel. */
  classAccuracy: Float64Array;
  /** Mean of `classAccuracy` over the classes that are present. */
  meanClassAccuracy: number;
}

/**
 * IoU and accuracies of `confusion` `[C, C]` (rows are labels), all as fractions. Gather the counts over the whole
 * data set first (`confusionMatrix(…, { ignoreIndex, into })`): the mean of per-image IoUs is a different number.
 */
export function segmentationMetrics(confusion: Float64Array): SegmentationMetrics {
  const numClasses = Math.sqrt(confusion.length);
  ensure(
    Number.isInteger(numClasses) && numClasses > 0,
    () => `Segmentation metrics need a square [C, C] confusion matrix, not ${confusion.length} values.`,
  );
  const { labelled, predicted, correct } = confusionSums(confusion, numClasses);
  // 0 / 0 gives the NaN that marks an undefined class.
  const iou = correct.map((hits, c) => hits / (labelled[c] + predicted[c] - hits));
  const classAccuracy = correct.map((hits, c) => hits / labelled[c]);
  return {
    iou,
    meanIoU: meanOfDefined(iou),
    pixelAccuracy: sum(correct) / sum(labelled),
    classAccuracy,
    meanClassAccuracy: meanOfDefined(classAccuracy),
  };
}
