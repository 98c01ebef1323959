import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTurn, median, timingOf } from '../../bench/measure.js';

test('the median is the middle, or the mean of the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
  assert.deepEqual(timingOf([10, 9, 20]), { median: 10, best: 9, samples: [10, 9, 20] });
});

test('contenders take turns, beginning with another one in each round; warm-ups do not count', async () => {
  const order: string[] = [];
  const contender = (name: string) => ({
    name,
    run: async () => {
      order.push(name);
      return { part: order.length };
    },
  });
  const timings = await inTurn([contender('a'), contender('b')], { rounds: 2, warmUps: 1, pause: 0 });
  assert.equal(order.join(''), 'ab' + 'ab' + 'ba');
  assert.deepEqual(timings.a.part.samples, [3, 6]);
  assert.deepEqual(timings.b.part.samples, [4, 5]);
});

test('a contender may leave out parts that it cannot do', async () => {
  const timings = await inTurn([{ name: 'a', run: async () => ({}) }], { rounds: 1, pause: 0 });
  assert.deepEqual(timings, { a: {} });
});
