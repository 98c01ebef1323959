import { ensure } from '../errors/index.js';
import { formatNumber } from './axis.js';
import { categorical, NOT_A_NUMBER, sequential } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import { type Locality, type LocalityOptions, locality, unitRows } from './locality.js';
import { principalComponents } from './pca.js';
import { imageFromMap, percentile, type RgbImage } from './picture.js';
import { Figure } from './svg.js';

/**
 * The position table `[H*W, E]` as an image: its three principal components become red, green and blue, each scaled
 * from its 2nd to its 98th percentile. Where the table holds the image's geometry the colours flow; else they are noise.
 */
export function positionsToRgb(table: Float32Array, [height, width]: readonly [number, number]): RgbImage {
  const positions = height * width;
  const { projected } = principalComponents(table, embedDimOf(table, height, width), 3);
  const rgb = new Uint8Array(positions * 3);
  for (let d = 0; d < 3; d++) {
    const values = projected.filter((_, i) => i % 3 === d);
    const [low, high] = [percentile(values, 0.02), percentile(values, 0.98)];
    for (let p = 0; p < positions; p++) {
      rgb[3 * p + d] = high > low ? Math.round(255 * Math.min(1, Math.max(0, (values[p] - low) / (high - low)))) : 128;
    }
  }
  for (let p = 0; p < positions; p++) if (Number.isNaN(projected[3 * p])) rgb.set(NOT_A_NUMBER, 3 * p);
  return { width, height, rgb };
}

/** Cosine similarity of a few positions to all. */
export interface SimilarityMaps {
  /** `[rows * columns, H*W]`, in −1 … 1. */
  readonly maps: Float32Array;
  /** `[y, x]` in the maps of the position that each belongs to, row by row. */
  readonly positions: readonly (readonly [number, number])[];
  /** `[rows, columns]` of the grid of positions. */
  readonly grid: readonly [number, number];
  /** `[H, W]` of the maps: every position of the table, or every n-th along both axes of a very large one. */
  readonly shape: readonly [number, number];
}

/** Maps are shown this large at most: more positions than that along an axis are passed over. */
const LARGEST_MAP = 256;

/** Similarity maps of a grid of positions, evenly spread over the image: `table` `[H*W, E]`, `grid` = `[rows, columns]`. */
export function similarityMaps(
  table: Float32Array,
  shape: readonly [number, number],
  grid: readonly [number, number] = [7, 7],
): SimilarityMaps {
  const [height, width] = shape;
  const embedDim = embedDimOf(table, height, width);
  const [rows, columns] = [Math.min(grid[0], height), Math.min(grid[1], width)];
  const stride = Math.ceil(Math.max(height, width) / LARGEST_MAP);
  const [mapHeight, mapWidth] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const all = mapHeight * mapWidth;
  const unit = unitRows(table, height * width);
  const maps = new Float32Array(rows * columns * all);
  const positions = Array.from({ length: rows * columns }, (_, m): [number, number] => [
    Math.floor(((Math.floor(m / columns) + 0.5) * height) / rows),
    Math.floor((((m % columns) + 0.5) * width) / columns),
  ]);
  positions.forEach(([y, x], m) => {
    const own = (y * width + x) * embedDim;
    for (let p = 0; p < all; p++) {
      const other = (Math.floor(p / mapWidth) * width + (p % mapWidth)) * stride * embedDim;
      let sum = 0;
      for (let e = 0; e < embedDim; e++) sum += unit[own + e] * unit[other + e];
      maps[m * all + p] = sum;
    }
  });
  return {
    maps,
    positions: positions.map(([y, x]) => [Math.floor(y / stride), Math.floor(x / stride)]),
    grid: [rows, columns],
    shape: [mapHeight, mapWidth],
  };
}

/** The maps tiled as their positions lie in the image, each position marked; one colour scale for all, cut at 1 % and 99.5 %. */
export function similarityFigure({ maps, positions, grid, shape }: SimilarityMaps, size = 480): Figure {
  const [rows, columns] = grid;
  const [height, width] = shape;
  const gap = 4;
  const cell = (size - (columns - 1) * gap) / columns;
  const cellHeight = (cell * height) / width;
  const scale = cell / width;
  const figure = new Figure(size, rows * (cellHeight + gap) - gap + 26, 'Similarity maps of positions');
  const [low, high] = [percentile(maps, 0.01), percentile(maps, 0.995)];
  positions.forEach((_, m) => {
    const map = maps.subarray(m * height * width, (m + 1) * height * width);
    const left = (m % columns) * (cell + gap);
    const top = Math.floor(m / columns) * (cellHeight + gap);
    figure.image(imageFromMap(map, shape, sequential, low, high), left, top, cell, cellHeight);
  });
  positions.forEach(([y, x], m) => {
    const left = (m % columns) * (cell + gap);
    const top = Math.floor(m / columns) * (cellHeight + gap);
    const [cx, cy] = [left + (x + 0.5) * scale, top + (y + 0.5) * scale];
    const radius = Math.max(3, scale * 0.9);
    figure.circle(cx, cy, radius, { stroke: '#ffffff', strokeWidth: 2.5 });
    figure.circle(cx, cy, radius, { stroke: '#c8102e', strokeWidth: 1.25 });
  });
  drawColorBar(figure, sequential, low, high, 0, figure.height - 10, Math.min(size, 300), 'cosine similarity');
  return figure;
}

