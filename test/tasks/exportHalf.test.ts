/** Models whose weights are stored, and products computed, in half precision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Graph, input, layerNorm, lowerGraph } from '../../src/graph/index.js';
import { inHalves } from '../../src/tasks/exportHalf.js';

const [F32, F16] = [1, 10];
const sizes: Record<string, number[]> = { w: [64, 64], scale: [64], offset: [64], long: [2048, 2], table: [5, 2] };

/** A norm, a product, a softmax, and a product of 2,048 terms: x [3, 64], z [5, 2048] → [5, 2]. */
function model() {
  const weight = (name: string) => input(name, sizes[name]);
  const h = layerNorm(input('x', [3, 64]), weight('scale'), weight('offset')).matmul(weight('w'));
  const y = input('z', [5, 2048]).matmul(weight('long')).add(weight('table'));
  const weights = Object.entries(sizes).map(([name, shape]): [string, Float32Array] => [
    name,
    new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(0.1),
  ]);
  return { graph: Graph.of({ p: h.relu().softmax(-1), y }), weights: new Map(weights) };
}

test('norms, softmax and long sums are float32; products and large weights are halves', () => {
  const half = inHalves(model());
  const { nodes, initializers, outputs } = lowerGraph(half.graph, 'portable', half.weights);
  const types = new Map(initializers.map(({ name, elementType }) => [name, elementType]));
  assert.deepEqual([types.get('w'), types.get('long'), types.get('scale'), types.get('offset')], [F16, F16, F32, F32]);
  assert.equal(initializers.find(({ name }) => name === 'w')?.data.byteLength, 2 * 64 * 64);
  for (const [, { dtype }] of outputs) assert.equal(dtype, 'f32');

  const producer = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const castTo = (name: string) => producer.get(name)?.type === 'Cast' && producer.get(name)?.attributes.to;
  const [norm] = nodes.filter(({ type }) => type === 'LayerNormalization');
  assert.deepEqual(norm.inputs, ['x', 'scale', 'offset']);
  const products = nodes.filter(({ type }) => type === 'MatMul');
  const [short, long] = ['w', 'z'].map((name) => products.find(({ inputs }) => inputs.includes(name))!);
  assert.deepEqual([castTo(short.inputs[0]), short.inputs[1]], [F16, 'w']);
  assert.deepEqual([long.inputs[0], castTo(long.inputs[1])], ['z', F32]);
  const [softmax] = nodes.filter(({ type }) => type === 'Softmax');
  assert.notEqual(castTo(softmax.inputs[0]), F16);
  assert.ok(
    nodes.every(
      (node) => node.type !== 'Cast' || castTo(node.inputs[0]) === false || castTo(node.inputs[0]) === undefined,
    ),
  );
});
