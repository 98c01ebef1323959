import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { elementwisePlan } from '../../src/engine/elementwise/index.js';
import { createEngine, type Engine, evaluate, type Residency } from '../../src/engine/index.js';
import { concat, Graph, input, optimize, type Tensor } from '../../src/graph/index.js';
import { adamw, lamb, sgd, updateGraph } from '../../src/optim/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

const planOf = (outputs: Record<string, Tensor>, residency: Residency) =>
  elementwisePlan(optimize(Graph.of(outputs)), residency);
const positive = (name: string, n: number) => normal(fold(keyFrom(5), name), n).map((v) => Math.abs(v) + 0.5);

/** Runs a graph whose inputs and outputs are all buffers, and compares with the reference's meaning. */
async function check(build: (a: Tensor, b: Tensor) => Tensor, n: number): Promise<void> {
  const [a, b] = [input('a', [n]), input('b', [n])];
  const graph = Graph.of({ y: build(a, b) });
  const residency = { inputs: { a: 'A', b: 'B' }, outputs: { y: 'Y' } };
  assert.ok(elementwisePlan(optimize(graph), residency), 'it is run as passes');
  const values = { a: positive('a', n), b: positive('b', n) };
  const type = { shape: [n], dtype: 'f32' as const };
  const program = await engine.compile(graph, residency);
  await engine.write({
    A: { type, values: values.a },
    B: { type, values: values.b },
    Y: { type, values: new Float32Array(n) },
  });
  await program.run();
  const got = (await engine.read(['Y'])).get('Y')!;
  const expected = evaluate(graph, values).get('y')!;
  got.forEach((v, i) =>
    assert.ok(Math.abs(v - expected[i]) <= 1e-6 * (1 + Math.abs(expected[i])), `${i}: ${v} ${expected[i]}`),
  );
  await program.dispose();
  await engine.free(['A', 'B', 'Y']);
}

test('every operation on any number of elements equals the reference', async () => {
  for (const n of [1, 3, 4, 5, 8, 31, 1000]) {
    await check((a, b) => a.add(b).mul(a).sub(b.div(a)), n);
    await check((a, b) => a.neg().abs().sqrt().maximum(b).minimum(a.mul(1.5)), n);
  }
});

test('sums are exact over many elements', async () => {
  const n = 1_000_003;
  const type = { shape: [n], dtype: 'f32' as const };
  const x = input('x', [n]);
  const graph = Graph.of({ next: x.mul(0.5), total: x.sum() });
  const residency = { inputs: { x: 'X' }, outputs: { next: 'X' } };
  const program = await engine.compile(graph, residency);
  await engine.write({ X: { type, values: new Float32Array(n).fill(0.1) } });
  const { total } = await program.run();
  assert.ok(Math.abs(total[0] / (n * Math.fround(0.1)) - 1) < 1e-7);
  assert.ok(
    Math.abs((await engine.read(['X'])).get('X')![n - 1] - 0.05) < 1e-8,
    'the buffer is written after it was summed',
  );
  await program.dispose();
  await engine.free(['X']);
});

test('optimisers that look at each number alone are passes; others are left to ONNX Runtime', () => {
  const parameters = [
    { name: 'w', shape: [5, 3] },
    { name: 'b', shape: [3] },
    { name: 'c', shape: [4] },
  ];
  const groups = new Map(parameters.map((p) => [p.name, { learningRateScale: 1, weightDecay: 0.1 }]));
  const planned = (optimizer: ReturnType<typeof adamw>) => {
    const update = updateGraph(parameters, { optimizer, groups, clipNorm: 1, emaDecay: 0.9 });
    return elementwisePlan(optimize(update.graph), update.residency);
  };
  assert.equal(planned(adamw())?.kernels.length, 2, 'one kernel sums squares, one updates');
  assert.equal(planned(adamw())?.passes.length, 6, 'two passes for each parameter, joined in the graph or not');
  assert.ok(planned(sgd({ momentum: 0.9 })));
  assert.equal(planned(lamb()), undefined);
});

