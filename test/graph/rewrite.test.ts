/** Rewrites: what they remove, and that they never change a value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import {
  concat,
  constant,
  full,
  Graph,
  input,
  optimize,
  scalar,
  type Tensor,
  type Values,
  where,
  zeros,
} from '../../src/graph/index.js';
import { fold, type Key, keyFrom, normal, uniform } from '../../src/random/index.js';

/** Names of the operators that are left, inputs and constants aside, in order. */
function operatorsOf(...outputs: Tensor[]): string[] {
  const graph = optimize(new Graph(new Map(outputs.map((t, i) => [`y${i}`, t]))));
  return graph.nodes.map((node) => node.operator.name).filter((name) => name !== 'input' && name !== 'constant');
}

const x = input('x', [2, 3]);
const y = input('y', [3, 4]);

test('constants are folded, through several operators', () => {
  const factor = constant([1, 2, 3]).add(1).mul(scalar(2)).exp();
  assert.deepEqual(operatorsOf(x.mul(factor)), ['mul']);
});

test('a large repeated value stays a cheap expand', () => {
  const graph = optimize(Graph.of({ y: full([100, 100], 3).reshape([10_000]) }));
  assert.ok(graph.nodes.every((node) => node.operator.name !== 'constant' || node.outputs[0].size <= 1));
});

test('equal expressions are computed once, unequal ones are not merged', () => {
  assert.deepEqual(operatorsOf(x.exp().add(x.exp())), ['exp', 'add']);
  assert.deepEqual(operatorsOf(x.sum(0), x.sum(1)), ['sum', 'sum']);
  const limits = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0];
  const apart = limits.map((limit) => x.maximum(constant([limit, 1, 2])));
  assert.equal(operatorsOf(...apart).length, limits.length);
  const padded = limits.slice(0, 2).map((limit) =>
    x.pad(
      [
        [0, 1],
        [0, 0],
      ],
      limit,
    ),
  );
  assert.equal(operatorsOf(...padded).length, 2);
});

test('what no output needs falls away, inputs included', () => {
  const unused = input('unused', [5]);
  const [part] = concat([x, unused.slice([[0, 3]]).reshape([1, 3])], 0).split([2, 1], 0);
  const graph = optimize(Graph.of({ y: part.add(zeros([2, 3]).mul(0)).mul(1) }));
  assert.deepEqual([...graph.inputs.keys()], ['x', 'unused'], 'a concat is not seen through');
  assert.deepEqual([...optimize(Graph.of({ y: x.neg() })).inputs.keys()], ['x']);
});

test('identities vanish', () => {
  for (const same of [
    x.add(0),
    x.mul(1),
    x.div(1),
    x.sub(0),
    x.pow(1),
    x.stopGradient(),
    x.cast('f32'),
    x.reshape([6]).reshape([2, 3]),
    x.transpose().transpose(),
    full([3], 0).add(x),
    x.mul(full([2, 3], 1)),
  ]) {
    assert.deepEqual(operatorsOf(same), []);
  }
  assert.deepEqual(operatorsOf(constant([0], [1, 1, 1]).add(x)), ['add'], 'a neutral operand that adds axes stays');
  assert.deepEqual(operatorsOf(x.pow(2)), ['mul']);
});

test('a factor and transposes are folded into the matrix product', () => {
  assert.deepEqual(operatorsOf(x.matmul(y).mul(0.5)), ['matmul']);
  assert.deepEqual(operatorsOf(y.transpose().matmul(x.transpose())), ['matmul']);
  const product = x.matmul(y);
  assert.deepEqual(operatorsOf(product.mul(0.5), product), ['matmul', 'mul'], 'a product that is used twice stays');
  assert.deepEqual(
    operatorsOf(x.matmul(y).mul(constant([2], [1, 1, 1]))),
    ['matmul', 'mul'],
    'a factor that adds axes stays',
  );
});

test('an operand is not expanded where broadcasting serves', () => {
  assert.deepEqual(operatorsOf(x.add(input('b', [3]).expand([2, 3]))), ['add']);
  assert.deepEqual(
    operatorsOf(
      input('a', [1, 3])
        .expand([2, 3])
        .add(input('b', [3]).expand([2, 3])),
    ),
    ['expand', 'add'],
  );
});

