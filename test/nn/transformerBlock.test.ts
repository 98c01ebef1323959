import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input, type Tensor, type Values } from '../../src/graph/index.js';
import { restoreTokens, selectTokens } from '../../src/models/tokens.js';
import {
  DRAW,
  drawAll,
  gelu,
  initialize,
  PARAMETER,
  patchify,
  resizedPositions,
  resizePositions,
  Scope,
  type TransformerBlockOptions,
  transformerBlock,
  unpatchify,
} from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

async function run(outputs: Record<string, Tensor>, feeds: Record<string, Values>): Promise<Record<string, Values>> {
  const program = await engine.compile(Graph.of(outputs));
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

function assertClose(got: Values, expected: Values, tolerance = 1e-5): void {
  assert.equal(got.length, expected.length);
  got.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) <= tolerance, `[${i}]: ${v} ${expected[i]}`));
}

/** The block as it is written in papers, with the parameters that `transformerBlock` made. */
function plainBlock(scope: Scope, x: Tensor, { heads, attentionBias, normEpsilon = 1e-6 }: TransformerBlockOptions) {
  const p = (name: string) => scope.needs.tensors.get(`block/${name}`);
  const norm = (t: Tensor, i: number) => t.layerNorm(p(`norm_${i}/scale`)!, p(`norm_${i}/offset`)!, normEpsilon);
  const map = (t: Tensor, name: string) => {
    const y = t.matmul(p(`${name}/w`)!);
    const bias = p(`${name}/b`);
    return bias ? y.add(bias) : y;
  };
  const scaled = (t: Tensor, i: number) => (p(`layer_scale_${i}`) ? t.mul(p(`layer_scale_${i}`)!) : t);
  const [batch, count, width] = x.shape;
  const split = (t: Tensor) => t.reshape([batch, count, heads, width / heads]).transpose([0, 2, 1, 3]);
  const [q, k, v] = ['query', 'key', 'value'].map((name) => split(map(norm(x, 1), `attention/${name}`)));
  const scores = q.matmul(k, { transB: true, alpha: Math.sqrt(heads / width) });
  const weights = (attentionBias ? scores.add(attentionBias) : scores).softmax(-1);
  const read = weights.matmul(v).transpose([0, 2, 1, 3]).reshape(x.shape);
  const y = x.add(scaled(map(read, 'attention/output'), 1));
  return y.add(scaled(map(gelu(map(norm(y, 2), 'mlp/hidden')), 'mlp/output'), 2));
}

const forms: Record<string, Partial<TransformerBlockOptions> & { isBiased?: boolean }> = {
  'as in ViT': {},
  'with layer scale and no bias of query, key and value': { layerScale: 0.3, qkvBias: 'none' },
  'with a bias for each head and none of the keys': { isBiased: true, qkvBias: 'queryAndValue', normEpsilon: 1e-12 },
  'with one head and a bias': { heads: 1, isBiased: true, qkvBias: 'none' },
};

for (const [form, { isBiased, ...own }] of Object.entries(forms)) {
  // Few tokens keep norms with the values, many leave them to the maps.
  for (const count of [5, 40]) {
    test(`a block ${form} on ${count} tokens is the formula, with its gradients`, async () => {
      const x = input('x', [2, count, 12]);
      const heads = own.heads ?? 3;
      const attentionBias = isBiased ? input('bias', [1, heads, count, count]) : undefined;
      const options = { heads, mlpWidth: 20, attentionBias, ...own };
      const scope = Scope.root();
      const built = transformerBlock(scope.child('block'), x, options);
      const expected = plainBlock(scope, x, options);
      const wrt = [...scope.needs.tensors.values(), x, ...(attentionBias ? [attentionBias] : [])];
      const key = keyFrom(3);
      const feeds: Record<string, Values> = { x: normal(fold(key, 'x'), x.size) };
      if (attentionBias) feeds.bias = normal(fold(key, 'bias'), attentionBias.size);
      for (const [name, values] of initialize(scope.needs.parameters, key))
        feeds[PARAMETER + name] = values.map((v, i) => v + 0.1 * Math.sin(i));
      const both = async (y: Tensor) => {
        const grads = gradients(y.mul(y).mean(), wrt);
        return Object.values(await run({ y, ...Object.fromEntries(grads.map((g, i) => [`g${i}`, g])) }, feeds));
      };
      const [got, want] = [await both(built), await both(expected)];
      got.forEach((values, i) => assertClose(values, want[i]));
    });
  }
}