/** What is shown beside the colours. */
export interface PositionsFigureOptions {
  title?: string;
  subtitle?: string;
  /** `[rows, columns]` of similarity maps; default 7x7. */
  grid?: readonly [number, number];
  locality?: LocalityOptions;
  /** The score, where it was computed already. */
  found?: Locality;
}

/**
 * All that shows whether positions were learned: the table as colours, similarity maps of a grid of positions, the
 * locality score beside chance, and how far away in the image the nearest neighbours lie. `table`: `[H*W, E]`.
 */
export function positionsFigure(
  table: Float32Array,
  shape: readonly [number, number],
  {
    title = 'Learned positions',
    subtitle = '',
    grid = [7, 7],
    locality: options = {},
    ...rest
  }: PositionsFigureOptions = {},
): Figure {
  const found = rest.found ?? locality(table, shape, options);
  const similar = similarityFigure(similarityMaps(table, shape, grid));
  const side = 280;
  const tall = Math.max(0.4, Math.min(1.3, shape[0] / shape[1]));
  const width = MARGIN + side + 36 + similar.width + MARGIN;
  const top = titlesHeight(width, title, subtitle) + 36;
  const mapHeight = side * tall;
  const below = top + mapHeight + 36;
  const figure = new Figure(width, Math.max(top + similar.height, below + 210) + MARGIN, title);
  drawTitles(figure, title, subtitle);
  heading(figure, 'Three principal components as red, green, blue', MARGIN, top);
  const rgb = positionsToRgb(table, shape);
  const scale = Math.min(side / rgb.width, mapHeight / rgb.height);
  figure.image(rgb, MARGIN, top, rgb.width * scale, rgb.height * scale);
  heading(figure, 'Similarity of single positions (ringed) to all others', MARGIN + side + 36, top);
  figure.place(similar, MARGIN + side + 36, top);
  drawScore(figure, found, options, MARGIN, below, side);
  return figure;
}

function heading(figure: Figure, text: string, x: number, y: number): void {
  figure.text(text, x, y - 10, { size: 12, weight: 'bold' });
}

/** The score in large figures, what it means, and the histogram of the neighbours' distances, `width` pixels from (x, y). */
function drawScore(
  figure: Figure,
  { score, chance, distances }: Locality,
  { neighbours = 8, distance = 2 }: LocalityOptions,
  x: number,
  y: number,
  width: number,
): void {
  figure.text('Locality score', x, y, { size: 12, weight: 'bold' });
  figure.text(score.toFixed(2), x, y + 36, { size: 34, weight: 'bold', color: 'accent' });
  figure.text(`chance ${formatNumber(chance, 2)}`, x + 84, y + 20, { size: 12, color: 'muted' });
  figure.text(`of the ${neighbours} nearest lie within ${distance} pixels`, x + 84, y + 36, {
    size: 12,
    color: 'muted',
  });
  const bins = 16;
  const counts = new Float64Array(bins + 1); // bin b holds b < d ≤ b + 1, the last one all that is farther away
  for (const d of distances) counts[Math.min(bins, Math.ceil(d) - 1)]++;
  const largest = Math.max(1, ...counts);
  const [top, base, bar] = [y + 58, y + 152, width / (bins + 1)];
  counts.forEach((count, bin) => {
    const h = ((base - top) * count) / largest;
    const near = bin < bins && bin + 1 <= distance;
    figure.rect(x + bin * bar + 1, base - h, bar - 2, h, {
      fill: near ? categorical[0] : 'faint',
      radius: Math.min(2, h / 2),
    });
    const label = bin === bins ? `>${bins}` : [1, 2, 4, 8, 12].includes(bin + 1) ? String(bin + 1) : '';
    figure.text(label, x + (bin + 0.5) * bar, base + 16, { size: 11, anchor: 'middle', color: 'muted' });
  });
  figure.line(x, base, x + width, base, { stroke: 'faint' });
  figure.text('distance in the image, in pixels, rounded up', x, base + 34, { size: 11, color: 'muted' });
}

function embedDimOf(table: Float32Array, height: number, width: number): number {
  ensure(
    table.length > 0 && table.length % (height * width) === 0,
    () =>
      `A position table of ${table.length} values does not split into ${height}x${width} rows: check the image size.`,
  );
  return table.length / (height * width);
}