test('names of outputs survive, also of two outputs that become one tensor', () => {
  const graph = optimize(Graph.of({ first: x.add(0), second: x.mul(1), third: x }));
  assert.deepEqual([...graph.outputs.keys()], ['first', 'second', 'third']);
});

/** A random graph of element-wise, layout, product and reduction nodes over a few inputs. */
function randomGraph(key: Key): { graph: Graph; feeds: Record<string, Values> } {
  let draws = 0;
  const pick = (n: number) => Math.floor(uniform(fold(key, 'pick', draws++), 1)[0] * n);
  const feeds: Record<string, Values> = {};
  const pool: Tensor[] = [];
  for (const shape of [[3, 3], [3, 3], [3], [1, 3], []]) {
    const name = `in${pool.length}`;
    feeds[name] = normal(
      fold(key, name),
      shape.reduce((a, b) => a * b, 1),
    );
    pool.push(input(name, shape));
  }
  for (const value of [0, 1, 2, 0.5]) pool.push(scalar(value));
  pool.push(constant([1, 1, 1]), full([3, 3], 0), full([1, 1], 1));
  const any = () => pool[pick(pool.length)];
  const matrix = () => any().expand([3, 3]);
  const makers: (() => Tensor)[] = [
    () => any().add(any()),
    () => any().sub(any()),
    () => any().mul(any()),
    () => any().mul(any()),
    () => any().div(any().tanh().add(2)),
    () => any().tanh().pow(2),
    () => any().tanh().pow(1),
    () => any().neg(),
    () => matrix().tanh().matmul(matrix().tanh()),
    () => matrix().tanh().transpose().matmul(matrix().tanh().transpose()),
    () => matrix().tanh().matmul(matrix(), { alpha: 0.5 }).mul(any().sum().tanh()),
    () => matrix().matmul(matrix().tanh()).mul(0.5),
    () => matrix().transpose(),
    () => matrix().reshape([9]).reshape([3, 3]),
    () => matrix().sum(pick(2), pick(2) === 0),
    () => matrix().mean().expand([3]),
    () => any().stopGradient(),
    () => where(any().greater(any()), any(), 1),
    () => concat([matrix(), matrix()], 0).split([2, 1, 3], 0)[2],
    () =>
      matrix()
        .slice([[0, 3, 2]])
        .pad([
          [0, 1],
          [0, 0],
        ]),
    () => matrix().softmax(pick(2)),
    () => any().maximum(any()),
  ];
  for (let i = 0; i < 30; i++) {
    const made = makers[pick(makers.length)]();
    if (made.rank <= 2) pool.push(made);
  }
  const outputs = pool.slice(-6).map((t, i) => [`out${i}`, t] as [string, Tensor]);
  const graph = new Graph(new Map(outputs));
  return { graph, feeds };
}

test('the optimised graph of random expressions has the same values', () => {
  for (let seed = 0; seed < 150; seed++) {
    const { graph, feeds } = randomGraph(fold(keyFrom(seed), 'graph'));
    const small = optimize(graph);
    assert.ok(small.nodes.length <= graph.nodes.length, `seed ${seed} grew`);
    const expected = evaluate(graph, feeds);
    for (const [name, values] of evaluate(small, feeds)) {
      const before = expected.get(name)!;
      assert.deepEqual(small.outputs.get(name)!.shape, graph.outputs.get(name)!.shape);
      // Folded constants are rounded to f32.
      const scale = Math.max(1, ...Array.from(before, Math.abs));
      values.forEach((v, i) =>
        assert.ok(Math.abs(v - before[i]) <= 1e-5 * scale, `seed ${seed}, ${name}: ${v}, not ${before[i]}`),
      );
    }
  }
});

test('a sum that is brought to its own shape keeps or drops its axes itself, unless somebody else reads it', () => {
  const z = input('z', [2, 3, 4]);
  assert.deepEqual(operatorsOf(z.sum(0).reshape([1, 3, 4]).exp()), ['sum', 'exp']);
  assert.deepEqual(operatorsOf(z.sum([0, 1], true).reshape([4]).exp()), ['sum', 'exp']);
  assert.deepEqual(operatorsOf(z.sum(0).reshape([12]).exp()), ['sum', 'reshape', 'exp']);
  const total = z.sum(0);
  assert.deepEqual(operatorsOf(total.reshape([1, 3, 4]).exp(), total.exp()), ['sum', 'reshape', 'exp', 'exp']);
});
