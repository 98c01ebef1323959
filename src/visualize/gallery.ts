import { drawTitles, MARGIN, titlesHeight } from './layout.js';
import type { RgbImage } from './picture.js';
import { Figure } from './svg.js';

/** A picture with up to two lines below it. */
export interface GalleryItem {
  image: RgbImage;
  caption?: string;
  /** Second line, smaller. */
  note?: string;
  /** A right or wrong prediction: colours the caption and marks it with ✓ or ✗. */
  correct?: boolean;
}

/** Pictures, and how they are laid out. */
export interface GalleryOptions {
  items: readonly GalleryItem[];
  title?: string;
  subtitle?: string;
  /** Default: as many as 8. */
  columns?: number;
  /** Width of one picture in pixels; default 112. */
  cellSize?: number;
}

const RIGHT = '#00875f';
const WRONG = '#c8400a';

/** A grid of images with captions: predictions, augmentations, samples. Images of other shapes are centred in their cells. */
export function galleryFigure({
  items,
  title = '',
  subtitle = '',
  columns = Math.min(8, items.length),
  cellSize = 112,
}: GalleryOptions): Figure {
  const gap = 14;
  const captionLines = items.some((i) => i.note) ? 2 : items.some((i) => i.caption) ? 1 : 0;
  const tallest = Math.min(1.5, Math.max(0.2, ...items.map(({ image }) => image.height / image.width)));
  const cellHeight = Math.round(cellSize * tallest);
  const rowHeight = cellHeight + captionLines * 16 + (captionLines > 0 ? 18 : gap);
  const rows = Math.ceil(items.length / Math.max(1, columns));
  const width = Math.max(320, 2 * MARGIN + columns * (cellSize + gap) - gap);
  const top = titlesHeight(width, title, subtitle) + (title ? 18 : 6);
  const figure = new Figure(width, top + rows * rowHeight + (captionLines > 0 ? 4 : MARGIN - gap), title);
  drawTitles(figure, title, subtitle);
  items.forEach(({ image, caption, note, correct }, i) => {
    const x = MARGIN + (i % columns) * (cellSize + gap);
    const y = top + Math.floor(i / columns) * rowHeight;
    drawFitted(figure, image, x, y, cellSize, cellHeight);
    const color = correct === undefined ? 'ink' : correct ? RIGHT : WRONG;
    const mark = correct === undefined ? '' : correct ? '✓ ' : '✗ ';
    if (caption)
      figure.text(mark + caption, x, y + cellHeight + 17, {
        size: 12,
        weight: 'bold',
        color,
        maxWidth: cellSize + gap - 4,
      });
    if (note) figure.text(note, x, y + cellHeight + 32, { size: 11, color: 'muted', maxWidth: cellSize + gap - 4 });
  });
  return figure;
}

/** Draws the image as large as the box allows without changing its shape, centred. */
export function drawFitted(figure: Figure, image: RgbImage, x: number, y: number, width: number, height: number): void {
  const scale = Math.min(width / image.width, height / image.height);
  const [w, h] = [image.width * scale, image.height * scale];
  figure.image(image, x + (width - w) / 2, y + (height - h) / 2, w, h);
}
