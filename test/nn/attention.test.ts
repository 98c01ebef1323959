import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input, type Tensor, type Values } from '../../src/graph/index.js';
import {
  applyMap,
  attention,
  drawAll,
  exclusionBias,
  inChunks,
  initialize,
  linearMap,
  normBefore,
  PARAMETER,
  Scope,
} from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

/** Values of a model's output and of the gradients of its squares' sum, by name. */
async function run(build: (scope: Scope) => Tensor, scope: Scope, feeds: Record<string, Values>) {
  const y = build(scope);
  const parameters = [...scope.needs.tensors];
  const grads = gradients(
    y.mul(y).sum(),
    parameters.map(([, t]) => t),
  );
  const graph = Graph.of({ y, ...Object.fromEntries(parameters.map(([name], i) => [`d ${name}`, grads[i]])) });
  const values = initialize(scope.needs.parameters, keyFrom(1));
  // Norms and biases as training leaves them: neither 0 nor 1.
  for (const [name, v] of values) normal(fold(keyFrom(2), name), v.length).forEach((x, i) => (v[i] += 0.2 * x));
  const all = { ...feeds, ...Object.fromEntries([...values].map(([name, v]) => [PARAMETER + name, v])) };
  for (const [name, v] of drawAll(scope.needs.draws, keyFrom(1))) all[`draw/${name}`] = v;
  const program = await engine.compile(graph);
  const known = new Set(graph.inputs.keys());
  const results = await program.run(Object.fromEntries(Object.entries(all).filter(([name]) => known.has(name))));
  await program.dispose();
  return results;
}

function assertClose(got: Record<string, Values>, expected: Record<string, Values>): void {
  assert.deepEqual(Object.keys(got), Object.keys(expected));
  for (const [name, want] of Object.entries(expected)) {
    if (name === 'd key/b') {
      // It adds the same to all scores of a query: what the plain formula gives is rounding.
      assert.ok(got[name].every((x) => x === 0) && want.every((x) => Math.abs(x) < 1e-3));
      continue;
    }
    const scale = Math.max(1e-3, ...Array.from(want.subarray(0, 5000), Math.abs));
    want.forEach((x, i) => assert.ok(Math.abs(got[name][i] - x) < 3e-4 * scale, `${name}[${i}]: ${got[name][i]} ${x}`));
  }
}

interface Shapes {
  queries: number[];
  inputs: number[];
  inner: number;
  heads?: number;
  /** Whether only some of the inputs may be read. */
  isPartial?: boolean;
}

/** Attention with norms, as models use it; or word for word as it is written in papers. */
function build({ queries, inputs, inner, heads = 1, isPartial = false }: Shapes, isPlain: boolean) {
  return (scope: Scope): Tensor => {
    const [q, x] = [input('q', queries), input('x', inputs)];
    const [width, channels] = [queries[3], inputs[3]];
    const readable = isPartial ? input('readable', inputs.slice(0, 3)) : undefined;
    const maps = {
      query: linearMap(scope.child('query'), width, inner),
      key: linearMap(scope.child('key'), channels, inner),
      value: linearMap(scope.child('value'), channels, inner),
      output: linearMap(scope.child('output'), inner, width),
    };
    const [normQ, normX] = [normBefore(scope.child('normQ'), q, inner), normBefore(scope.child('normX'), x, 2 * inner)];
    if (!isPlain) {
      const absorbed = {
        query: normQ.absorb(maps.query),
        key: normX.absorb(maps.key),
        value: normX.absorb(maps.value),
        output: maps.output,
      };
      return attention(scope, normQ.apply(q), normX.apply(x), absorbed, heads, readable && exclusionBias(readable))
        .output;
    }
    const norm = (name: string, t: Tensor) => {
      const p = (kind: string) => scope.needs.tensors.get(`${name}/${kind}`)!;
      return t.layerNorm(p('scale'), p('offset'));
    };
    const split = (t: Tensor) => t.reshape([...t.shape.slice(0, 3), heads, -1]).transpose([0, 1, 3, 2, 4]);
    const [a, b, c] = [
      split(applyMap(maps.query, norm('normQ', q))),
      split(applyMap(maps.key, norm('normX', x))),
      split(applyMap(maps.value, norm('normX', x))),
    ];
    const scores = a.matmul(b, { transB: true, alpha: Math.sqrt(heads / inner) });
    const [batch, groups, count] = inputs;
    const chosen = readable
      ? readable.reshape([batch, groups, 1, 1, count]).greater(0).where(scores, Number.NEGATIVE_INFINITY)
      : scores;
    const read = chosen.softmax().matmul(c);
    const merged = read.transpose([0, 1, 3, 2, 4]);
    return applyMap(maps.output, merged.reshape([...merged.shape.slice(0, 3), inner]));
  };
}

