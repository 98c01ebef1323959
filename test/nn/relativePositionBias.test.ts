import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splineMatrix } from '../../src/nn/cubicSpline.js';
import { relativePositionIndex, relativePositionRows, resizeRelativePositions } from '../../src/nn/index.js';

const close = (got: ArrayLike<number>, expected: ArrayLike<number>, within = 1e-9) => {
  assert.equal(got.length, expected.length);
  for (let i = 0; i < got.length; i++) assert.ok(Math.abs(got[i] - expected[i]) < within, `${i}: ${got[i]}`);
};

/** The spline through f at `at`, read at `to`. */
function through(at: number[], to: number[], f: (x: number) => number): number[] {
  const matrix = splineMatrix(at, to);
  return to.map((_, row) => at.reduce((total, x, i) => total + matrix[row * at.length + i] * f(x), 0));
}

test('a spline through a cubic is that cubic, on any grid; beyond the ends the end holds', () => {
  const cubic = (x: number) => 2 * x ** 3 - x ** 2 + 3 * x - 5;
  const at = [-4.5, -2, -1, 0, 0.3, 2.5, 6];
  const to = [-4.5, -3, -0.5, 0.1, 1, 5, 6];
  close(through(at, to, cubic), to.map(cubic));
  close(through(at, [-9, 7], cubic), [cubic(-4.5), cubic(6)]);
  close(through([0, 1, 3, 4], [2], cubic), [cubic(2)]);
});

test('few points give a parabola, a line, a constant', () => {
  const parabola = (x: number) => x ** 2 - x;
  close(through([0, 1, 3], [0.5, 2], parabola), [0.5, 2].map(parabola));
  close(
    through([0, 2], [1], (x) => 3 * x),
    [3],
  );
  close(
    through([5], [1, 5, 9], () => 4),
    [4, 4, 4],
  );
  assert.throws(() => splineMatrix([0, 0, 1], [0]), /increasing order/);
});

test('rows of the table for 1 x 2 patches and a class token', () => {
  assert.equal(relativePositionRows([1, 2]), 6);
  assert.deepEqual([...relativePositionIndex([1, 2])], [5, 3, 3, 4, 1, 0, 4, 2, 1]);
  assert.deepEqual([...relativePositionIndex([1, 2], { classToken: false })], [1, 0, 2, 1]);
  // Opposite offsets have rows that mirror each other.
  const index = relativePositionIndex([3, 4], { classToken: false });
  for (let q = 0; q < 12; q++) for (let k = 0; k < 12; k++) assert.equal(index[q * 12 + k] + index[k * 12 + q], 34);
});

test('resizing keeps constants and the rows of the class token, on each axis by itself', () => {
  const rows = relativePositionRows([3, 5]);
  const table = Float32Array.from({ length: 2 * rows }, (_, i) => (i < 2 * (rows - 3) ? 0.25 : i));
  for (const to of [
    [3, 5],
    [6, 5],
    [4, 9],
    [2, 2],
  ] as const) {
    const resized = resizeRelativePositions(table, [3, 5], to);
    const kept = 2 * (relativePositionRows(to) - 3);
    assert.equal(resized.length, 2 * relativePositionRows(to));
    close(resized.subarray(0, kept), new Float32Array(kept).fill(0.25), 1e-6);
    assert.deepEqual(resized.subarray(kept), table.subarray(table.length - 6));
  }
  assert.throws(() => resizeRelativePositions(new Float32Array(7), [2, 2], [3, 3]), /does not divide into the 12 rows/);
});
