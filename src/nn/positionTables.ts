/** Fixed position tables: sine-cosine (transformers, MAE) and Fourier features (Perceiver). */
import { ensure } from '../errors/index.js';

/** A row-major table `[rows, channels]`. */
export interface PositionTable {
  data: Float32Array;
  rows: number;
  channels: number;
}

/**
 * Sine-cosine positions on one axis: `[sin(p w_i) | cos(p w_i)]` with w_i = 10000^(-i / (dim / 2)).
 *
 * @param positions the positions (fractions allowed), or a length n for 0..n-1
 * @param dim channels, even
 * @returns `[positions, dim]`
 */
export function sincos1d(positions: number | ArrayLike<number>, dim: number): PositionTable {
  ensure(
    Number.isInteger(dim) && dim > 0 && dim % 2 === 0,
    () => `A sine-cosine position table needs an even number of channels per axis, not ${dim}.`,
  );
  const at = typeof positions === 'number' ? Float64Array.from({ length: positions }, (_, i) => i) : positions;
  const half = dim / 2;
  const frequencies = sincosFrequencies(dim);
  const data = new Float32Array(at.length * dim);
  for (let row = 0; row < at.length; row++) {
    for (let i = 0; i < half; i++) {
      const angle = at[row] * frequencies[i];
      data[row * dim + i] = Math.sin(angle);
      data[row * dim + half + i] = Math.cos(angle);
    }
  }
  return { data, rows: at.length, channels: dim };
}

/** The w_i of {@link sincos1d}, in double precision: `[dim / 2]`. */
export function sincosFrequencies(dim: number): Float64Array {
  return Float64Array.from({ length: dim / 2 }, (_, i) => 10000 ** (-i / (dim / 2)));
}

/**
 * Sine-cosine positions on a grid of `height` x `width`, as MAE makes them: the first half of the channels tells the
 * column, the second the row; each half as in {@link sincos1d}.
 *
 * @param dim channels, divisible by 4
 * @returns `[height * width, dim]`, rows of the grid first
 */
export function sincos2d(dim: number, [height, width]: readonly [number, number]): PositionTable {
  ensure(
    Number.isInteger(dim) && dim > 0 && dim % 4 === 0,
    () => `A 2-D sine-cosine position table needs a number of channels divisible by 4, not ${dim}.`,
  );
  const half = dim / 2;
  const columns = sincos1d(width, half).data;
  const rows = sincos1d(height, half).data;
  const data = new Float32Array(height * width * dim);
  for (let h = 0, at = 0; h < height; h++) {
    for (let w = 0; w < width; w++, at += dim) {
      data.set(columns.subarray(w * half, (w + 1) * half), at);
      data.set(rows.subarray(h * half, (h + 1) * half), at + half);
    }
  }
  return { data, rows: height * width, channels: dim };
}

/**
 * Fourier features of every point of a grid (Perceiver, section 3.2; arXiv 2103.03206). Axis a of n points has the
 * positions linspace(-1, 1, n) and the bands linspace(1, maxResolution_a / 2, numBands). Channels:
 * `[position per axis | sin(pi f p), axis-major and band-minor | cos(pi f p) likewise]`.
 *
 * @param indexShape points per axis; any number of axes
 * @param maxResolution per axis, sets the top band at its Nyquist frequency; default `indexShape`
 * @param concatPosition keep the raw positions in front
 * @param sineOnly leave the cosines out
 * @returns `[prod(indexShape), axes * numBands * 2 + axes]`, last axis fastest
 */
export function fourierFeatures(
  indexShape: readonly number[],
  numBands: number,
  maxResolution: readonly number[] = indexShape,
  concatPosition = true,
  sineOnly = false,
): PositionTable {
  return fourierFeaturesAt(
    gridPositions(indexShape),
    indexShape.length,
    numBands,
    maxResolution,
    concatPosition,
    sineOnly,
  );
}

/**
 * {@link fourierFeatures} of freely chosen `positions` `[I, axes]` (a point cloud, or queries between grid points),
 * each in -1..1.
 */
export function fourierFeaturesAt(
  positions: ArrayLike<number>,
  numAxes: number,
  numBands: number,
  maxResolution: readonly number[],
  concatPosition = true,
  sineOnly = false,
): PositionTable {
  ensure(
    maxResolution.length === numAxes,
    () =>
      `Fourier features: maxResolution [${maxResolution.join(', ')}] must name one resolution for each of ${numAxes} axes.`,
  );
  ensure(
    Number.isInteger(numBands) && numBands > 0,
    () => `Fourier features: numBands is ${numBands} but must be at least 1.`,
  );
  ensure(
    positions.length % numAxes === 0,
    () => `Fourier features: ${positions.length} coordinates do not divide into points of ${numAxes} axes.`,
  );
  const bands = maxResolution.map((resolution) => linspace(1, resolution / 2, numBands));
  const rows = positions.length / numAxes;
  const numSines = numAxes * numBands;
  const sineAt = concatPosition ? numAxes : 0;
  const channels = sineAt + numSines * (sineOnly ? 1 : 2);
  const data = new Float32Array(rows * channels);
  for (let row = 0; row < rows; row++) {
    for (let axis = 0; axis < numAxes; axis++) {
      const position = positions[row * numAxes + axis];
      if (concatPosition) data[row * channels + axis] = position;
      for (let band = 0; band < numBands; band++) {
        const angle = Math.PI * bands[axis][band] * position;
        const at = row * channels + sineAt + axis * numBands + band;
        data[at] = Math.sin(angle);
        if (!sineOnly) data[at + numSines] = Math.cos(angle);
      }
    }
  }
  return { data, rows, channels };
}

/** The points of a grid in -1..1, both ends included: `[prod(indexShape), axes]`, last axis fastest. */
export function gridPositions(indexShape: readonly number[]): Float64Array {
  ensure(
    indexShape.length > 0 && indexShape.every((n) => Number.isInteger(n) && n > 0),
    () => `A grid of positions needs at least one point on each axis, not [${indexShape.join(', ')}].`,
  );
  const axes = indexShape.map((n) => linspace(-1, 1, n));
  const count = indexShape.reduce((product, n) => product * n, 1);
  const positions = new Float64Array(count * axes.length);
  for (let point = 0; point < count; point++) {
    let rest = point;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      positions[point * axes.length + axis] = axes[axis][rest % indexShape[axis]];
      rest = Math.floor(rest / indexShape[axis]);
    }
  }
  return positions;
}

/** `count` evenly spaced values from `start` to `end`, both included; `start` alone where `count` is 1. */
function linspace(start: number, end: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) =>
    count === 1 ? start : start + ((end - start) * i) / (count - 1),
  );
}
