import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, input, type Tensor } from '../../src/graph/index.js';
import {
  averagePool,
  batchNormLayer,
  countParameters,
  doubledByRepetition,
  fromMap,
  halvedByMax,
  resizedLinearly,
  Scope,
  toMap,
} from '../../src/nn/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

async function run(
  build: (x: Tensor) => Tensor,
  shape: number[],
  feeds = {},
): Promise<{ y: number[]; shape: readonly number[] }> {
  const x = input('x', shape);
  const y = build(x);
  const values = Float32Array.from({ length: x.size }, (_, i) => i);
  const program = await engine.compile(Graph.of({ y }));
  const result = await program.run({ x: values, ...feeds });
  return { y: [...result.y], shape: y.shape };
}

test('maps and pixels change into each other', async () => {
  assert.deepEqual((await run((x) => toMap(x, [1, 3]), [1, 3, 2])).y, [0, 2, 4, 1, 3, 5]);
  assert.deepEqual(
    (await run((x) => fromMap(toMap(x, [2, 3])), [2, 6, 2])).y,
    Array.from({ length: 24 }, (_, i) => i),
  );
});

test('pooling: an odd border is left out by the maximum, and shared by means', async () => {
  assert.deepEqual(await run(halvedByMax, [1, 1, 2, 5]), { y: [6, 8], shape: [1, 1, 1, 2] });
  assert.deepEqual((await run((x) => averagePool(x, [1, 2]), [1, 1, 2, 3])).y, [2, 3]);
  assert.deepEqual((await run((x) => averagePool(x, [3, 1]), [1, 1, 2, 1])).y, [0, 0.5, 1]);
  await assert.rejects(run(halvedByMax, [1, 1, 1, 4]), /A map of 1x4 cannot be halved/);
});

test('doubling repeats or interpolates', async () => {
  assert.deepEqual((await run(doubledByRepetition, [1, 1, 1, 2])).y, [0, 0, 1, 1, 0, 0, 1, 1]);
  const { y, shape } = await run((x) => resizedLinearly(x, [1, 4]), [1, 1, 1, 2]);
  assert.deepEqual(shape, [1, 1, 1, 4]);
  assert.deepEqual(y, [0, 0.25, 0.75, 1]);
});

test('batch norm goes by its running statistics, which are no parameters; in training by the batch, and updates them', async () => {
  const feeds = {
    'parameter/n/scale': Float32Array.of(2),
    'parameter/n/offset': Float32Array.of(1),
    'parameter/n/mean': Float32Array.of(1),
    'parameter/n/variance': Float32Array.of(4 - 1e-5),
  };
  const near = (values: Iterable<number>, wanted: number[]) =>
    [...values].forEach((v, i) => assert.ok(Math.abs(v - wanted[i]) < 1e-4, `${v}, not ${wanted[i]}`));
  const shape = [1, 1, 1, 3];

  const still = Scope.root();
  near((await run((x) => batchNormLayer(still.child('n'), x), shape, feeds)).y, [0, 1, 2]);
  assert.equal(countParameters(still.needs), 2);
  const frozen = [...still.needs.parameters.values()].filter((p) => p.frozen).map(({ name }) => name);
  assert.deepEqual(frozen, ['n/mean', 'n/variance']);
  assert.equal(still.needs.updates.size, 0);

  const training = Scope.root({ training: true });
  const y = batchNormLayer(training.child('n'), input('x', shape));
  const { updates } = training.needs;
  const outputs = { y, mean: updates.get('n/mean')!, variance: updates.get('n/variance')! };
  const program = await engine.compile(Graph.of(outputs));
  const result = await program.run({ x: Float32Array.of(3, 6, 9), ...feeds });
  near(result.y, [1 - 2 * Math.sqrt(1.5), 1, 1 + 2 * Math.sqrt(1.5)]);
  near(result.mean, [0.9 + 0.6]);
  near(result.variance, [3.6 + 0.9]);
});

test('a batch of one value has no variance, and what is frozen learns nothing: both go by the running statistics', () => {
  const lone = Scope.root({ training: true });
  batchNormLayer(lone.child('n'), input('x', [1, 4, 1, 1]));
  const frozen = Scope.root({ training: true });
  batchNormLayer(frozen.frozen().child('n'), input('x', [2, 4, 3, 3]));
  for (const { needs } of [lone, frozen]) assert.equal(needs.updates.size, 0);
});
