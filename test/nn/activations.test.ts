import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, evaluate } from '../../src/engine/index.js';
import { Graph, gradients, input, type Tensor } from '../../src/graph/index.js';
import { gelu, geluTanh, leakyRelu, quickGelu, silu } from '../../src/nn/index.js';

const activations: Record<string, (x: Tensor) => Tensor> = {
  gelu,
  geluTanh,
  leakyRelu: (x) => leakyRelu(x, 0.2),
  quickGelu,
  silu,
  squaredRelu: (x) => x.squaredRelu(),
};
const count = 2001;

function graphOf(activation: (x: Tensor) => Tensor): Graph {
  const x = input('x', [count]);
  const y = activation(x);
  return Graph.of({ y, gradient: gradients(y.sum(), [x])[0] });
}

test('activations and their gradients are accurate in single precision, tails included', async () => {
  await using engine = await createEngine({ device: 'cpu' });
  const x = Float32Array.from({ length: count }, (_, i) => -9 + (18 * i) / (count - 1));
  for (const [name, activation] of Object.entries(activations)) {
    const exact = evaluate(graphOf(activation), { x });
    const got = await (await engine.compile(graphOf(activation))).run({ x });
    for (const of of ['y', 'gradient']) {
      const wanted = exact.get(of)!;
      got[of].forEach((value, i) => {
        assert.ok(
          Math.abs(value - wanted[i]) <= 2e-6 + 1e-6 * Math.abs(wanted[i]),
          `${name} ${of} at ${x[i]}: ${value}, not ${wanted[i]}`,
        );
      });
    }
  }
});

test('activations stay finite far out', async () => {
  await using engine = await createEngine({ device: 'cpu' });
  const x = Float32Array.from({ length: count }, (_, i) => (i - 1000) * 1e3);
  for (const [name, activation] of Object.entries(activations)) {
    const { y, gradient } = await (await engine.compile(graphOf(activation))).run({ x });
    assert.ok([...y, ...gradient].every(Number.isFinite), name);
    if (name === 'squaredRelu') continue;
    assert.ok(Math.abs(y[2000] - 1e6) < 1, name);
    assert.equal(gradient[2000], 1, name);
  }
});

test('the gradient of a large GELU, computed in pieces, is that of its formula row by row', async () => {
  await using engine = await createEngine({ device: 'cpu' });
  const [rows, channels] = [1031, 1024];
  const [x, g] = [input('x', [rows, channels]), input('g', [rows, channels])];
  const graph = Graph.of({ slope: gradients(gelu(x).mul(g).sum(), [x])[0] });
  assert.ok(
    graph.nodes.some(({ operator }) => operator.name === 'split'),
    'large enough for pieces',
  );
  const values = Float32Array.from({ length: rows * channels }, (_, i) => 4 * Math.sin(0.37 * i));
  const weights = values.map((v, i) => Math.cos(i) - v);
  const { slope } = await (await engine.compile(graph)).run({ x: values, g: weights });
  // Every 997th value, which meets all rows' borders of all pieces in some column.
  const few = Float32Array.from({ length: Math.floor(values.length / 997) }, (_, i) => values[997 * i]);
  const v = input('v', [few.length]);
  const wanted = evaluate(Graph.of({ slope: gradients(gelu(v).sum(), [v])[0] }), { v: few }).get('slope')!;
  wanted.forEach((w, i) => {
    const expected = w * weights[997 * i];
    assert.ok(
      Math.abs(slope[997 * i] - expected) < 5e-6 * (1 + Math.abs(expected)),
      `${slope[997 * i]}, not ${expected}`,
    );
  });
});
