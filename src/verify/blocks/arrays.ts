/** What works on plain arrays: metrics, position tables, interpolation. */
import { type InterpolationMode, interpolate, sincos1d, sincos2d } from '../../nn/index.js';
import {
  confusionMatrix,
  retrievalMetrics,
  segmentationMetrics,
  taggingMetrics,
  topKAccuracy,
  topKIndices,
} from '../../tasks/metrics/index.js';
import type { Comparison } from '../comparison.js';
import { floatsOf, integersOf, tensorOf } from '../goldenCase.js';
import { type BlockKind, outputsLike } from './blockKind.js';

/** Compares those of the values that the case asks for. */
function compareWanted(comparison: Comparison, values: Record<string, ArrayLike<number> | number>): void {
  for (const [name, got] of Object.entries(values)) {
    if (comparison.wants(`output.${name}`)) comparison.expect(`output.${name}`, got);
  }
}

const tagging: BlockKind = {
  recognises: /^(average_precision|mAP|auc|mean_auc|d_prime_.*)$/,
  run: (golden, comparison) => {
    const classes = tensorOf(golden, 'input.scores').shape[1];
    const metrics = taggingMetrics(floatsOf(golden, 'input.scores'), floatsOf(golden, 'input.targets'), classes);
    compareWanted(comparison, {
      average_precision: metrics.averagePrecision,
      mAP: metrics.mAP,
      auc: metrics.auc,
      mean_auc: metrics.meanAuc,
      d_prime_per_class: metrics.dPrime,
      d_prime_mean_of_classes: metrics.dPrimeMeanOfClasses,
      d_prime_of_mean_auc: metrics.dPrimeOfMeanAuc,
    });
  },
};

const segmentation: BlockKind = {
  recognises: /^(confusion|iou|mIoU|pixel_accuracy|mean_class_accuracy)$/,
  run: (golden, comparison) => {
    const { num_classes: numClasses, ignore_index: ignoreIndex } = golden.config;
    const confusion = confusionMatrix(
      integersOf(golden, 'input.pred'),
      integersOf(golden, 'input.target'),
      numClasses,
      { ignoreIndex },
    );
    const metrics = segmentationMetrics(confusion);
    compareWanted(comparison, {
      confusion,
      iou: metrics.iou,
      mIoU: metrics.meanIoU,
      pixel_accuracy: metrics.pixelAccuracy,
      mean_class_accuracy: metrics.meanClassAccuracy,
    });
  },
};

/** top5 in percent, and top5_index; any k. */
const topK: BlockKind = {
  recognises: /^top(\d+)(_index)?$/,
  run: (golden, comparison) => {
    const [logits, labels] = [floatsOf(golden, 'input.logits'), integersOf(golden, 'input.labels')];
    const classes = tensorOf(golden, 'input.logits').shape[1];
    for (const [name, k, index] of outputsLike(golden, topK.recognises)) {
      const got = index ? topKIndices(logits, classes, Number(k)) : 100 * topKAccuracy(logits, labels, Number(k));
      comparison.expect(`output.${name}`, got);
    }
  },
};

/** R5 is the recall at 5; any k. */
const retrieval: BlockKind = {
  recognises: /^(rank|median_rank|R(\d+))$/,
  run: (golden, comparison) => {
    const ks = outputsLike(golden, /^R(\d+)$/).map(([, k]) => Number(k));
    const count = tensorOf(golden, 'input.query').shape[0];
    const metrics = retrievalMetrics(floatsOf(golden, 'input.query'), floatsOf(golden, 'input.gallery'), count, ks);
    compareWanted(comparison, {
      rank: metrics.ranks,
      median_rank: metrics.medianRank,
      ...Object.fromEntries(ks.map((k) => [`R${k}`, metrics.recall[k]])),
    });
  },
};

const positionTables: BlockKind = {
  recognises: /^sincos_(1d|2d_mae)$/,
  run: (golden, comparison) => {
    const { dim, grid } = golden.config;
    if (comparison.wants('output.sincos_2d_mae')) {
      const table = sincos2d(dim, grid);
      comparison.expect('output.sincos_2d_mae', table.data, { shape: [table.rows, table.channels] });
    }
    if (comparison.wants('output.sincos_1d')) {
      const [rows, channels] = tensorOf(golden, 'output.sincos_1d').shape;
      comparison.expect('output.sincos_1d', sincos1d(rows, channels).data);
    }
  },
};

const interpolationModes: Record<string, InterpolationMode> = {
  bicubic: 'cubic',
  bilinear: 'linear',
  nearest: 'nearest',
};

/** bicubic_7x5: to height 7 and width 5. */
const interpolation: BlockKind = {
  recognises: /^(bicubic|bilinear|nearest)_(?:\w+_)?(\d+)x(\d+)$/,
  run: (golden, comparison) => {
    const { shape } = tensorOf(golden, 'input.x');
    for (const [name, mode, height, width] of outputsLike(golden, interpolation.recognises)) {
      const sizes = { [shape.length - 2]: Number(height), [shape.length - 1]: Number(width) };
      const resized = interpolate(floatsOf(golden, 'input.x'), shape, sizes, interpolationModes[mode]);
      comparison.expect(`output.${name}`, resized.data, { shape: resized.shape });
    }
  },
};

/** The kinds of this file. */
export const arrayKinds: readonly BlockKind[] = [tagging, segmentation, topK, retrieval, positionTables, interpolation];
