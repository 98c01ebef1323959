import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockwiseMask, drawBlockwiseMask } from '../../src/objectives/index.js';
import { fold, keyFrom } from '../../src/random/index.js';

const sum = (mask: Uint8Array) => mask.reduce((total, x) => total + x, 0);

test('a mask is a function of its key, and hides no more than is asked for', () => {
  const options = { grid: [9, 14] as const, numMasked: 50, minBlock: 6 };
  const masks = Array.from({ length: 200 }, (_, i) => drawBlockwiseMask(options, fold(keyFrom(3), i)));
  assert.deepEqual(masks[7], drawBlockwiseMask(options, fold(keyFrom(3), 7)));
  assert.ok(masks.every((mask) => mask.length === 126 && sum(mask) <= 50));
  assert.ok(masks.some((mask) => sum(mask) === 50));
  assert.notDeepEqual(masks[0], masks[1]);
});

test('the first rectangle has the area, aspect and place that the numbers say', () => {
  // Area 16, aspect 1 (the middle of the logarithmic scale), top 2, left 1; then numbers that fit nowhere.
  const numbers = [0, 0.5, 0.5, 0.2];
  const mask = blockwiseMask({ grid: [8, 8], numMasked: 20 }, () => numbers.shift() ?? 0.999999);
  const inside = Array.from(mask).flatMap((x, at) => (x ? [[Math.floor(at / 8), at % 8]] : []));
  assert.equal(inside.length >= 16, true);
  for (let row = 2; row < 6; row++) for (let column = 1; column < 5; column++) assert.equal(mask[row * 8 + column], 1);
});

test('no rectangle fits: nothing is hidden, and it ends', () => {
  assert.equal(sum(blockwiseMask({ grid: [2, 2], numMasked: 3, minBlock: 16 }, () => 0.5)), 0);
  assert.equal(sum(blockwiseMask({ grid: [4, 4], numMasked: 0 }, () => 0.5)), 0);
});

test('options that make no sense are refused in one sentence', () => {
  const key = keyFrom(0);
  assert.throws(() => drawBlockwiseMask({ grid: [4, 4], numMasked: 17 }, key), /17 of 16 patches cannot be hidden/);
  assert.throws(() => drawBlockwiseMask({ grid: [0, 4], numMasked: 0 }, key), /grid of rows and columns, not \[0, 4\]/);
  assert.throws(() => drawBlockwiseMask({ grid: [4, 4], numMasked: 4, minAspect: 0 }, key), /aspect ratios from 0/);
  assert.throws(() => drawBlockwiseMask({ grid: [4, 4], numMasked: 4, minBlock: 0 }, key), /rectangles of 0 to 4/);
});
