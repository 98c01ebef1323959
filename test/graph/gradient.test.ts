/** Reverse mode: where gradients flow, add up and stop; values that are computed again instead of kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, evaluate } from '../../src/engine/index.js';
import {
  constant,
  Graph,
  gradients,
  input,
  layerNorm,
  optimize,
  rematerialize,
  type Tensor,
  type Values,
} from '../../src/graph/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

function evaluated(t: Tensor, feeds: Record<string, Values> = {}): number[] {
  return Array.from(evaluate(Graph.of({ t }), feeds).get('t')!);
}

const close = (found: ArrayLike<number>, expected: ArrayLike<number>, bound = 1e-6) =>
  Array.from(found).forEach((v, i) => assert.ok(Math.abs(v - expected[i]) <= bound, `${v}, not ${expected[i]}`));

const x = input('x', [3]);
const feeds = { x: Float64Array.of(0.5, -1, 2) };

test('a value used several times gets the sum of its gradients', () => {
  const y = x.tanh();
  const [g] = gradients(y.mul(y).add(y.mul(3)).add(x).sum(), [x]);
  close(
    evaluated(g, feeds),
    feeds.x.map((v) => (2 * Math.tanh(v) + 3) * (1 - Math.tanh(v) ** 2) + 1),
  );
});

test('nothing flows through stopGradient, comparisons and whole numbers', () => {
  const [g] = gradients(x.mul(x.stopGradient()).add(x.cast('i32').cast('f32')).add(x.greater(0).cast('f32')).sum(), [
    x,
  ]);
  close(evaluated(g, feeds), feeds.x);
});

test('what the loss does not depend on gets zeros of its shape', () => {
  const [g] = gradients(x.sum(), [input('other', [2, 2])]);
  assert.deepEqual(g.shape, [2, 2]);
  close(evaluated(g), [0, 0, 0, 0]);
});

test('no gradient is computed into inputs that are not asked for', () => {
  const images = input('images', [8, 4]);
  const weight = input('weight', [4, 2]);
  const [g] = gradients(images.matmul(weight).sum(), [weight]);
  const products = new Graph(new Map([['g', g]])).nodes.filter((node) => node.operator.name === 'matmul');
  assert.deepEqual(
    products.map((node) => node.outputs[0].shape),
    [[4, 2]],
  );
});

test('an inner value and its source can both be asked for', () => {
  const y = x.mul(2);
  const [gy, gx] = gradients(y.mul(y).sum(), [y, x]);
  close(
    evaluated(gy, feeds),
    feeds.x.map((v) => 4 * v),
  );
  close(
    evaluated(gx, feeds),
    feeds.x.map((v) => 8 * v),
  );
});

test('gradients of gradients', () => {
  const [first] = gradients(x.pow(3).mul(x.sin()).sum(), [x]);
  const [second] = gradients(first.sum(), [x]);
  close(
    evaluated(second, feeds),
    feeds.x.map((v) => 6 * v * Math.sin(v) + 6 * v * v * Math.cos(v) - v ** 3 * Math.sin(v)),
    1e-5,
  );
});

test('a gradient penalty can be differentiated: through softmax, products and layer norm', () => {
  const w = input('w', [3, 3]);
  const net = (weight: Tensor) =>
    layerNorm(x.reshape([1, 3]).matmul(weight), constant([1, 2, 1]), constant([0, 0, 0]))
      .softmax()
      .mul(constant([1, -1, 2]))
      .sum();
  const penalty = (weight: Tensor) => {
    const [g] = gradients(net(weight), [x]);
    return g.mul(g).sum();
  };
  const [analytic] = gradients(penalty(w), [w]);
  const at = { ...feeds, w: Float64Array.from(normal(keyFrom(3), 9)) };
  const found = evaluated(analytic, at);
  const scalar = Graph.of({ p: penalty(w) });
  const numeric = found.map((_, i) => {
    const shifted = (by: number) =>
      evaluate(scalar, { ...at, w: at.w.map((v, j) => (i === j ? v + by : v)) }).get('p')![0];
    return (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
  });
  close(found, numeric, 1e-5 * Math.max(1, ...numeric.map(Math.abs)));
});

test('a loss of several numbers is refused', () => {
  assert.throws(() => gradients(x, [x]), /the loss must be one number, not input:f32\[3\]/);
});

/** Residual blocks whose weights are made inside the block, kept or computed again. */
function blocks(depth: number, block: (build: () => Tensor) => Tensor) {
  const weights: Tensor[] = [];
  let h: Tensor = input('h', [4, 6]);
  for (let i = 0; i < depth; i++) {
    const before = h;
    h = block(() => {
      const [w, v] = [input(`w${i}`, [6, 12]), input(`v${i}`, [12, 6])];
      weights.push(w, v);
      return before.add(before.matmul(w).mul(0.5).tanh().pow(2).matmul(v));
    });
  }
  const loss = h.mul(h).mean();
  const all = gradients(loss, weights);
  return Graph.of({ loss, ...Object.fromEntries(all.map((g, i) => [`g${i}`, g])) });
}

