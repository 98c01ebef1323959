import { ensure } from '../errors/index.js';
import { blues, categorical, hex, mapColor, NOT_A_NUMBER, readableOn } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import { Figure } from './svg.js';
import { textWidth } from './text.js';

/** Counts and names. */
export interface ConfusionFigureOptions {
  /** Counts `[K, K]`: row = true class, column = predicted class. */
  counts: ArrayLike<number>;
  /** K names. */
  classNames: readonly string[];
  /** What was classified; the accuracy is added. */
  title?: string;
}

/** Correct over all; NaN where nothing was counted. */
export function accuracyOf(counts: ArrayLike<number>, classes: number): number {
  let [correct, total] = [0, 0];
  for (let i = 0; i < classes * classes; i++) {
    total += counts[i];
    if (i % (classes + 1) === 0) correct += counts[i];
  }
  return correct / total;
}

/**
 * Confusion matrix, 2 to 100 classes: colour = share of the true class (each row sums to 1), number = count (left out
 * where cells are too small), bars at the right = recall of each class. Cells without a count stay empty.
 */
export function confusionFigure({ counts, classNames, title = 'Confusion matrix' }: ConfusionFigureOptions): Figure {
  const classes = classNames.length;
  ensure(classes >= 2, () => `A confusion matrix needs at least 2 classes, not ${classes}: pass every class name.`);
  ensure(
    counts.length === classes * classes,
    () => `${classes} class names need ${classes * classes} counts [K, K], not ${counts.length}.`,
  );
  const cell = Math.max(9, Math.min(52, Math.floor(640 / classes)));
  const gap = cell >= 20 ? 2 : cell >= 12 ? 1 : 0;
  const nameSize = Math.min(13, Math.max(7, cell * 0.75));
  const nameWidth = Math.min(150, Math.max(...classNames.map((c) => textWidth(c, nameSize))));
  const side = classes * cell;

  const rowTotals = classNames.map((_, row) => sum(counts, row * classes, (row + 1) * classes));
  const total = rowTotals.reduce((a, b) => a + b, 0);
  const headline = `${title}: ${percent(accuracyOf(counts, classes))} accurate`;
  const subtitle = `${total.toLocaleString('en')} samples, ${classes} classes (chance ${percent(1 / classes)}). Rows: true class. Columns: predicted class. Colour: share of the row.`;

  const left = MARGIN + nameWidth + 12;
  const recallWidth = 96;
  const width = Math.max(460, left + side + 24 + recallWidth + 44 + MARGIN);
  // Column names lie flat where they fit their column, else stand on end.
  const flat = classNames.every((c) => textWidth(c, nameSize) <= cell - 4);
  const top = titlesHeight(width, headline, subtitle) + (flat ? 34 : nameWidth + 26);
  const figure = new Figure(width, top + side + 46, headline);
  drawTitles(figure, headline, subtitle);

  classNames.forEach((name, i) => {
    const middle = (i + 0.5) * cell;
    const style = { size: nameSize, baseline: 'middle', maxWidth: nameWidth } as const;
    figure.text(name, left - 10, top + middle, { ...style, anchor: 'end' });
    if (flat) figure.text(name, left + middle, top - 14, { ...style, anchor: 'middle' });
    else figure.text(name, left + middle, top - 8, { ...style, rotate: -90 });
  });

  const numberSize = Math.min(14, cell * 0.32);
  for (let row = 0; row < classes; row++) {
    for (let column = 0; column < classes; column++) {
      const count = counts[row * classes + column];
      const color = Number.isNaN(count)
        ? NOT_A_NUMBER
        : mapColor(blues, rowTotals[row] > 0 ? count / rowTotals[row] : 0);
      const [x, y] = [left + column * cell, top + row * cell];
      figure.rect(x + gap / 2, y + gap / 2, cell - gap, cell - gap, { fill: hex(color), radius: gap > 1 ? 3 : 0 });
      const text = String(count);
      if (cell >= 24 && count !== 0 && textWidth(text, numberSize) < cell - gap - 2) {
        figure.text(text, x + cell / 2, y + cell / 2, {
          size: numberSize,
          weight: row === column ? 'bold' : 'regular',
          color: readableOn(color),
          anchor: 'middle',
          baseline: 'middle',
        });
      }
    }
  }

  const recallLeft = left + side + 24;
  figure.text('Recall', recallLeft, top - 14, { size: 12, weight: 'bold', baseline: 'middle' });
  rowTotals.forEach((rowTotal, row) => {
    const recall = rowTotal > 0 ? counts[row * classes + row] / rowTotal : Number.NaN;
    const y = top + row * cell;
    const thickness = Math.min(14, cell * 0.5);
    const middle = y + cell / 2;
    figure.rect(recallLeft, middle - thickness / 2, recallWidth, thickness, { fill: 'grid', opacity: 0.5, radius: 2 });
    if (!Number.isNaN(recall))
      figure.rect(recallLeft, middle - thickness / 2, recallWidth * recall, thickness, {
        fill: categorical[0],
        radius: Math.min(2, (recallWidth * recall) / 2),
      });
    figure.text(Number.isNaN(recall) ? 'none' : percent(recall), recallLeft + recallWidth + 8, middle, {
      size: Math.min(12, Math.max(7, cell * 0.75)),
      baseline: 'middle',
      color: Number.isNaN(recall) ? 'faint' : 'ink',
    });
  });
  drawColorBar(figure, blues, 0, 1, left, top + side + 20, Math.max(210, Math.min(side, 280)), 'share of true class');
  return figure;
}

function percent(share: number): string {
  return Number.isNaN(share) ? 'not a number' : `${(100 * share).toFixed(1)} %`;
}

function sum(values: ArrayLike<number>, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += values[i];
  return total;
}
