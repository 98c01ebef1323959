/**
 * Resizing of tables and images on any number of axes: position tables for another input size, masks and pictures.
 *
 * Sampling follows PyTorch's `interpolate` with `align_corners=False`: half-pixel centres, border clamped, no
 * antialiasing, cubic with a = -0.75. Interpolation is separable, so each axis is resized in turn.
 */
import { ensure, unknownName } from '../errors/index.js';
import { concat, constant, type Tensor } from '../graph/index.js';

/** `nearest` takes floor(i * old / new) as PyTorch's mode of this name; `nearest-exact` takes the nearest centre. */
export type InterpolationMode = 'nearest' | 'nearest-exact' | 'linear' | 'cubic';

/** The source samples that make up each target sample of one axis: `[size, taps]`. */
interface Taps {
  count: number;
  index: Int32Array;
  weight: Float64Array;
}

/**
 * Resizes some axes of a row-major array.
 *
 * @param data values of `shape`
 * @param newSizes axis → new size; an axis that is absent, or keeps its size, is left exactly as it is
 * @returns the new values and shape
 */
export function interpolate(
  data: Float32Array,
  shape: readonly number[],
  newSizes: Readonly<Record<number, number>>,
  mode: InterpolationMode,
): { data: Float32Array; shape: number[] } {
  ensure(
    data.length === product(shape),
    () => `Interpolation: ${data.length} values do not have the shape [${shape.join(', ')}].`,
  );
  let values: Float32Array = data.slice();
  const newShape = [...shape];
  for (const [key, size] of Object.entries(newSizes)) {
    const axis = Number(key);
    ensure(
      Number.isInteger(axis) && axis >= 0 && axis < shape.length,
      () => `Interpolation: axis ${key} does not exist in the shape [${shape.join(', ')}].`,
    );
    ensure(
      Number.isInteger(size) && size > 0 && shape[axis] > 0,
      () =>
        `Interpolation: axis ${axis} of size ${shape[axis]} cannot be resized to ${size}; sizes are whole numbers of at least 1.`,
    );
    if (size === newShape[axis]) continue;
    values = resizeAxis(values, newShape, axis, tapsOf(newShape[axis], size, mode));
    newShape[axis] = size;
  }
  return { data: values, shape: newShape };
}

/**
 * Resizes a table of position embeddings from one grid to another, of any number of axes.
 *
 * @param table `[prefixRows + prod(fromShape), E]`, last grid axis fastest
 * @param fromShape grid of the table, for example `[14, 14]` or `[8, 14, 14]`
 * @param toShape grid wanted
 * @param prefixRows rows in front that have no place on the grid (class token), copied
 * @returns `[prefixRows + prod(toShape), E]`
 */
export function resizePositions(
  table: Float32Array,
  fromShape: readonly number[],
  toShape: readonly number[],
  mode: InterpolationMode = 'cubic',
  prefixRows = 0,
): Float32Array {
  ensure(
    fromShape.length === toShape.length,
    () =>
      `A position table on a grid of [${fromShape.join(', ')}] cannot be resized to [${toShape.join(', ')}]; give both the same number of axes.`,
  );
  const rows = prefixRows + product(fromShape);
  const channels = table.length / rows;
  ensure(
    Number.isInteger(channels),
    () =>
      `A position table of ${table.length} values does not divide into ${rows} rows for the grid [${fromShape.join(', ')}].`,
  );
  const prefix = table.subarray(0, prefixRows * channels);
  const grid = table.subarray(prefix.length);
  const resized = interpolate(grid, [...fromShape, channels], { ...toShape }, mode).data;
  const out = new Float32Array(prefix.length + resized.length);
  out.set(prefix);
  out.set(resized, prefix.length);
  return out;
}

/**
 * {@link resizePositions} inside a graph, so that gradients reach the table as it is stored: `[1, prefixRows + prod(from), E]`
 * → `[1, prefixRows + prod(to), E]`, bicubic, for grids of rows and columns.
 */
