/** Figures below each other, under one heading. */
import { drawTitles, titlesHeight } from '../layout.js';
import { Figure } from '../svg.js';
import type { Heading } from './signal.js';

/** One figure of several, from top to bottom. */
export function stacked(figures: readonly Figure[], { title, subtitle }: Heading): Figure {
  const width = Math.max(...figures.map((figure) => figure.width));
  const head = titlesHeight(width, title, subtitle);
  const all = new Figure(width, head + figures.reduce((sum, { height }) => sum + height, 0), title);
  drawTitles(all, title, subtitle);
  let y = head;
  for (const figure of figures) {
    all.place(figure, 0, y);
    y += figure.height;
  }
  return all;
}
