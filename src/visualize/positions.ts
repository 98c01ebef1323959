import { sequential } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import { type Locality, locality, unitRows } from './locality.js';
import { imageFromMap, percentile } from './picture.js';
import { embedDimOf, positionsToRgb } from './positionColors.js';
import { framesFigure } from './positionsFrames.js';
import { lineFigure } from './positionsLine.js';
import { drawHeading, drawScore, type PositionsFigureOptions } from './positionsScore.js';
import { Figure } from './svg.js';

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

/**
 * All that shows whether positions were learned: the table as colours, similarities of positions, the locality score beside
 * chance, and how far away in the signal the nearest neighbours lie. An image's positions are shown as an image, those of a
 * line (samples, points along their curve) along it, those of a clip frame by frame.
 * @param table `[I, E]`
 * @param shape the index shape, of one axis or more; I is its product
 */
export function positionsFigure(
  table: Float32Array,
  shape: readonly number[],
  options: PositionsFigureOptions = {},
): Figure {
  const found = options.found ?? locality(table, shape, options.locality);
  if (shape.length === 1) return lineFigure(table, shape[0], found, options);
  if (shape.length === 2) return gridFigure(table, [shape[0], shape[1]], found, options);
  const frames = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  return framesFigure(table, [frames, shape[shape.length - 2], shape[shape.length - 1]], found, options, shape);
}

/** Positions of an image: its colours, its score, and similarity maps tiled as their positions lie. */
function gridFigure(
  table: Float32Array,
  shape: readonly [number, number],
  found: Locality,
  { title = 'Learned positions', subtitle = '', grid = [7, 7], locality: options = {} }: PositionsFigureOptions,
): Figure {
  const similar = similarityFigure(similarityMaps(table, shape, grid));
  const side = 280;
  const tall = Math.max(0.4, Math.min(1.3, shape[0] / shape[1]));
  const width = MARGIN + side + 36 + similar.width + MARGIN;
  const top = titlesHeight(width, title, subtitle) + 36;
  const mapHeight = side * tall;
  const below = top + mapHeight + 36;
  const figure = new Figure(width, Math.max(top + similar.height, below + 210) + MARGIN, title);
  drawTitles(figure, title, subtitle);
  drawHeading(figure, 'Three principal components as red, green, blue', MARGIN, top);
  const rgb = positionsToRgb(table, shape);
  const scale = Math.min(side / rgb.width, mapHeight / rgb.height);
  figure.image(rgb, MARGIN, top, rgb.width * scale, rgb.height * scale);
  drawHeading(figure, 'Similarity of single positions (ringed) to all others', MARGIN + side + 36, top);
  figure.place(similar, MARGIN + side + 36, top);
  drawScore(figure, found, shape, options, MARGIN, below, side);
  return figure;
}
