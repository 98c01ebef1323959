import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFrom, normal } from '../../src/random/index.js';
import {
  locality,
  localityChance,
  localityScore,
  positionsFigure,
  positionsToRgb,
  principalComponents,
  similarityMaps,
} from '../../src/visualize/index.js';
import { symmetricEigen } from '../../src/visualize/pca.js';

/** A point of a half sphere for each pixel: cosine similarity falls with the distance in the image, whatever the direction. */
function gridEmbedding(height: number, width: number): Float32Array {
  const table = new Float32Array(height * width * 3);
  const size = Math.max(height, width);
  for (let p = 0; p < height * width; p++) {
    table.set([(Math.floor(p / width) - height / 2) / size / 8, ((p % width) - width / 2) / size / 8, 1], 3 * p);
  }
  return table;
}

test('a perfect grid has a locality near 1, a random table that of chance', () => {
  assert.ok(localityScore(gridEmbedding(28, 28), [28, 28]) > 0.97);
  assert.ok(localityScore(gridEmbedding(28, 28), [28, 28], { metric: 'chebyshev' }) > 0.99);
  assert.ok(localityScore(gridEmbedding(12, 40), [12, 40]) > 0.95);
  for (const metric of ['euclidean', 'chebyshev'] as const) {
    const { score, chance } = locality(normal(keyFrom(3), 784 * 32), [28, 28], { metric });
    assert.ok(Math.abs(score - chance) < 0.006, `${score} against ${chance}`);
  }
});

test('chance is the exact share of positions within the distance', () => {
  for (const [height, width] of [
    [28, 28],
    [5, 9],
    [1, 6],
    [2, 2],
  ] as const) {
    for (const [metric, near] of [
      ['euclidean', (dy: number, dx: number) => dy * dy + dx * dx <= 4],
      ['chebyshev', (dy: number, dx: number) => Math.max(Math.abs(dy), Math.abs(dx)) <= 2],
    ] as const) {
      let pairs = 0;
      const n = height * width;
      for (let a = 0; a < n; a++)
        for (let b = 0; b < n; b++)
          if (a !== b && near(Math.floor(a / width) - Math.floor(b / width), (a % width) - (b % width))) pairs++;
      assert.ok(Math.abs(localityChance([height, width], { metric }) - pairs / n / (n - 1)) < 1e-12);
    }
  }
  assert.ok(localityChance([28, 28]) < 0.03 && localityChance([28, 28], { metric: 'euclidean' }) > 0.014);
});

test('the score agrees with a plain search over all pairs', () => {
  const [height, width, dim] = [6, 7, 5];
  const table = normal(keyFrom(11), height * width * dim);
  const n = height * width;
  const cosine = (a: number, b: number): number => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let e = 0; e < dim; e++)
      [ab, aa, bb] = [
        ab + table[a * dim + e] * table[b * dim + e],
        aa + table[a * dim + e] ** 2,
        bb + table[b * dim + e] ** 2,
      ];
    return ab / Math.sqrt(aa * bb);
  };
  let hits = 0;
  for (let a = 0; a < n; a++) {
    const others = Array.from({ length: n }, (_, b) => b)
      .filter((b) => b !== a)
      .sort((p, q) => cosine(a, q) - cosine(a, p))
      .slice(0, 8);
    hits += others.filter(
      (b) => (Math.floor(a / width) - Math.floor(b / width)) ** 2 + ((a % width) - (b % width)) ** 2 <= 4,
    ).length;
  }
  assert.equal(localityScore(table, [height, width], { metric: 'euclidean' }), hits / (n * 8));
});

test('a large table is sampled: the same sample each time, and close to the full score', () => {
  const table = gridEmbedding(64, 64).map((v, i) => v + 0.002 * Math.sin(i * i));
  const all = locality(table, [64, 64]);
  const some = locality(table, [64, 64], { limit: 500 });
  assert.equal(all.queries, 4096);
  assert.equal(some.queries, 500);
  assert.ok(Math.abs(all.score - some.score) < 0.05);
  assert.equal(locality(table, [64, 64], { limit: 500 }).score, some.score);
});

