import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { Graph, gradients, input, type Shape, sizeOf, type Values } from '../../src/graph/index.js';
import { type ScaledDotProductOptions, scaledDotProductAttention } from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

const draw = (seed: number, shape: Shape) => normal(fold(keyFrom(11), seed), sizeOf(shape));

function attend(shapes: [Shape, Shape, Shape], options: ScaledDotProductOptions, feeds: Record<string, Values> = {}) {
  const names = ['q', 'k', 'v'];
  const [q, k, v] = names.map((name, i) => input(name, shapes[i]));
  const { output, weights } = scaledDotProductAttention(q, k, v, options);
  const values = evaluate(Graph.of({ output, weights }), {
    ...Object.fromEntries(names.map((name, i) => [name, draw(i, shapes[i])])),
    ...feeds,
  });
  return { output, weights, values: values.get('output')!, shares: values.get('weights')! };
}

/** One head of one example by the formula. */
function plain(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  [n, m, d, dv]: number[],
  excluded: (i: number, j: number) => boolean = () => false,
) {
  const out: number[] = [];
  for (let i = 0; i < n; i++) {
    const scores = Array.from({ length: m }, (_, j) => {
      let dot = 0;
      for (let c = 0; c < d; c++) dot += q[i * d + c] * k[j * d + c];
      return excluded(i, j) ? 0 : Math.exp(dot / Math.sqrt(d));
    });
    const total = scores.reduce((a, b) => a + b);
    for (let c = 0; c < dv; c++) out.push(scores.reduce((sum, s, j) => sum + (s / total) * v[j * dv + c], 0));
  }
  return out;
}

function assertClose(got: ArrayLike<number>, wanted: ArrayLike<number>) {
  assert.equal(got.length, wanted.length);
  for (let i = 0; i < got.length; i++)
    assert.ok(Math.abs(got[i] - wanted[i]) < 1e-6, `${i}: ${got[i]} instead of ${wanted[i]}`);
}

test('one head equals the formula, with other channels for values, and needs no transpose', () => {
  const { output, weights, values } = attend(
    [
      [4, 6],
      [5, 6],
      [5, 3],
    ],
    { heads: 1 },
  );
  assert.deepEqual(
    [output.shape, weights.shape],
    [
      [4, 3],
      [1, 4, 5],
    ],
  );
  assertClose(values, plain(draw(0, [4, 6]), draw(1, [5, 6]), draw(2, [5, 3]), [4, 5, 6, 3]));
  assert.ok(Graph.of({ output }).nodes.every((node) => node.operator.name !== 'transpose'));
});

test('heads take the channels in turn', () => {
  const both = attend(
    [
      [4, 6],
      [5, 6],
      [5, 4],
    ],
    { heads: 2 },
  ).values;
  const part = (x: Float32Array, width: number, from: number, size: number) =>
    x.filter((_, i) => i % width >= from && i % width < from + size);
  for (const h of [0, 1]) {
    const [q, k, v] = [
      part(draw(0, [4, 6]), 6, 3 * h, 3),
      part(draw(1, [5, 6]), 6, 3 * h, 3),
      part(draw(2, [5, 4]), 4, 2 * h, 2),
    ];
    assertClose(
      Array.from(both).filter((_, i) => Math.floor((i % 4) / 2) === h),
      plain(q, k, v, [4, 5, 3, 2]),
    );
  }
});

test('learned queries are shared by the batch, and groups stay apart', () => {
  const shapes: [Shape, Shape, Shape] = [
    [1, 3, 2, 4],
    [2, 3, 5, 4],
    [2, 3, 5, 4],
  ];
  const { output, weights, values } = attend(shapes, { heads: 2 });
  assert.deepEqual(
    [output.shape, weights.shape],
    [
      [2, 3, 2, 4],
      [2, 3, 2, 2, 5],
    ],
  );
  for (const [b, g] of [
    [0, 2],
    [1, 0],
  ]) {
    const at = (seed: number, shape: Shape, index: number, size: number) =>
      draw(seed, shape).slice(index * size, (index + 1) * size);
    const feeds = { q: at(0, shapes[0], g, 8), k: at(1, shapes[1], b * 3 + g, 20), v: at(2, shapes[2], b * 3 + g, 20) };
    const alone = attend(
      [
        [2, 4],
        [5, 4],
        [5, 4],
      ],
      { heads: 2 },
      feeds,
    ).values;
    assertClose(values.slice((b * 3 + g) * 8, (b * 3 + g + 1) * 8), alone);
  }
});

test('masked and later keys get no weight; without any key left the weights are equal', () => {
  const keyMask = input('mask', [2, 3], 'bool');
  const shapes: [Shape, Shape, Shape] = [
    [2, 3, 4],
    [2, 3, 4],
    [2, 3, 4],
  ];
  const { shares } = attend(shapes, { heads: 1, keyMask, causal: true }, { mask: Uint8Array.of(0, 1, 0, 1, 1, 1) });
  const zero = Array.from(shares, (w) => w === 0);
  assert.deepEqual(zero.slice(0, 9), [false, true, true, false, true, true, false, true, false]);
  assertClose(shares.slice(9), new Array(9).fill(1 / 3));
});

test('a bias broadcasts over heads and gets a gradient', () => {
  const bias = input('bias', [4, 5]);
  const [q, k, v] = [input('q', [4, 6]), input('k', [5, 6]), input('v', [5, 6])];
  const { output } = scaledDotProductAttention(q, k, v, { heads: 3, bias });
  const [grad] = gradients(output.sum(), [bias]);
  assert.deepEqual(grad.shape, [4, 5]);
  const high = Float32Array.from({ length: 20 }, (_, i) => (i % 5 === 2 ? 100 : 0));
  const { values } = attend(
    [
      [4, 6],
      [5, 6],
      [5, 6],
    ],
    { heads: 3, bias },
    { bias: high },
  );
  assertClose(
    values,
    Array.from({ length: 24 }, (_, i) => draw(2, [5, 6])[12 + (i % 6)]),
  );
});

test('what does not fit is named', () => {
  assert.throws(
    () =>
      attend(
        [
          [4, 6],
          [5, 4],
          [5, 4],
        ],
        { heads: 1 },
      ),
    /queries \[4, 6\] and keys \[5, 4\] differ in channels/,
  );
  assert.throws(
    () =>
      attend(
        [
          [4, 6],
          [5, 6],
          [4, 6],
        ],
        { heads: 1 },
      ),
    /keys \[5, 6\] and values \[4, 6\] differ in number/,
  );
  assert.throws(
    () =>
      attend(
        [
          [4, 6],
          [5, 6],
          [5, 6],
        ],
        { heads: 4 },
      ),
    /do not divide into 4 heads/,
  );
  assert.throws(
    () =>
      attend(
        [
          [4, 6],
          [5, 6],
          [5, 6],
        ],
        { heads: 1, causal: true },
      ),
    /5 keys for 4 queries/,
  );
  assert.throws(
    () =>
      attend(
        [
          [4, 6],
          [5, 6],
          [5, 6],
        ],
        { heads: 1, keyMask: input('m', [4], 'bool') },
      ),
    /must be bool \[\.\.\., 5\]/,
  );
});
