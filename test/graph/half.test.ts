/** Half precision: every value there and back, and the rounding of what lies between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { fromHalfBits, Graph, input, roundToHalf, toHalfBits } from '../../src/graph/index.js';

test('all finite halves and the infinities survive the way to numbers and back', () => {
  const all = Uint16Array.from({ length: 1 << 16 }, (_, i) => i).filter((h) => (h & 0x7fff) <= 0x7c00);
  assert.deepEqual(toHalfBits(fromHalfBits(all)), all);
  assert.equal(fromHalfBits([0x7bff])[0], 65504);
  assert.equal(fromHalfBits([1])[0], 2 ** -24);
  assert(Number.isNaN(fromHalfBits(toHalfBits([Number.NaN]))[0]));
});

test('what lies between two halves goes to the nearer, and half-way to the even one', () => {
  assert.equal(roundToHalf(2049), 2048);
  assert.equal(roundToHalf(2051), 2052);
  assert.equal(roundToHalf(-2049.01), -2050);
  assert.equal(roundToHalf(1 + 2 ** -11), 1);
  assert.equal(roundToHalf(1 + 3 * 2 ** -11), 1 + 2 ** -9);
  assert.equal(roundToHalf(2 ** -25), 0);
  assert.equal(roundToHalf(3 * 2 ** -25), 2 ** -23);
  assert.equal(roundToHalf(65519), 65504);
  assert.equal(roundToHalf(65520), Number.POSITIVE_INFINITY);
  assert.equal(roundToHalf(-1e6), Number.NEGATIVE_INFINITY);
});

test('the reference device rounds f16 tensors at every operator', () => {
  const x = input('x', [2]).cast('f16');
  const found = evaluate(Graph.of({ y: x.add(1).mul(3).cast('f32') }), { x: Float32Array.of(0.1, 2047.4) });
  assert.deepEqual(
    Array.from(found.get('y')!),
    [roundToHalf(0.1), roundToHalf(2047.4)].map((v) => roundToHalf(roundToHalf(v + 1) * 3)),
  );
});
