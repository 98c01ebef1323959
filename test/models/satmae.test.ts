import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input } from '../../src/graph/index.js';
import { satMaeDecoder, satMaeEncoder } from '../../src/models/satmae.js';
import { satMaeVariants } from '../../src/models/satmaeVariants.js';
import { timestampFeatures } from '../../src/models/timestamps.js';
import { Scope } from '../../src/nn/index.js';
import { bandReconstructionLoss } from '../../src/objectives/index.js';
import { keyFrom, normal } from '../../src/random/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

test('features of a timestamp are sines and cosines of year, month and hour side by side', () => {
  const features = timestampFeatures([3, 11, 23, 0, 0, 0], 4);
  const expected = [3, 11, 23].flatMap((t) => [Math.sin(t), Math.sin(t / 100), Math.cos(t), Math.cos(t / 100)]);
  assert.deepEqual([...features.subarray(0, 12)], [...Float32Array.from(expected)]);
  assert.deepEqual([...features.subarray(12)], [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
  assert.throws(() => timestampFeatures([1, 2], 4), /2 numbers do not divide into timestamps/);
});

test('a model of bands takes other groups, and says what it cannot take', () => {
  const base = satMaeVariants['bands-tiny'];
  const config = { ...base, parts: { kind: 'groups' as const, groups: [[0], [2, 1]] } };
  const scope = Scope.root();
  const { tokens: encoded } = satMaeEncoder(scope, config, input('pixels', [2, 64 * 64, 3]), {
    kept: input('kept', [2, 32], 'i32'),
  });
  assert.deepEqual(encoded.shape, [2, 33, base.width]);
  const restore = input('restore', [2, 128], 'i32');
  assert.deepEqual(satMaeDecoder(scope, config, encoded, { restore }).shape, [2, 3, 64, 64]);
  assert.throws(
    () => satMaeEncoder(Scope.root(), config, input('pixels', [2, 64 * 64, 2]), {}),
    /name bands up to 2, but images have 2/,
  );
  const times = satMaeVariants['times-tiny'];
  assert.throws(
    () => satMaeEncoder(Scope.root(), times, input('pixels', [1, 3, 64 * 64, 3]), {}),
    /needs features of 3 timestamps, 16 channels for each component, not none/,
  );
});

test('predictions are compared with the bands of their own group, or slot by slot as in the reference', async () => {
  const groups = [[2], [0, 1]];
  const target = { size: [2, 2], patch: [1, 1], normalize: false, groups } as const;
  const prediction = input('prediction', [1, 3, 4, 1]);
  const pixels = input('pixels', [1, 4, 3]);
  const mask = input('mask', [1, 8]);
  const own = bandReconstructionLoss(prediction, pixels, mask, { ...target, compared: 'own' });
  const slot = bandReconstructionLoss(prediction, pixels, mask, { ...target, compared: 'slot' });
  const [gradient] = gradients(own, [prediction]);
  const program = await engine.compile(Graph.of({ own, slot, gradient }));
  const values = normal(keyFrom(1), 12);
  // Slot 0 is band 2, slot 1 band 0, slot 2 band 1: exact.
  const exact = Float32Array.from({ length: 12 }, (_, at) => values[(at % 4) * 3 + [2, 0, 1][Math.floor(at / 4)]]);
  const removed = Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0);
  const got = await program.run({ prediction: exact, pixels: values, mask: removed });
  assert.equal(got.own[0], 0);
  assert.ok(got.slot[0] > 0);
  const off = await program.run({ prediction: exact.map((x) => x + 1), pixels: values, mask: removed });
  assert.ok(Math.abs(off.own[0] - 1) < 1e-6);
  // Only removed tokens of a group pull at its slots: place 0 of slot 0, place 1 of slots 1 and 2.
  assert.deepEqual(
    [...off.gradient].flatMap((g, at) => (g === 0 ? [] : [at])),
    [0, 5, 9],
  );
});
