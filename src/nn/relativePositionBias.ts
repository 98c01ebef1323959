/**
 * Relative position bias: a learned number for each head and each offset from a query patch to a key patch, added to the
 * scores of attention (BEiT, arXiv 2106.08254; Swin, arXiv 2103.14030, section 3.2).
 *
 * A table for a window of `[rows, columns]` patches has (2·rows - 1)·(2·columns - 1) rows, one for each offset, and one
 * column per head. With a class token, which stands before the patches, three rows follow: class to patch, patch to class,
 * class to itself.
 */
import { ensure } from '../errors/index.js';
import { concat, constant, type Tensor } from '../graph/index.js';
import { splineMatrix } from './cubicSpline.js';
import { resizedLinearly } from './featureMaps.js';

/** Rows and columns of a window of patches. */
export type Window = readonly [number, number];

/** Rows of the table that belong to the class token. */
const CLASS_ROWS = 3;

/** Rows of the table of a window. */
export function relativePositionRows([rows, columns]: Window, { classToken = true } = {}): number {
  return (2 * rows - 1) * (2 * columns - 1) + (classToken ? CLASS_ROWS : 0);
}

/** The table's row for each query and key, `[N, N]` with N = rows·columns (+ 1 with a class token, which comes first). */
export function relativePositionIndex(window: Window, { classToken = true } = {}): Int32Array {
  const [rows, columns] = window;
  const extra = classToken ? 1 : 0;
  const count = rows * columns + extra;
  const index = new Int32Array(count * count);
  for (let query = 0; query < rows * columns; query++) {
    for (let key = 0; key < rows * columns; key++) {
      const down = Math.floor(query / columns) - Math.floor(key / columns) + rows - 1;
      const across = (query % columns) - (key % columns) + columns - 1;
      index[(query + extra) * count + key + extra] = down * (2 * columns - 1) + across;
    }
  }
  if (classToken) {
    const total = relativePositionRows(window);
    for (let patch = 1; patch < count; patch++) {
      index[patch] = total - 3;
      index[patch * count] = total - 2;
    }
    index[0] = total - 1;
  }
  return index;
}

/**
 * What is added to the scores of attention inside a window, as a function of a table `[T, heads]` → `[heads, N, N]`. All
 * tables that it is given share one list of rows.
 */
export function relativePositionBias(window: Window, { classToken = true } = {}): (table: Tensor) => Tensor {
  const rows = relativePositionRows(window, { classToken });
  const values = relativePositionIndex(window, { classToken });
  const count = Math.sqrt(values.length);
  const index = constant(values, [count, count], 'i32');
  return (table) => {
    ensure(
      table.shape[0] === rows,
      () =>
        `A relative position table of ${table.shape[0]} rows does not fit ${window.join(' x ')} patches, which need ${rows}.`,
    );
    return table.transpose().gather(index, 1);
  };
}

/**
 * Inside a graph, the table `[T, heads]` of the window `from` for the window `to`, `[T', heads]`: bilinear, rows of the class
 * token kept. This is Hugging Face's rule, which takes the offsets in a table to be ordered as columns by rows; that shows in
 * windows that are not square, even where `from` and `to` are equal, and is kept so that its checkpoints mean the same here.
 */
export function resizedRelativePositions(table: Tensor, from: Window, to: Window): Tensor {
  const square = from[0] === from[1];
  if (square && from[0] === to[0] && from[1] === to[1]) return table;
  const [rows, heads] = table.shape;
  const offsets = table.slice([[0, rows - CLASS_ROWS]]).transpose();
  const map = offsets.reshape([1, heads, 2 * from[1] - 1, 2 * from[0] - 1]);
  const resized = resizedLinearly(map, [2 * to[0] - 1, 2 * to[1] - 1]);
  return concat([resized.reshape([heads, -1]).transpose(), table.slice([[rows - CLASS_ROWS, rows]])], 0);
}

/**
 * A table for another window. On each axis the old offsets are placed at distances that grow by a constant factor, near
 * ones closest, so that the outermost comes to the border of the new window; a cubic spline through them is then read at
 * the new offsets. Rows of the class token are copied. (unilm's rule for fine-tuning BEiT at a higher resolution.)
 *
 * @param table `[T, heads]` of the window `from`
 * @returns `[T', heads]` of the window `to`
 */
export function resizeRelativePositions(
  table: Float32Array,
  from: Window,
  to: Window,
  { classToken = true } = {},
): Float32Array {
  const extra = classToken ? CLASS_ROWS : 0;
  const heads = table.length / relativePositionRows(from, { classToken });
  ensure(
    Number.isInteger(heads),
    () =>
      `A relative position table of ${table.length} values does not divide into the ${relativePositionRows(from, { classToken })} rows of ${from.join(' x ')} patches.`,
  );
  if (from[0] === to[0] && from[1] === to[1]) return table.slice();
  const [oldRows, oldColumns] = from.map((size) => 2 * size - 1);
  const [newRows, newColumns] = to.map((size) => 2 * size - 1);
  const [down, across] = from.map((size, axis) => offsetMatrix(size, to[axis]));
  const grid = multiplyAxis(table.subarray(0, table.length - extra * heads), down, oldRows, oldColumns * heads);
  const out = new Float32Array((newRows * newColumns + extra) * heads);
  for (let row = 0; row < newRows; row++) {
    const line = grid.subarray(row * oldColumns * heads, (row + 1) * oldColumns * heads);
    out.set(multiplyAxis(line, across, oldColumns, heads), row * newColumns * heads);
  }
  out.set(table.subarray(table.length - extra * heads), newRows * newColumns * heads);
  return out;
}

/** Interpolation along one axis, from the offsets of a window of `from` patches to those of `to`. */
function offsetMatrix(from: number, to: number): Float64Array {
  const targets = Array.from({ length: 2 * to - 1 }, (_, i) => i - (to - 1));
  if (from === to) return splineMatrix(targets, targets);
  const side = geometricDistances(from - 1, to - 1);
  return splineMatrix([...side.map((distance) => -distance).reverse(), 0, ...side], targets);
}

/** 1, 1 + q, 1 + q + q², …: `count` distances, q (1.01 to 1.5, by bisection) such that the last comes to `reach`. */
function geometricDistances(count: number, reach: number): number[] {
  let [low, high, q] = [1.01, 1.5, 1];
  while (high - low > 1e-6) {
    q = (low + high) / 2;
    if ((1 - q ** count) / (1 - q) > reach) high = q;
    else low = q;
  }
  const distances: number[] = [];
  for (let i = 0, distance = 1; i < count; i++, distance += q ** i) distances.push(distance);
  return distances;
}

/** A matrix `[n, size]` times values `[size, inner]` → `[n, inner]`. */
function multiplyAxis(values: ArrayLike<number>, matrix: Float64Array, size: number, inner: number): Float64Array {
  const out = new Float64Array((matrix.length / size) * inner);
  for (let row = 0; row < matrix.length / size; row++) {
    for (let k = 0; k < size; k++) {
      const weight = matrix[row * size + k];
      if (weight === 0) continue;
      for (let i = 0; i < inner; i++) out[row * inner + i] += weight * values[k * inner + i];
    }
  }
  return out;
}