const cases: Record<string, Shapes> = {
  'few latents read many inputs': { queries: [1, 2, 4, 6], inputs: [3, 2, 50, 5], inner: 5 },
  'many queries read few latents': { queries: [2, 3, 60, 4], inputs: [2, 3, 3, 8], inner: 16 },
  'as many queries as inputs': { queries: [1, 1, 9, 4], inputs: [2, 1, 9, 4], inner: 4 },
  'several heads': { queries: [1, 2, 7, 8], inputs: [2, 2, 5, 6], inner: 12, heads: 3 },
  'in parts by example': { queries: [1, 1, 1024, 4], inputs: [3, 1, 1500, 4], inner: 4 },
  'in parts by group': { queries: [1, 5, 1000, 4], inputs: [1, 5, 900, 4], inner: 4 },
  'in parts by queries, several heads': { queries: [1, 1, 1200, 4], inputs: [1, 1, 1100, 4], inner: 4, heads: 4 },
};
const partial = Object.entries(cases).map(
  ([what, shapes]) => [`${what}, some alone`, { ...shapes, isPartial: true }] as const,
);
for (const [what, shapes] of [...Object.entries(cases), ...partial]) {
  test(`attention and its gradients are those of the plain formula: ${what}`, async () => {
    const noise = (name: string, shape: number[]) =>
      normal(
        fold(keyFrom(4), name),
        shape.reduce((a, b) => a * b),
      );
    const feeds: Record<string, Values> = { q: noise('q', shapes.queries), x: noise('x', shapes.inputs) };
    if (shapes.isPartial) feeds.readable = noise('readable', shapes.inputs.slice(0, 3)).map((x) => Number(x > -0.5));
    assertClose(
      await run(build(shapes, false), Scope.root(), feeds),
      await run(build(shapes, true), Scope.root(), feeds),
    );
  });
}

test('parts or layers that are computed again give what kept ones give', async () => {
  const shapes = { queries: [1, 2, 7, 8], inputs: [2, 2, 5, 6], inner: 12, heads: 3 };
  const feeds = { q: normal(keyFrom(4), 112), x: normal(keyFrom(5), 120) };
  const all = await Promise.all(
    (['none', 'cheap', 'layers'] as const).map((rematerialize) =>
      run(
        (scope) => scope.part('layers', () => build(shapes, false)(scope)),
        Scope.root({ training: true, rematerialize }),
        feeds,
      ),
    ),
  );
  assertClose(all[1], all[0]);
  assertClose(all[2], all[0]);
});

test('rows in chunks give what all rows at once give', async () => {
  const rows = 3001;
  const layer = (chunked: boolean) => (scope: Scope) => {
    const x = input('x', [rows, 8]);
    const [wide, narrow] = [linearMap(scope.child('wide'), 8, 1024), linearMap(scope.child('narrow'), 1024, 3)];
    const f = (t: Tensor) => applyMap(narrow, applyMap(wide, t).squaredRelu());
    return chunked ? inChunks(x, 1024, f) : f(x);
  };
  const feeds = { x: normal(keyFrom(6), rows * 8) };
  assertClose(await run(layer(true), Scope.root(), feeds), await run(layer(false), Scope.root(), feeds));
});
