import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, input } from '../../src/graph/index.js';
import { atPlaces, labelsAt, maskedPlaces, maskedTokenLoss } from '../../src/objectives/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'reference' });
});
after(() => engine.dispose());

test('masked places are listed row by row, padded and cut', () => {
  const masks = [0, 1, 1, 0, 1, 0];
  assert.deepEqual([...maskedPlaces(masks)], [1, 2, 4]);
  assert.deepEqual([...maskedPlaces(masks, 5)], [1, 2, 4, -1, -1]);
  assert.deepEqual([...maskedPlaces(masks, 2)], [1, 2]);
});

test('places that hold nothing do not count in loss and accuracy', async () => {
  const logits = input('logits', [2, 3, 2]);
  const labels = input('labels', [2, 3], 'i32');
  const places = input('places', [4], 'i32');
  const { loss, accuracy } = maskedTokenLoss(atPlaces(logits, places), labelsAt(labels, places));
  const program = await engine.compile(Graph.of({ loss, accuracy }));
  const got = await program.run({
    logits: Float32Array.of(9, 0, 0, 0, 0, 2, 7, 7, 1, 0, 5, 5),
    labels: Int32Array.of(0, 1, 1, 0, 1, 0),
    places: Int32Array.of(1, 2, 4, -1),
  });
  const expected = (Math.log(2) + Math.log(1 + Math.exp(-2)) + Math.log(1 + Math.exp(1))) / 3;
  assert.ok(Math.abs(got.loss[0] - expected) < 1e-6);
  assert.ok(Math.abs(got.accuracy[0] - 1 / 3) < 1e-6);
});
