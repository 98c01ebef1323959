/** Learned positions of a signal with one axis: samples of a sound, points along their space-filling curve. */
import { formatNumber } from './axis.js';
import { sequential } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import { lineChart } from './lineChart.js';
import { type Locality, unitRows } from './locality.js';
import { imageFromMap, percentile } from './picture.js';
import { positionsToRgb } from './positionColors.js';
import { drawHeading, drawScore, type PositionsFigureOptions } from './positionsScore.js';
import { Figure } from './svg.js';

const WIDTH = 780;
const STRIP = 30;
const MATRIX = 400;
const PANEL = 280;
/** Rows and columns of the matrix at most: positions between them are passed over. */
const LARGEST_MATRIX = 256;
/** Positions that similarities are averaged over, and the farthest offset. */
const AVERAGED = 1024;
const FARTHEST = 100;

/** The table `[I, E]` as colours along the line, the similarity of all positions to each other, and how it falls with distance. */
export function lineFigure(
  table: Float32Array,
  positions: number,
  found: Locality,
  { title = 'Learned positions', subtitle = '', locality: options = {} }: PositionsFigureOptions,
): Figure {
  const head = titlesHeight(WIDTH, title, subtitle) + 36;
  const top = head + STRIP + 62;
  const bottom = top + MATRIX;
  const figure = new Figure(WIDTH, bottom + 56, title);
  drawTitles(figure, title, subtitle);
  const width = WIDTH - 2 * MARGIN;
  drawHeading(
    figure,
    'Three principal components as red, green, blue, from the first position to the last',
    MARGIN,
    head,
  );
  figure.image(positionsToRgb(table, [1, positions]), MARGIN, head, width, STRIP);
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    const name = formatNumber(Math.round(share * (positions - 1)), 6);
    figure.text(name, MARGIN + share * width, head + STRIP + 16, { size: 11, anchor, color: 'muted' });
  }

  const unit = unitRows(table, positions);
  drawHeading(figure, 'Similarity of all positions to each other', MARGIN, top);
  const { values, side } = similarityMatrix(unit, positions);
  const [low, high] = [percentile(values, 0.01), percentile(values, 0.995)];
  figure.image(imageFromMap(values, [side, side], sequential, low, high), MARGIN, top, MATRIX, MATRIX);
  drawColorBar(figure, sequential, low, high, MARGIN, bottom + 16, 320, 'cosine similarity');

  const left = MARGIN + MATRIX + 40;
  drawScore(figure, found, [positions], options, left, top - 10, PANEL);
  const offsets = Math.min(FARTHEST, positions - 1);
  const chart = lineChart({
    series: [{ name: '', x: Array.from({ length: offsets }, (_, i) => i + 1), y: similarityByOffset(unit, positions) }],
    xLabel: 'distance along the line',
    yLabel: 'mean cosine similarity',
    width: PANEL + 24,
    height: 210,
  });
  figure.place(chart, left - 24, top + 196);
  return figure;
}

/** Cosine similarities of every n-th position to every n-th. */
function similarityMatrix(unit: Float32Array, positions: number): { values: Float32Array; side: number } {
  const stride = Math.ceil(positions / LARGEST_MATRIX);
  const side = Math.ceil(positions / stride);
  const values = new Float32Array(side * side);
  for (let a = 0; a < side; a++)
    for (let b = 0; b < side; b++) values[a * side + b] = similarity(unit, positions, a * stride, b * stride);
  return { values, side };
}

/** Mean cosine similarity of positions 1, 2, 3, … steps apart. */
function similarityByOffset(unit: Float32Array, positions: number): Float64Array {
  const stride = Math.max(1, Math.floor(positions / AVERAGED));
  return Float64Array.from({ length: Math.min(FARTHEST, positions - 1) }, (_, i) => {
    let [sum, count] = [0, 0];
    for (let at = 0; at + i + 1 < positions; at += stride, count++) sum += similarity(unit, positions, at, at + i + 1);
    return sum / count;
  });
}

function similarity(unit: Float32Array, positions: number, a: number, b: number): number {
  const width = unit.length / positions;
  let sum = 0;
  for (let e = 0; e < width; e++) sum += unit[a * width + e] * unit[b * width + e];
  return sum;
}
