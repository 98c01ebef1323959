import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchSizes, planRuns } from '../../src/server/batchPlan.js';
import { BatchQueue } from '../../src/server/batchQueue.js';

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A queue that doubles numbers and remembers its batches. */
function doubling(options: { batchSize?: number; waitMs?: number; expected?: () => number; takes?: number } = {}) {
  const batches: [string, number[]][] = [];
  let running = 0;
  const queue = new BatchQueue<number, number>({
    batchSize: options.batchSize ?? 4,
    waitMs: options.waitMs ?? 5,
    expected: options.expected,
    run: async (program, examples) => {
      assert.equal(running++, 0, 'batches overlap');
      batches.push([program, examples]);
      await pause(options.takes ?? 1);
      running--;
      if (examples.includes(-1)) throw new Error('no such number');
      return examples.map((x) => 2 * x);
    },
  });
  return { queue, batches };
}

test('examples that arrive together share batches of at most the batch size, in order', async () => {
  const { queue, batches } = doubling();
  const results = await Promise.all([1, 2, 3, 4, 5, 6].map((x) => queue.submit('a', x)));
  assert.deepEqual(results, [2, 4, 6, 8, 10, 12]);
  assert.deepEqual(batches, [
    ['a', [1, 2, 3, 4]],
    ['a', [5, 6]],
  ]);
  assert.equal(queue.length, 0);
});

test('an example waits for others, and no longer than it is told to', async () => {
  const { queue, batches } = doubling({ waitMs: 60 });
  const start = performance.now();
  const first = queue.submit('a', 1);
  await pause(10);
  await Promise.all([first, queue.submit('a', 2)]);
  assert.deepEqual(batches, [['a', [1, 2]]]);
  const waited = performance.now() - start;
  assert.ok(waited >= 55 && waited < 400, `${waited} ms`);
});

test('nobody waits where nobody is on the way', async () => {
  const { queue } = doubling({ waitMs: 5000, expected: () => 0 });
  assert.equal(await queue.submit('a', 1), 2);
});

test('a batch holds examples of one program; who waited longest goes first', async () => {
  const { queue, batches } = doubling({ waitMs: 0 });
  await Promise.all([queue.submit('a', 1), queue.submit('b', 2), queue.submit('a', 3)]);
  assert.deepEqual(batches, [
    ['a', [1, 3]],
    ['b', [2]],
  ]);
});

test('while a batch runs, the next one gathers', async () => {
  const { queue, batches } = doubling({ waitMs: 0, takes: 30 });
  const first = queue.submit('a', 1);
  await pause(10);
  await Promise.all([first, ...[2, 3, 4].map((x) => queue.submit('a', x))]);
  assert.deepEqual(batches, [
    ['a', [1]],
    ['a', [2, 3, 4]],
  ]);
});

test('a batch that fails fails its own examples alone', async () => {
  const { queue } = doubling({ batchSize: 1 });
  const outcomes = await Promise.allSettled([1, -1, 3].map((x) => queue.submit('a', x)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('an example that is taken back is not computed', async () => {
  const { queue, batches } = doubling({ batchSize: 1, takes: 20 });
  const abort = new AbortController();
  const kept = queue.submit('a', 1);
  const taken = queue.submit('a', 2, abort.signal);
  abort.abort(new Error('gone'));
  await assert.rejects(taken, /gone/);
  await assert.rejects(queue.submit('a', 3, abort.signal), /gone/);
  assert.equal(await kept, 2);
  assert.deepEqual(batches, [['a', [1]]]);
});

test('batch sizes are one, the largest, and powers of two between where weights are small', () => {
  assert.deepEqual(batchSizes(8, 1e6), [1, 2, 4, 8]);
  assert.deepEqual(batchSizes(6, 1e6), [1, 2, 4, 6]);
  assert.deepEqual(batchSizes(8, 4e8), [1, 8]);
  assert.deepEqual(batchSizes(1, 4e8), [1]);
});

test('a number of examples is cut into the runs that take the least time', () => {
  const linear = new Map([1, 2, 4, 8].map((size) => [size, size]));
  assert.deepEqual(
    planRuns(7, linear).reduce((a, b) => a + b),
    7,
  );
  const flat = new Map([1, 2, 4, 8].map((size) => [size, 10]));
  assert.deepEqual(planRuns(7, flat), [8]);
  assert.deepEqual(planRuns(1, flat).length, 1);
  const mixed = new Map([
    [1, 3],
    [8, 10],
  ]);
  assert.deepEqual(planRuns(3, mixed), [1, 1, 1]);
  assert.deepEqual(planRuns(4, mixed), [8]);
  assert.deepEqual(planRuns(9, mixed).sort(), [1, 8]);
  for (let count = 0; count < 40; count++)
    assert.ok(
      planRuns(count, mixed).reduce((a, b) => a + b, 0) >= count && (count > 0 || planRuns(0, mixed).length === 0),
    );
});
