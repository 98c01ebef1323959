import type { ClassificationScore } from '../../tasks/index.js';
import { formatShare } from '../quantities.js';
import { formatTable } from '../table.js';

/** Wider tables do not fit a terminal. */
const SHOWN_CLASSES = 16;

/** Accuracies beside chance. */
export function accuracyLines({ top1, top5, classes, size }: ClassificationScore): string[] {
  return [
    `accuracy      ${formatShare(top1)} of ${size} held-out images (chance ${formatShare(1 / classes.length)})`,
    ...(classes.length > 5 ? [`top 5         ${formatShare(top5)}`] : []),
  ];
}

/** The confusion matrix as a table, where it is narrow enough. */
export function confusionLines(score: ClassificationScore): string[] {
  const { classes } = score;
  if (classes.length > SHOWN_CLASSES) return [];
  const rows = confusionRows(score).map((row, i) => [classes[i], ...row]);
  return ['', formatTable(rows, ['true \\ predicted', ...classes])];
}

/** The confusion matrix row by row: true classes. */
export function confusionRows({ confusion, classes }: ClassificationScore): number[][] {
  return classes.map((_, i) => [...confusion.subarray(i * classes.length, (i + 1) * classes.length)]);
}
