import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderOffences, PAPER_SIDES, PAPER_SPEEDS, paperSpeed } from '../../bench/paperSpeeds.js';

test('the paper agrees with its own order, at every side', () => {
  for (const side of PAPER_SIDES) {
    const own = Object.fromEntries(Object.keys(PAPER_SPEEDS).map((row) => [row, paperSpeed(row, side)]));
    assert.deepEqual(orderOffences(side, own), []);
  }
});

test('another order is named; what did not run is the slowest', () => {
  assert.deepEqual(orderOffences(224, { 'HiP-16': 1, 'HiP-256': 2 }), ['224: HiP-16 should be faster than HiP-256']);
  assert.deepEqual(orderOffences(512, { 'HiP-16': 1, 'HiP-256': 2 }), []);
  assert.deepEqual(orderOffences(1024, { 'HiP-256': undefined, 'HiP-16': 1 }), [
    '1024: HiP-256 should be faster than HiP-16',
  ]);
  assert.deepEqual(orderOffences(2048, { 'HiP-256': 0.1, 'Perceiver IO': undefined }), []);
});

test('sides that the paper did not measure order nothing', () => {
  assert.equal(paperSpeed('HiP-16', 300), undefined);
  assert.deepEqual(orderOffences(300, { 'HiP-16': 1, 'HiP-256': 2 }), []);
});