const blockFeeds = Object.fromEntries(
  [
    ['h', 24],
    ...[0, 1, 2].flatMap(
      (i) =>
        [
          [`w${i}`, 72],
          [`v${i}`, 72],
        ] as [string, number][],
    ),
  ].map(([name, n]) => [name, normal(fold(keyFrom(1), name as string), n as number).map((v) => v * 0.5)]),
);
const kept = blocks(3, (build) => build());
const recomputed = blocks(3, rematerialize);
const count = (graph: Graph, name: string) => graph.nodes.filter((node) => node.operator.name === name).length;

test('rematerialised regions are computed twice, and rewriting does not merge the two', () => {
  assert.equal(count(optimize(kept), 'tanh'), 3);
  assert.equal(count(recomputed, 'tanh'), 6);
  assert.equal(count(optimize(recomputed), 'tanh'), 6);
  // Of each block's forward products only the first is needed again.
  assert.equal(count(optimize(recomputed), 'matmul'), count(optimize(kept), 'matmul') + 3);
});

test('the backward pass reads no inner value of a region, only what entered and left it', () => {
  const graph = optimize(recomputed);
  const tanhs = graph.nodes.filter((node) => node.operator.name === 'tanh');
  for (const node of tanhs.filter((n) => !('recomputed' in n.attributes))) {
    const readers = graph.nodes.filter((other) => other.inputs.includes(node.outputs[0]));
    assert.equal(readers.length, 1, 'only the forward pass reads the original');
  }
});

test('recomputed gradients are equal on the reference and in a compiled session', async () => {
  const expected = evaluate(kept, blockFeeds);
  for (const [name, values] of evaluate(recomputed, blockFeeds)) close(values, expected.get(name)!, 1e-12);
  await using engine = await createEngine({ device: 'cpu' });
  const results = await (await engine.compile(recomputed)).run(blockFeeds);
  for (const [name, values] of expected) close(results[name], values, 1e-5);
});

test('a value inside a region may be asked for, and a region may use another', () => {
  const w = input('w', [3]);
  const inner = rematerialize(() => x.mul(w).tanh());
  const outer = rematerialize(() => inner.mul(w).sin().mul(inner));
  const [gw, gInner] = gradients(outer.add(inner).sum(), [w, inner]);
  const plainInner = x.mul(w).tanh();
  const plain = gradients(plainInner.mul(w).sin().mul(plainInner).add(plainInner).sum(), [w, plainInner]);
  const at = { ...feeds, w: Float64Array.of(1, 2, -0.5) };
  close(evaluated(gw, at), evaluated(plain[0], at), 1e-12);
  close(evaluated(gInner, at), evaluated(plain[1], at), 1e-12);
});
