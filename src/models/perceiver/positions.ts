/** Where an element stands, as the Perceiver tells it (arXiv 2103.03206, section 3.2): Fourier features, or learned rows. */
import { constant, type Tensor } from '../../graph/index.js';
import {
  applyMap,
  fourierFeatures,
  fourierFeaturesAt,
  type Initializer,
  linearMap,
  type PositionTable,
  type Scope,
} from '../../nn/index.js';
import { TRUNCATED_DEVIATION } from '../../random/index.js';

/** Sines and cosines of the coordinates, each in -1..1. */
export interface FourierPositions {
  kind: 'fourier';
  numBands: number;
  /** Per axis; sets the top band. Default: the size of the axis. */
  maxResolution?: readonly number[];
  /** Whether the coordinates themselves stand in front. Default true. */
  concatPosition?: boolean;
  sineOnly?: boolean;
  /**
   * What channels are ordered by first: `kind` (coordinates of all axes, then all sines, then all cosines; default), or
   * `axis` (for each axis its sines, its cosines and its coordinate).
   */
  order?: 'kind' | 'axis';
}

/** One learned row for each place. */
export interface LearnedPositions {
  kind: 'learned';
  channels: number;
  /** Sigma of the normal that the rows begin with, before it is cut at two sigma. Default 0.02. */
  deviation?: number;
}

/** Positions, projected to `projectTo` channels where that is given. */
export type Positions = (FourierPositions | LearnedPositions) & { projectTo?: number };

/** A normal with this sigma, cut at two sigma: how tables, padding and mask tokens begin. */
export function cutNormal(sigma = 0.02): Initializer {
  return { kind: 'truncatedNormal', deviation: sigma * TRUNCATED_DEVIATION };
}

/** A linear layer outside attention and MLPs: its sigma is 1 / sqrt(in) before the cut. */
export function cutFanIn(inputs: number): Initializer {
  return cutNormal(1 / Math.sqrt(inputs));
}

/**
 * Positions of a grid, row-major: `[1, prod(indexShape), C]`.
 * @param at Fourier features of freely chosen places instead, `[B or 1, K, F]` (see {@link pointFeatures}); learned rows
 *   have no places in between and are all given
 */
export function positionRows(scope: Scope, positions: Positions, indexShape: readonly number[], at?: Tensor): Tensor {
  const rows =
    positions.kind === 'learned' ? learnedRows(scope, positions, indexShape) : (at ?? grid(positions, indexShape));
  if (positions.projectTo === undefined) return rows;
  const inputs = rows.shape[2];
  const map = linearMap(scope.child('position_projection'), inputs, positions.projectTo, {
    initializer: cutFanIn(inputs),
  });
  return applyMap(map, rows);
}

function learnedRows(scope: Scope, { channels, deviation }: LearnedPositions, indexShape: readonly number[]): Tensor {
  const count = indexShape.reduce((product, n) => product * n, 1);
  return scope.parameter('positions', [count, channels], cutNormal(deviation)).reshape([1, count, channels]);
}

function grid(positions: FourierPositions, indexShape: readonly number[]): Tensor {
  const { numBands, maxResolution, concatPosition, sineOnly } = positions;
  const table = fourierFeatures(indexShape, numBands, maxResolution, concatPosition, sineOnly);
  const { data, rows, channels } = ordered(table, positions, indexShape.length);
  return constant(data, [1, rows, channels]);
}

/** A table whose channels are ordered by kind, in the order that is asked for. */
function ordered(table: PositionTable, positions: FourierPositions, axes: number): PositionTable {
  const { numBands, concatPosition = true, sineOnly = false, order = 'kind' } = positions;
  if (order === 'kind') return table;
  const first = concatPosition ? axes : 0;
  const bands = (axis: number, kind: number) =>
    Array.from({ length: numBands }, (_, band) => first + (kind * axes + axis) * numBands + band);
  const from = Array.from({ length: axes }, (_, axis) => [
    ...bands(axis, 0),
    ...(sineOnly ? [] : bands(axis, 1)),
    ...(concatPosition ? [axis] : []),
  ]).flat();
  const { rows, channels } = table;
  const data = Float32Array.from({ length: rows * channels }, (_, at) => {
    const row = Math.floor(at / channels);
    return table.data[row * channels + from[at - row * channels]];
  });
  return { data, rows, channels };
}

/**
 * Fourier features of some points of a grid that is decoded in parts: point i has -1 + 2·index/size on each axis, which is
 * not quite where {@link positionRows} puts it.
 * @param points flat, row-major indices
 * @returns `[points, C]`, to be fed
 */
export function pointFeatures(
  positions: FourierPositions,
  indexShape: readonly number[],
  points: ArrayLike<number>,
): PositionTable {
  const { numBands, maxResolution = indexShape, concatPosition, sineOnly } = positions;
  const axes = indexShape.length;
  const at = new Float64Array(points.length * axes);
  for (let point = 0; point < points.length; point++) {
    let rest = points[point];
    for (let axis = axes - 1; axis >= 0; axis--) {
      at[point * axes + axis] = -1 + (2 * (rest % indexShape[axis])) / indexShape[axis];
      rest = Math.floor(rest / indexShape[axis]);
    }
  }
  return ordered(fourierFeaturesAt(at, axes, numBands, maxResolution, concatPosition, sineOnly), positions, axes);
}

/** Channels of Fourier features over so many axes. */
export function fourierChannels(
  { numBands, concatPosition = true, sineOnly = false }: FourierPositions,
  axes: number,
): number {
  return axes * numBands * (sineOnly ? 1 : 2) + (concatPosition ? axes : 0);
}