test('drop path drops whole examples and scales the others up, while training alone', async () => {
  const x = input('x', [4, 2, 4]);
  const options = { heads: 2, mlpWidth: 8, dropPath: 0.5 };
  const evaluated = Scope.root();
  transformerBlock(evaluated.child('block'), x, options);
  assert.equal(evaluated.needs.draws.size, 0);
  const scope = Scope.root({ training: true });
  const y = transformerBlock(scope.child('block'), x, options);
  assert.deepEqual(
    [...scope.needs.draws.values()].map(({ name, shape, rule }) => [name, shape, rule]),
    [1, 2].map((i) => [`block/branch_${i}/drop_path`, [4], { kind: 'dropout', rate: 0.5 }]),
  );
  const key = keyFrom(5);
  const feeds: Record<string, Values> = { x: normal(key, x.size) };
  for (const [name, values] of initialize(scope.needs.parameters, key)) feeds[PARAMETER + name] = values;
  for (const [name, values] of drawAll(scope.needs.draws, key)) feeds[DRAW + name] = values;
  for (const i of [1, 2]) feeds[`${DRAW}block/branch_${i}/drop_path`] = Float32Array.of(0, 2, 2, 0);
  const out = (await run({ y }, feeds)).y;
  assertClose(out.subarray(0, 8), feeds.x.subarray(0, 8), 0);
  assertClose(out.subarray(24), feeds.x.subarray(24), 0);
  assert.ok(out.subarray(8, 24).some((v, i) => Math.abs(v - feeds.x[8 + i]) > 1e-3));
});

test('patches are rows of pixels, row by row, and can be put together again', async () => {
  const pixels = input('pixels', [1, 4 * 6, 2]);
  const patches = patchify(pixels, [4, 6], [2, 3]);
  assert.deepEqual(patches.shape, [1, 4, 12]);
  const values = Float32Array.from({ length: 48 }, (_, i) => i);
  const { first, back } = await run({ first: patches, back: unpatchify(patches, [4, 6], [2, 3]) }, { pixels: values });
  // Patch 1: rows 0 and 1, columns 3 to 5, both channels.
  assert.deepEqual([...first.subarray(12, 24)], [6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23]);
  assert.deepEqual([...back], [...values]);
  assert.throws(() => patchify(pixels, [4, 6], [2, 4]), /4x6 do not divide into patches of 2x4/);
});

test('positions resized in a graph are those resized on the host, and gradients reach the stored table', async () => {
  const table = input('table', [1, 1 + 12, 5]);
  const values = normal(keyFrom(8), 65);
  const resized = resizedPositions(table, [3, 4], [5, 2], 1);
  const [grad] = gradients(resized.sum(), [table]);
  const { y, g } = await run({ y: resized, g: grad }, { table: values });
  assertClose(y, resizePositions(values, [3, 4], [5, 2], 'cubic', 1), 1e-6);
  assert.ok(Math.abs(Array.from(g).reduce((sum, v) => sum + v, 0) - 5 * 11) < 1e-4);
  assert.equal(resizedPositions(table, [3, 4], [3, 4], 1), table);
});

test('tokens that are left out come back as mask tokens in their places', async () => {
  const x = input('x', [2, 4, 3]);
  const [kept, restore] = [input('kept', [2, 2], 'i32'), input('restore', [2, 4], 'i32')];
  const all = restoreTokens(selectTokens(x, kept), input('mask', [1, 1, 3]), restore);
  const values = Float32Array.from({ length: 24 }, (_, i) => i);
  const { y } = await run(
    { y: all },
    {
      x: values,
      mask: Float32Array.of(-1, -1, -1),
      kept: Int32Array.of(3, 1, 0, 2),
      restore: Int32Array.of(2, 1, 3, 0, 0, 3, 1, 2),
    },
  );
  const none = [-1, -1, -1];
  const row = (i: number) => [...values.subarray(3 * i, 3 * i + 3)];
  assert.deepEqual([...y], [...none, ...row(1), ...none, ...row(3), ...row(4), ...none, ...row(6), ...none]);
});
