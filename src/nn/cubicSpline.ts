/** Interpolating cubic splines on grids whose points need not be evenly spaced. */
import { ensure } from '../errors/index.js';

/**
 * The matrix `[to.length, at.length]` that takes values at the points `at` to the not-a-knot cubic spline through them at
 * the points `to` (the third derivative is continuous at the second and the last but one point, as FITPACK's interpolating
 * spline has it). Beyond the ends the value of the nearer end holds. Three points give a parabola, two a line, one a constant.
 *
 * @param at increasing
 * @returns row-major, in double precision
 */
export function splineMatrix(at: readonly number[], to: readonly number[]): Float64Array {
  const count = at.length;
  ensure(
    count > 0 && at.every((x, i) => i === 0 || x > at[i - 1]),
    () => `A spline needs points in increasing order, not ${at.join(', ')}.`,
  );
  const bends = secondDerivatives(at);
  const matrix = new Float64Array(to.length * count);
  to.forEach((target, row) => {
    const x = Math.min(Math.max(target, at[0]), at[count - 1]);
    const put = (column: number, weight: number) => (matrix[row * count + column] += weight);
    if (count === 1) return put(0, 1);
    const left = Math.min(
      Math.max(
        at.findLastIndex((point) => point <= x),
        0,
      ),
      count - 2,
    );
    const width = at[left + 1] - at[left];
    const b = (x - at[left]) / width;
    const a = 1 - b;
    put(left, a);
    put(left + 1, b);
    for (let column = 0; column < count; column++) {
      const bend = (a ** 3 - a) * bends[left][column] + (b ** 3 - b) * bends[left + 1][column];
      put(column, (bend * width ** 2) / 6);
    }
  });
  return matrix;
}

/** Row i, column j: how the value at point j enters the spline's second derivative at point i. */
function secondDerivatives(at: readonly number[]): Float64Array[] {
  const count = at.length;
  const zeros = () => at.map(() => new Float64Array(count));
  if (count < 3) return zeros();
  const [left, right] = [zeros(), zeros()];
  const width = (i: number) => at[i + 1] - at[i];
  for (let i = 1; i < count - 1; i++) {
    left[i].set([width(i - 1), 2 * (width(i - 1) + width(i)), width(i)], i - 1);
    right[i].set([6 / width(i - 1), -6 / width(i - 1) - 6 / width(i), 6 / width(i)], i - 1);
  }
  if (count === 3) {
    // One cubic through three points is not unique: the parabola, of constant second derivative.
    left[0].set([1, -1, 0]);
    left[2].set([0, -1, 1]);
  } else {
    // Equal third derivatives on both sides of the second and of the last but one point.
    left[0].set([-width(1), width(0) + width(1), -width(0)]);
    const [before, last] = [width(count - 3), width(count - 2)];
    left[count - 1].set([-last, before + last, -before], count - 3);
  }
  return solve(left, right);
}

/** Gaussian elimination with partial pivoting: X with left · X = right. Changes both. */
function solve(left: Float64Array[], right: Float64Array[]): Float64Array[] {
  const count = left.length;
  for (let column = 0; column < count; column++) {
    let pivot = column;
    for (let row = column + 1; row < count; row++)
      if (Math.abs(left[row][column]) > Math.abs(left[pivot][column])) pivot = row;
    [left[column], left[pivot]] = [left[pivot], left[column]];
    [right[column], right[pivot]] = [right[pivot], right[column]];
    for (let row = 0; row < count; row++) {
      if (row === column || left[row][column] === 0) continue;
      const factor = left[row][column] / left[column][column];
      for (let k = column; k < count; k++) left[row][k] -= factor * left[column][k];
      for (let k = 0; k < count; k++) right[row][k] -= factor * right[column][k];
    }
  }
  return right.map((row, i) => row.map((value) => value / left[i][i]));
}