test('a parameter of one row is updated in passes, and counts in the norm', async () => {
  const parameters = [
    { name: 'token', shape: [1, 1, 4] },
    { name: 'w', shape: [2, 3] },
  ];
  const groups = new Map(parameters.map((p) => [p.name, { learningRateScale: 1, weightDecay: 0 }]));
  const { graph, residency, feeds } = updateGraph(parameters, { optimizer: sgd({ momentum: 0 }), groups });
  assert.ok(elementwisePlan(optimize(graph), residency));
  const program = await engine.compile(graph, residency);
  const filled = (value: number, shape: number[]) => ({
    type: { shape, dtype: 'f32' as const },
    values: new Float32Array(shape.reduce((a, b) => a * b)).fill(value),
  });
  for (const { name, shape } of parameters)
    await engine.write({
      [`parameter/${name}`]: filled(1, shape),
      [`gradient/${name}`]: filled(name === 'w' ? 2 : 1, shape),
    });
  const { gradientNorm } = await program.run(feeds(1, 0.5));
  assert.ok(Math.abs(gradientNorm[0] - Math.sqrt(4 * 1 + 6 * 4)) < 1e-6, `${gradientNorm[0]}`);
  assert.deepEqual([...(await engine.read(['parameter/token'])).get('parameter/token')!], [0.5, 0.5, 0.5, 0.5]);
  await program.dispose();
  await engine.free(parameters.flatMap(({ name }) => [`parameter/${name}`, `gradient/${name}`]));
});

test('what cannot be done in place, or is not element-wise, has no plan', () => {
  const [a, b] = [input('a', [4, 4]), input('b', [4, 4])];
  const residency = { inputs: { a: 'A', b: 'B' }, outputs: { x: 'A', y: 'B' } };
  assert.ok(planOf({ x: a.add(b), y: b.mul(2) }, residency), 'one pass reads both before it writes either');
  assert.equal(planOf({ x: a.matmul(b), y: b.mul(2) }, residency), undefined);
  assert.equal(planOf({ x: a.add(b.transpose()), y: b.mul(2) }, residency), undefined);
  assert.equal(planOf({ x: a.mul(b.sum().div(2)), y: b.add(a.sum()) }, { ...residency, guard: 'ok' }), undefined);
  assert.equal(planOf({ x: a.add(1) }, { inputs: { a: 'A' } }), undefined, 'nothing stays');
  assert.equal(planOf({ x: a.add(b.slice([[0, 1]])), y: b }, residency), undefined);
});

test('several programs share buffers, which stay when a new program makes the memory grow', async () => {
  const type = { shape: [6], dtype: 'f32' as const };
  const add = async (from: string, to: string) => {
    const [x, y] = [input('x', [6]), input('y', [6])];
    return engine.compile(Graph.of({ sum: concat([x.add(y)], 0) }), {
      inputs: { x: from, y: to },
      outputs: { sum: to },
    });
  };
  const fill = (v: number) => ({ type, values: new Float32Array(6).fill(v) });
  await engine.write({ P: fill(1), Q: fill(10) });
  const first = await add('P', 'Q');
  await first.run();
  await engine.write({ R: fill(100) });
  const second = await add('Q', 'R');
  await second.run();
  await first.run();
  const values = await engine.read(['P', 'Q', 'R']);
  assert.deepEqual(
    ['P', 'Q', 'R'].map((name) => values.get(name)![5]),
    [1, 12, 111],
  );
  await engine.write({ P: { type: { shape: [7], dtype: 'f32' }, values: new Float32Array(7) } });
  await assert.rejects(first.run(), /"P" has another size/);
  await first.dispose();
  await second.dispose();
  await engine.free(['P', 'Q', 'R']);
});

test('a buffer of another size than a new program asks for keeps its values', async () => {
  const type = { shape: [3], dtype: 'f32' as const };
  await engine.write({ S: { type, values: Float32Array.of(1, 2, 3) } });
  const x = input('x', [5]);
  const program = await engine.compile(Graph.of({ y: x.mul(2) }), { inputs: { x: 'S' }, outputs: { y: 'S' } });
  assert.deepEqual(Array.from((await engine.read(['S'])).get('S')!), [1, 2, 3]);
  await assert.rejects(program.run(), /"S" has another size/);
  await program.dispose();
  await engine.free(['S']);
});
