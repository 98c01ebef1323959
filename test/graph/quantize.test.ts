/** Graphs with int8 weights, as ONNX Runtime runs them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import ort from 'onnxruntime-node';
import {
  Graph,
  input,
  layerNorm,
  lowerGraph,
  type OnnxGraph,
  quantizeWeights,
  type Tensor,
  writeOnnx,
} from '../../src/graph/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

const sizes: Record<string, number[]> = {
  first: [24, 64],
  query: [64, 64],
  key: [64, 64],
  hidden: [64, 256],
  back: [64, 256],
  last: [64, 70],
  scale: [64],
  offset: [64],
};

/** One self-attention block between two linear maps, x [2, 10, 24] → y [2, 10, 70]. `back` is used transposed. */
function block(): OnnxGraph {
  const weight = (name: string) => input(`w/${name}`, sizes[name]);
  const [scale, offset] = [weight('scale'), weight('offset')];
  const normalized = (x: Tensor) => layerNorm(x, scale, offset);
  const x = input('x', [2, 10, 24]).matmul(weight('first'));
  const h = normalized(x);
  const scores = h.matmul(weight('query')).matmul(h.matmul(weight('key')), { transB: true, alpha: 1 / 8 });
  const a = x.add(scores.softmax(-1).matmul(h));
  const hidden = normalized(a).matmul(weight('hidden')).relu();
  const y = a.add(hidden.matmul(weight('back'), { transB: true })).matmul(weight('last'));
  const weights = Object.entries(sizes).map(([name, shape]): [string, Float32Array] => {
    const values = normal(
      fold(keyFrom(1), name),
      shape.reduce((p, n) => p * n, 1),
    );
    return [
      `w/${name}`,
      shape.length === 1 ? values.map((v) => 1 + v / 10) : values.map((v) => v / Math.sqrt(shape[0])),
    ];
  });
  return lowerGraph(Graph.of({ y, probabilities: y.softmax(-1) }), 'portable', new Map(weights));
}

async function run(graph: OnnxGraph): Promise<Record<string, Float32Array>> {
  const session = await ort.InferenceSession.create(writeOnnx(graph), { logSeverityLevel: 3 });
  const results = await session.run({ x: new ort.Tensor('float32', normal(keyFrom(2), 480), [2, 10, 24]) });
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

/** Largest difference over largest value. */
function difference(found: Float32Array, expected: Float32Array): number {
  return Math.max(...found.map((v, i) => Math.abs(v - expected[i]))) / Math.max(...expected.map(Math.abs));
}

const types = (graph: OnnxGraph) => graph.nodes.map((node) => node.type);
const plain = block();
const expected = await run(plain);

test('int8 weights give outputs within 3 % of the largest', async () => {
  const { graph } = quantizeWeights(plain);
  const found = await run(graph);
  for (const name of ['y', 'probabilities']) {
    const error = difference(found[name], expected[name]);
    assert.ok(error > 0 && error < 0.03, `${name}: ${error}`);
  }
});

test('the first and the last layer keep their floats; activations that several products read are quantised once', () => {
  const { graph, products, weights } = quantizeWeights(plain);
  assert.equal(products, 4);
  assert.equal(weights, 2 * 64 * 64 + 2 * 64 * 256);
  assert.equal(types(graph).filter((type) => type === 'MatMulInteger').length, 4);
  assert.equal(types(graph).filter((type) => type === 'DynamicQuantizeLinear').length, 3);
  const stored = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  for (const name of ['w/first', 'w/last']) assert.equal(stored.get(name)?.elementType, 1);
  for (const name of ['w/query', 'w/hidden', 'w/back'])
    assert.ok(!stored.has(name), `${name} is still there as float32`);
});

test('each column of an int8 matrix uses its whole range', () => {
  const { graph } = quantizeWeights(plain);
  const { data, shape } = graph.initializers.find(({ name }) => name === 'w/hidden.int8')!;
  const [rows, columns] = shape;
  for (let j = 0; j < columns; j++) {
    const column = Array.from({ length: rows }, (_, i) => Math.abs(Number(data[i * columns + j])));
    assert.equal(Math.max(...column), 127);
  }
});
