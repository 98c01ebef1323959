/** A graph cut into a chain gives what the whole gives, and reads nothing that an earlier link has finished with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/reference.js';
import { cutIntoSegments, Graph, gradients, input, optimize, type Tensor, type Values } from '../../src/graph/index.js';

const SIZE = 4;
const LAYERS = 5;

/** Layers with a skip from the first to the last, as in a U-Net; parameters w0 ... */
function network(): { graph: Graph; names: string[] } {
  const names = Array.from({ length: LAYERS }, (_, i) => `w${i}`);
  const weights = names.map((name) => input(name, [SIZE, SIZE]));
  let x: Tensor = input('x', [3, SIZE]);
  let first: Tensor | undefined;
  for (const w of weights) {
    x = x.matmul(w).tanh().reshape([SIZE, 3]).reshape([3, SIZE]);
    first ??= x;
  }
  const loss = x.add(first!).mul(x).mean();
  const grads = gradients(loss, weights);
  return {
    graph: optimize(new Graph(new Map([['loss', loss], ...grads.map((g, i) => [`d${i}`, g] as const)]))),
    names,
  };
}

const values = (seed: number, size: number) => Float64Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i));

test('a chain gives the outputs of the whole, also where each link spoils the parameters that it closes', () => {
  const { graph, names } = network();
  const feeds: Record<string, Values> = { x: values(9, 3 * SIZE) };
  names.forEach((name, i) => {
    feeds[name] = values(i, SIZE * SIZE);
  });
  const whole = Object.fromEntries(evaluate(graph, feeds));
  const parts = [
    { outputs: ['loss', 'd4'], closes: ['w4'] },
    { outputs: ['d2', 'd3'], closes: ['w2', 'w3'] },
    { outputs: ['d0', 'd1'], closes: ['w0', 'w1'] },
  ];
  const known = { ...feeds };
  const found: Record<string, Values> = {};
  for (const [i, { graph: link, hands, receives }] of cutIntoSegments(graph, parts, 'handed/').entries()) {
    assert.ok(receives.every((name) => name in known));
    const results = Object.fromEntries(evaluate(link, known));
    for (const name of hands) known[name] = results[name];
    for (const name of parts[i].outputs) found[name] = results[name];
    for (const name of parts[i].closes) known[name] = new Float64Array(SIZE * SIZE).fill(Number.NaN);
  }
  assert.deepEqual(found, whole);
});

test('no operation but a view is done twice', () => {
  const { graph } = network();
  const parts = [
    { outputs: ['loss', 'd4'], closes: ['w4'] },
    { outputs: ['d0', 'd1', 'd2', 'd3'], closes: ['w0', 'w1', 'w2', 'w3'] },
  ];
  const links = cutIntoSegments(graph, parts, 'handed/');
  assert.equal(links[0].graph.flops + links[1].graph.flops, graph.flops);
  assert.equal(links[0].receives.length, 0);
  assert.deepEqual(links[1].hands, []);
});

test('an output of no part is refused', () => {
  const { graph } = network();
  assert.throws(() => cutIntoSegments(graph, [{ outputs: ['loss'], closes: [] }], 'handed/'), /belongs to no part/);
});
