import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskFromOrder, maskNoise, numKept, orderByNoise, orderOfParts } from '../../src/objectives/index.js';
import { keyFrom } from '../../src/random/index.js';

test('tokens with the smallest noise are kept, in ascending order of it', () => {
  const order = orderByNoise([0.3, 0.1, 0.9, 0.2, 0.5, 0.6, 0.4, 0.7], 4);
  assert.deepEqual([...order], [1, 3, 0, 2, 2, 0, 1, 3]);
  const { kept, restore, mask } = maskFromOrder(order, 4, 2);
  assert.deepEqual([...kept], [1, 3, 2, 0]);
  assert.deepEqual([...mask], [1, 0, 1, 0, 0, 1, 0, 1]);
  assert.deepEqual([...restore], [2, 0, 3, 1, 1, 2, 0, 3]);
});

test('restoring puts every token back, whatever is kept', () => {
  const length = 25;
  const order = orderByNoise(maskNoise(keyFrom(1), 3, length), length);
  for (const count of [1, 6, 25]) {
    const { restore, mask } = maskFromOrder(order, length, count);
    restore.forEach((rank, at) => {
      const example = Math.floor(at / length);
      assert.equal(order[example * length + rank], at % length);
      assert.equal(mask[at], rank < count ? 0 : 1);
    });
  }
});

test('parts that share places keep the same ones, part by part', () => {
  const order = orderOfParts(Int32Array.of(2, 0, 1), 3, 2, 1);
  assert.deepEqual([...order], [2, 5, 0, 1, 3, 4]);
  assert.deepEqual([...maskFromOrder(order, 6, 2).mask], [1, 1, 0, 1, 1, 0]);
});

test('the noise is a function of the key', () => {
  assert.deepEqual(maskNoise(keyFrom(7), 2, 9), maskNoise(keyFrom(7), 2, 9));
  assert.notDeepEqual(maskNoise(keyFrom(7), 2, 9), maskNoise(keyFrom(8), 2, 9));
});

test('a ratio that leaves nothing, or is none, is refused', () => {
  assert.equal(numKept(49, 0.75), 12);
  assert.equal(numKept(2, 0.75, 0), 0);
  assert.throws(() => numKept(2, 0.75), /leaves 0 of 2 tokens: lower it/);
  assert.throws(() => numKept(4, 1), /must lie in 0 to 1, 1 excluded/);
});
