/** The order of a file's nodes, from which ONNX Runtime makes the order of a run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executionOrder } from '../../src/engine/executionPlan.js';
import {
  deepestLast,
  Graph,
  gelu,
  gradients,
  input,
  type Node,
  optimize,
  rematerialize,
} from '../../src/graph/index.js';

const x = input('x', [8, 4]);
const weights = Array.from({ length: 6 }, (_, i) => input(`w${i}`, [4, 4]));

/** Six layers that are computed again in the backward pass; the gradients of their weights. */
function deepGraph(): Graph {
  const y = weights.reduce((t, w) => rematerialize(() => t.add(gelu(t.matmul(w)).exp())), x);
  const all = gradients(y.mul(y).sum(), weights);
  return optimize(new Graph(new Map(all.map((g, i) => [`g${i}`, g]))));
}

test('each node stands after what it reads, and those that nobody reads at the end, as they were', () => {
  const { nodes } = deepGraph();
  const order = deepestLast(nodes);
  assert.deepEqual(new Set(order), new Set(nodes));
  const place = new Map(order.map((node, i) => [node, i]));
  for (const node of order) for (const t of node.inputs) assert.ok(place.get(t.node)! < place.get(node)!);
  const read = new Set(nodes.flatMap((node) => node.inputs.map((t) => t.node)));
  const unread = nodes.filter((node) => !read.has(node));
  assert.deepEqual(order.slice(-unread.length), unread);
});

test('of two inputs the one with the longest way behind it stands last', () => {
  const long = x.exp().exp().exp();
  const short = x.neg();
  for (const sum of [long.add(short), short.add(long)]) {
    const order = deepestLast(Graph.of({ sum: sum.exp() }).nodes);
    assert.ok(order.indexOf(long.node) > order.indexOf(short.node));
  }
});

test('a layer is computed again only when the gradient has come down to it', () => {
  const order = executionOrder(deepGraph());
  const isGradientOf = (node: Node, w: number) =>
    node.operator.name === 'matmul' && node.inputs.some((t) => t.node === weights[w].node) && isTransposed(node);
  const isTransposed = ({ attributes }: Node) => attributes.transB === true;
  const again = order.flatMap((node, i) =>
    'recomputed' in node.attributes && node.operator.name === 'exp' ? [i] : [],
  );
  assert.equal(again.length, weights.length);
  for (let w = 1; w < weights.length; w++) {
    const passed = order.findIndex((node) => isGradientOf(node, w));
    assert.ok(again[weights.length - w] > passed, `layer ${w - 1} before the gradient has passed layer ${w}`);
  }
});
