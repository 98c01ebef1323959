/** What a fine-tuned model gets right, in words, as a table and as JSON. */
import { kindOf } from '../../data/index.js';
import type { ClassificationScore, Score, SegmentationScore, TaggingScore } from '../../tasks/index.js';
import { formatShare, plural } from '../quantities.js';
import { formatTable } from '../table.js';

/** Wider tables do not fit a terminal. */
const SHOWN_CLASSES = 16;

/** The score in a few lines, beside chance or the constant answer. */
export function scoreLines(score: Score): string[] {
  const held = plural(score.size, `held-out ${kindOf(score).noun}`);
  if (score.task === 'classification') return accuracyLines(score, held);
  if (score.task === 'tagging')
    return [
      `mAP           ${formatShare(score.mAP)} on ${held} (chance ${formatShare(score.chance)})`,
      `d'            ${score.dPrimeOfMeanAuc.toFixed(2)} of the mean area under the curve (chance 0)`,
    ];
  const { majority } = score;
  return [
    `mean IoU      ${formatShare(score.meanIoU)} on ${held} (all "${majority.name}": ${formatShare(majority.meanIoU)})`,
    `pixels right  ${formatShare(score.pixelAccuracy)} (all "${majority.name}": ${formatShare(majority.pixelAccuracy)})`,
  ];
}

function accuracyLines({ top1, top5, classes }: ClassificationScore, held: string): string[] {
  return [
    `accuracy      ${formatShare(top1)} of ${held} (chance ${formatShare(1 / classes.length)})`,
    ...(classes.length > 5 ? [`top 5         ${formatShare(top5)}`] : []),
  ];
}

/** The score class by class: a confusion matrix where it is narrow enough, or a row for each class. */
export function classLines(score: Score): string[] {
  if (score.task === 'tagging') return ['', taggingTable(score)];
  if (score.task === 'segmentation') return ['', segmentationTable(score)];
  const { classes } = score;
  if (classes.length > SHOWN_CLASSES) return [];
  const rows = matrixRows(score).map((row, i) => [classes[i], ...row]);
  return ['', formatTable(rows, ['true \\ predicted', ...classes])];
}

function taggingTable({ classes, prevalence, averagePrecision, auc, dPrime }: TaggingScore): string {
  return formatTable(
    classes.map((name, c) => [
      name,
      share(prevalence[c]),
      share(averagePrecision[c]),
      share(auc[c]),
      Number.isFinite(dPrime[c]) ? dPrime[c].toFixed(2) : undefined,
    ]),
    ['class', 'applies to', 'average precision', 'area under ROC', "d'"],
  );
}

function segmentationTable(score: SegmentationScore): string {
  const { classes, iou, classAccuracy } = score;
  const rows = matrixRows(score);
  const pixels = rows.map((row) => row.reduce((a, b) => a + b, 0));
  const all = pixels.reduce((a, b) => a + b, 0);
  return formatTable(
    classes.map((name, c) => [name, share(pixels[c] / all), share(iou[c]), share(classAccuracy[c])]),
    ['class', 'of the pixels', 'IoU', 'found'],
  );
}

/** A share, or nothing where it is undefined: the class never occurs. */
function share(value: number): string | undefined {
  return Number.isNaN(value) ? undefined : formatShare(value);
}

/** The score as JSON: arrays by class as lists, the confusion matrix row by row (true classes). */
export function scoreJson(score: Score): Record<string, unknown> {
  const lists = Object.entries(score).map(([key, value]) => [key, value instanceof Float64Array ? [...value] : value]);
  return { ...Object.fromEntries(lists), ...('confusion' in score ? { confusion: matrixRows(score) } : {}) };
}

function matrixRows({ confusion, classes }: { confusion: Float64Array; classes: string[] }): number[][] {
  return classes.map((_, i) => [...confusion.subarray(i * classes.length, (i + 1) * classes.length)]);
}