test('embeddings that are not finite count as lost, not as an error', () => {
  const table = gridEmbedding(10, 10);
  table.fill(Number.NaN, 0, 3 * 50);
  const { score, distances } = locality(table, [10, 10]);
  assert.ok(score > 0.4 && score <= 0.5, `${score}`);
  assert.equal(distances.length, 50 * 8);
  assert.deepEqual([...positionsToRgb(table, [10, 10]).rgb.subarray(0, 3)], [255, 0, 255]);
});

test('Jacobi finds eigenvectors: A v = λ v, orthonormal', () => {
  const n = 12;
  const half = normal(keyFrom(5), n * n);
  const matrix = Float64Array.from({ length: n * n }, (_, i) => half[i] + half[(i % n) * n + Math.floor(i / n)]);
  const { values, vectors } = symmetricEigen(matrix, n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) {
      let product = 0;
      for (let j = 0; j < n; j++) product += matrix[i * n + j] * vectors[j * n + k];
      assert.ok(Math.abs(product - values[k] * vectors[i * n + k]) < 1e-10);
    }
  }
});

test('principal components come by falling variance with a fixed sign', () => {
  const table = normal(keyFrom(8), 500 * 6).map((v, i) => v * [1, 5, 2, 0.1, 3, 0.5][i % 6]);
  const { components, explained } = principalComponents(table, 6, 3);
  const largest = [0, 1, 2].map((k) =>
    Array.from(components.subarray(6 * k, 6 * k + 6)).reduce(
      (best, v, e, row) => (Math.abs(v) > Math.abs(row[best]) ? e : best),
      0,
    ),
  );
  assert.deepEqual(largest, [1, 4, 2]);
  largest.forEach((e, k) => assert.ok(components[6 * k + e] > 0.9));
  assert.ok(explained[0] > explained[1] && explained[1] > explained[2]);
});

test('the colours of a table are deterministic and use the whole range; a constant table is grey', () => {
  const table = gridEmbedding(8, 12);
  const once = positionsToRgb(table, [8, 12]);
  assert.deepEqual([once.width, once.height, once.rgb.length], [12, 8, 288]);
  assert.deepEqual(positionsToRgb(table.slice(), [8, 12]).rgb, once.rgb);
  assert.ok(Math.max(...once.rgb) === 255 && Math.min(...once.rgb) === 0);
  assert.deepEqual(new Set(positionsToRgb(new Float32Array(40), [2, 5]).rgb), new Set([128]));
});

test('similarity maps are 1 at their own position and lie on an even grid', () => {
  const { maps, positions, grid } = similarityMaps(gridEmbedding(28, 28), [28, 28], [7, 7]);
  assert.deepEqual(grid, [7, 7]);
  assert.deepEqual(positions.slice(0, 3), [
    [2, 2],
    [2, 6],
    [2, 10],
  ]);
  positions.forEach(([y, x], m) => {
    const map = maps.subarray(m * 784, (m + 1) * 784);
    assert.ok(Math.abs(map[y * 28 + x] - 1) < 1e-6);
    assert.ok(map.every((v) => v <= 1 + 1e-6));
  });
  assert.deepEqual(similarityMaps(gridEmbedding(3, 28), [3, 28], [7, 7]).grid, [3, 7]);
});

test('the figure draws for every shape; a table of another size is refused', () => {
  for (const [height, width] of [
    [28, 28],
    [4, 40],
    [40, 4],
    [2, 2],
  ]) {
    const figure = positionsFigure(gridEmbedding(height, width), [height, width]);
    assert.ok(figure.width > 600 && figure.height > 300);
    assert.doesNotMatch(figure.toSvg(), /"[^"]*(NaN|Infinity)[^"]*"/);
  }
  assert.throws(() => localityScore(new Float32Array(100), [28, 28]), /100 values does not split into 28x28 rows/);
});