export function resizedPositions(
  table: Tensor,
  from: readonly [number, number],
  to: readonly [number, number],
  prefixRows = 0,
): Tensor {
  if (from[0] === to[0] && from[1] === to[1]) return table;
  const channels = table.shape[2];
  const prefix = prefixRows > 0 ? [table.slice([undefined, [0, prefixRows]])] : [];
  const grid = prefixRows > 0 ? table.slice([undefined, [prefixRows, table.shape[1]]]) : table;
  const inRows = resizingMatrix(from[0], to[0]).matmul(grid.reshape([from[0], from[1] * channels]));
  const resized = resizingMatrix(from[1], to[1]).matmul(inRows.reshape([to[0], from[1], channels]));
  return concat([...prefix, resized.reshape([1, to[0] * to[1], channels])], 1);
}

/** The matrix `[to, from]` of a resize along one axis. */
export function resizingMatrix(from: number, to: number, mode: InterpolationMode = 'cubic'): Tensor {
  const identity = Float32Array.from({ length: from * from }, (_, i) => Number(i % (from + 1) === 0));
  return constant(interpolate(identity, [from, from], { 0: to }, mode).data, [to, from]);
}

/** Applies `taps` along one axis, seeing the array as `[outer, size, inner]`. */
function resizeAxis(data: Float32Array, shape: readonly number[], axis: number, taps: Taps): Float32Array {
  const outer = product(shape.slice(0, axis));
  const inner = product(shape.slice(axis + 1));
  const from = shape[axis];
  const to = taps.index.length / taps.count;
  const out = new Float32Array(outer * to * inner);
  const sums = new Float64Array(inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < to; i++) {
      sums.fill(0);
      for (let tap = i * taps.count; tap < (i + 1) * taps.count; tap++) {
        const weight = taps.weight[tap];
        const base = (o * from + taps.index[tap]) * inner;
        for (let k = 0; k < inner; k++) sums[k] += weight * data[base + k];
      }
      out.set(sums, (o * to + i) * inner);
    }
  }
  return out;
}

function tapsOf(from: number, to: number, mode: InterpolationMode): Taps {
  const weightsAt = MODES[mode];
  if (!weightsAt) throw unknownName('interpolation mode', mode, Object.keys(MODES));
  const rows = Array.from({ length: to }, (_, i) => weightsAt(i, from, to));
  const count = rows[0].weights.length;
  const index = new Int32Array(to * count);
  const weight = new Float64Array(to * count);
  rows.forEach(({ first, weights }, i) => {
    weights.forEach((w, tap) => {
      index[i * count + tap] = Math.min(Math.max(first + tap, 0), from - 1);
      weight[i * count + tap] = w;
    });
  });
  return { count, index, weight };
}

/** The first source sample (before clamping to the border) and the weights of it and its followers, for target `i`. */
const MODES: Record<InterpolationMode, (i: number, from: number, to: number) => { first: number; weights: number[] }> =
  {
    // In single precision, as PyTorch computes it: i * from / to may fall on either side of a whole number.
    nearest: (i, from, to) => ({ first: Math.floor(Math.fround(i * Math.fround(from / to))), weights: [1] }),
    'nearest-exact': (i, from, to) => ({
      first: Math.floor(Math.fround((i + 0.5) * Math.fround(from / to))),
      weights: [1],
    }),
    linear: (i, from, to) => {
      const { first, fraction } = centre(i, from, to);
      return { first, weights: [1 - fraction, fraction] };
    },
    cubic: (i, from, to) => {
      const { first, fraction } = centre(i, from, to);
      return { first: first - 1, weights: [1 + fraction, fraction, 1 - fraction, 2 - fraction].map(cubicKernel) };
    },
  };

/** Where the centre of target sample `i` falls among the source samples. */
function centre(i: number, from: number, to: number): { first: number; fraction: number } {
  const position = ((i + 0.5) * from) / to - 0.5;
  const first = Math.floor(position);
  return { first, fraction: position - first };
}

/** Keys' cubic convolution kernel with a = -0.75 at a distance of 0 to 2 samples. */
function cubicKernel(distance: number): number {
  const a = -0.75;
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
