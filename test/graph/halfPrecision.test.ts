/** Mixed precision as a rewrite: what is computed in halves, what is not, and how little it changes the results. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { Graph, gradients, halfPrecision, input, type Node, optimize, type Values } from '../../src/graph/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

const isWeight = (name: string) => name.startsWith('w');

/** A norm, attention to itself and a linear map with their gradients: `x` and `target` are signals, `w…` weights. */
function attentionStep(rows: number, channels: number): Graph {
  const [x, target] = [input('x', [2, rows, channels]), input('target', [2, rows, channels])];
  const [w, wScale, wOffset] = [
    input('w', [channels, channels]),
    input('wScale', [channels]),
    input('wOffset', [channels]),
  ];
  const z = x.layerNorm(wScale, wOffset);
  const q = z.matmul(w);
  const weights = q.matmul(z, { transB: true, alpha: 1 / Math.sqrt(channels) }).softmax();
  const error = x.add(weights.matmul(z).squaredRelu()).matmul(w).sub(target);
  const loss = error.mul(error).mean();
  const [dw, dScale, dOffset] = gradients(loss, [w, wScale, wOffset]);
  return Graph.of({ loss, dw, dScale, dOffset });
}

function feedsOf(graph: Graph): Record<string, Values> {
  return Object.fromEntries([...graph.inputs].map(([name, t], i) => [name, normal(fold(keyFrom(3), i), t.size)]));
}

const named = (graph: Graph, ...names: string[]): Node[] => graph.nodes.filter((n) => names.includes(n.operator.name));
const dtypes = (nodes: Node[]) => [...new Set(nodes.map((n) => n.outputs[0].dtype))];

test('products, softmax and norms are halves; sums, statistics, inputs and outputs are floats', () => {
  const half = halfPrecision(optimize(attentionStep(6, 8)), isWeight);
  assert.deepEqual(dtypes(named(half, 'matmul', 'softmax', 'layerNorm', 'squaredRelu')), ['f16']);
  assert.deepEqual(dtypes(named(half, 'sum', 'mean', 'input')), ['f32']);
  for (const { outputs } of named(half, 'layerNorm'))
    assert.deepEqual([outputs[1].dtype, outputs[2].dtype], ['f32', 'f32']);
  for (const t of half.outputs.values()) assert.equal(t.dtype, 'f32');
});

test('no value is cast to and fro, and each weight is cast once', () => {
  const half = halfPrecision(optimize(attentionStep(6, 8)), isWeight);
  const casts = named(half, 'cast');
  assert.deepEqual(
    casts.filter((n) => n.inputs[0].node.operator.name === 'cast'),
    [],
  );
  const ofWeights = casts
    .filter((n) => n.inputs[0].node.operator.name === 'input')
    .map((n) => n.inputs[0].node.attributes.name);
  assert.equal(new Set(ofWeights).size, ofWeights.length);
  assert(ofWeights.includes('w'));
});

test('the error of the loss is computed in f32', () => {
  const half = halfPrecision(optimize(attentionStep(6, 8)), isWeight);
  const differences = named(half, 'sub').filter((n) => n.inputs.some((t) => t.node.attributes.name === 'target'));
  assert.deepEqual(dtypes(differences), ['f32']);
});

test('loss and gradients are those of f32 within one percent', () => {
  const graph = optimize(attentionStep(12, 16));
  const feeds = feedsOf(graph);
  const [exact, found] = [graph, halfPrecision(graph, isWeight)].map((g) => evaluate(g, feeds));
  for (const [name, values] of exact) {
    const got = found.get(name)!;
    const size = Math.hypot(...values);
    const error = Math.hypot(...values.map((v, i) => v - got[i]));
    assert(error > 0 && error < 1e-2 * size, `${name}: ${error} of ${size}`);
  }
});

test('the gradient of a weight over many rows is summed in short parts', () => {
  const [x, w] = [input('x', [3, 1000, 4]), input('w', [4, 5])];
  const y = x.matmul(w);
  const [dw] = gradients(y.mul(y).mean(), [w]);
  const graph = optimize(Graph.of({ dw }));
  const half = halfPrecision(graph, isWeight);
  const products = named(half, 'matmul').filter((n) => n.attributes.transA);
  assert.deepEqual(
    products.map((n) => n.inputs[0].shape),
    [[3, 1000, 4]],
  );
  assert.equal(products[0].outputs[0].dtype, 'f16');
  const feeds = { x: normal(keyFrom(1), 12000), w: normal(keyFrom(2), 20) };
  const [exact, found] = [graph, half].map((g) => evaluate(g, feeds).get('dw')!);
  exact.forEach((v, i) => assert(Math.abs(v - found[i]) < 2e-3 * Math.abs(v), `${found[i]}, not ${v}`));
});

test('a sum that cannot be cut stays in f32', () => {
  const half = halfPrecision(Graph.of({ y: input('x', [2, 1031]).matmul(input('w', [1031, 2])) }), isWeight);
  assert.deepEqual(dtypes(named(half, 'matmul')), ['f32']);
  assert.deepEqual(named(half, 'cast'), []);
});
