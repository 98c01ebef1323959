/** Learned positions of a clip: a strip of maps, frame by frame. */
import { sequential } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import { type Locality, unitRows } from './locality.js';
import { imageFromMap, percentile, type RgbImage } from './picture.js';
import { positionsToRgb } from './positionColors.js';
import { drawHeading, drawScore, type PositionsFigureOptions } from './positionsScore.js';
import { Figure } from './svg.js';

const MOST_FRAMES = 8;
const GAP = 6;

/**
 * The table `[T*H*W, E]` as colours (one set of components for all frames), and for the middle pixel of the first, the
 * middle and the last frame its similarity to all positions.
 * @param indexShape the signal's own axes, which the score counts steps along
 */
export function framesFigure(
  table: Float32Array,
  [frames, height, width]: readonly [number, number, number],
  found: Locality,
  { title = 'Learned positions', subtitle = '', locality: options = {} }: PositionsFigureOptions,
  indexShape: readonly number[],
): Figure {
  const times = shownFrames(frames);
  const cell = Math.min(120, Math.max(72, Math.floor(800 / times.length)));
  const cellHeight = Math.round((cell * height) / width);
  const figureWidth = Math.max(560, 2 * MARGIN + times.length * (cell + GAP) - GAP);
  const middle = Math.floor(height / 2) * width + Math.floor(width / 2);
  const asked = [...new Set([0, times.length >> 1, times.length - 1])];
  const head = titlesHeight(figureWidth, title, subtitle) + 36;
  const similar = head + cellHeight + 58;
  const scoreTop = similar + asked.length * (cellHeight + GAP) + 56;
  const figure = new Figure(figureWidth, scoreTop + 200, title);
  drawTitles(figure, title, subtitle);
  const left = (column: number) => MARGIN + column * (cell + GAP);

  drawHeading(figure, 'Three principal components as red, green, blue', MARGIN, head);
  const all = positionsToRgb(table, [frames * height, width]);
  times.forEach((t, column) => {
    figure.image(frameOf(all, t, height), left(column), head, cell, cellHeight);
    figure.text(`frame ${t + 1}`, left(column), head + cellHeight + 16, { size: 11, color: 'muted', maxWidth: cell });
  });

  drawHeading(figure, 'Similarity of single positions (ringed) to all others', MARGIN, similar);
  const unit = unitRows(table, frames * height * width);
  const maps = asked.map((column) =>
    similarities(unit, frames * height * width, times[column] * height * width + middle),
  );
  const values = Float32Array.from(maps.flatMap((map) => [...map]));
  const [low, high] = [percentile(values, 0.01), percentile(values, 0.995)];
  asked.forEach((column, row) => {
    const y = similar + row * (cellHeight + GAP);
    times.forEach((t, i) => {
      const own = maps[row].subarray(t * height * width, (t + 1) * height * width);
      figure.image(imageFromMap(own, [height, width], sequential, low, high), left(i), y, cell, cellHeight);
    });
    const [cx, cy] = [(Math.floor(width / 2) + 0.5) / width, (Math.floor(height / 2) + 0.5) / height];
    const ring = [left(column) + cx * cell, y + cy * cellHeight, Math.max(3, cell / width)] as const;
    figure.circle(...ring, { stroke: '#ffffff', strokeWidth: 2.5 });
    figure.circle(...ring, { stroke: '#c8102e', strokeWidth: 1.25 });
  });
  const bar = scoreTop - 46;
  drawColorBar(figure, sequential, low, high, MARGIN, bar, 320, 'cosine similarity');
  drawScore(figure, found, indexShape, options, MARGIN, scoreTop, 280);
  return figure;
}

/** Cosine similarity of one position to all. */
function similarities(unit: Float32Array, positions: number, asked: number): Float32Array {
  const width = unit.length / positions;
  return Float32Array.from({ length: positions }, (_, p) => {
    let sum = 0;
    for (let e = 0; e < width; e++) sum += unit[asked * width + e] * unit[p * width + e];
    return sum;
  });
}

function frameOf({ width, rgb }: RgbImage, t: number, height: number): RgbImage {
  return { width, height, rgb: rgb.subarray(3 * t * height * width, 3 * (t + 1) * height * width) };
}

/** Up to eight of the frames, the first and the last among them. */
function shownFrames(frames: number): number[] {
  const count = Math.min(frames, MOST_FRAMES);
  return Array.from({ length: count }, (_, i) => Math.round((i * (frames - 1)) / Math.max(1, count - 1)));
}
