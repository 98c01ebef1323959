/** Draws: the generator's published words, the distributions, and that a key decides everything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beta,
  bits,
  fold,
  keyFrom,
  normal,
  TRUNCATED_DEVIATION,
  truncatedNormal,
  uniform,
} from '../../src/random/index.js';
import { threefry } from '../../src/random/threefry.js';

const COUNT = 1_000_000;

test('threefry gives the words that its authors publish', () => {
  const published = [
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
  ];
  for (const [c0, c1, k0, k1, ...expected] of published) {
    const out = new Uint32Array(4);
    threefry(k0, k1, c0, c1, out, 1);
    assert.deepEqual([...out], [0, ...expected, 0]);
  }
});

test('a key decides every draw, and longer draws begin like shorter ones', () => {
  const key = fold(keyFrom(7), 'weights', 3);
  for (const draw of [bits, uniform, normal, truncatedNormal]) {
    assert.deepEqual(draw(key, 5000), draw(key, 5000));
    assert.deepEqual(draw(key, 5000).slice(0, 777), draw(key, 777));
    assert.notDeepEqual(draw(fold(key, 1), 20), draw(key, 20));
  }
});

test('uniform and normal draws have the moments of their distributions', () => {
  const [u, z] = [uniform(keyFrom(1), COUNT), normal(keyFrom(1), COUNT)];
  assert.ok(Math.abs(mean(u) - 0.5) < 5 * Math.sqrt(1 / 12 / COUNT));
  assert.ok(u.every((x) => x >= 0 && x < 1));
  assert.ok(Math.abs(mean(z)) < 5 / Math.sqrt(COUNT));
  assert.ok(Math.abs(mean(z.map((x) => x * x)) - 1) < 5 * Math.sqrt(2 / COUNT));
});

test('truncated normal draws follow the normal density between -2 and 2', () => {
  const x = truncatedNormal(keyFrom(2), COUNT).sort();
  assert.ok(x[0] >= -2 && x[0] < -1.9999 && x[COUNT - 1] <= 2 && x[COUNT - 1] > 1.9999);
  assert.ok(Math.abs(Math.sqrt(mean(x.map((v) => v * v))) / TRUNCATED_DEVIATION - 1) < 5 / Math.sqrt(2 * COUNT));
  // Kolmogorov and Smirnov: the largest distance of the two distribution functions; 1.95 is exceeded once in a thousand.
  const steps = 4000;
  let below = 0;
  const total = integral(2);
  for (let i = 0; i < steps; i++) {
    const cut = -2 + (4 * i) / steps;
    while (x[below] < cut) below++;
    assert.ok(Math.abs(below / COUNT - integral(cut) / total) < 1.95 / Math.sqrt(COUNT), `at ${cut}`);
  }
});

test('truncated normal draws are scaled by sigma before the cut', () => {
  const [one, small] = [truncatedNormal(keyFrom(3), 999), truncatedNormal(keyFrom(3), 999, 0.02)];
  small.forEach((x, i) => void assert.ok(Math.abs(x - 0.02 * one[i]) < 1e-8));
});

test('Beta draws have the moments of their distribution, small and unequal parameters too', () => {
  const count = 40_000;
  for (const [a, b] of [
    [0.05, 0.05],
    [0.4, 0.4],
    [0.8, 0.8],
    [1, 1],
    [2, 5],
    [0.5, 3],
    [30, 30],
  ]) {
    const x = Float32Array.from({ length: count }, (_, i) => beta(fold(keyFrom(4), i), a, b));
    assert.ok(x.every((value) => value >= 0 && value <= 1));
    const [m, v] = [a / (a + b), (a * b) / ((a + b) ** 2 * (a + b + 1))];
    assert.ok(Math.abs(mean(x) - m) < 5 * Math.sqrt(v / count), `mean of Beta(${a}, ${b}): ${mean(x)}, not ${m}`);
    const variance = mean(x.map((value) => (value - m) ** 2));
    assert.ok(Math.abs(variance / v - 1) < 0.05, `variance of Beta(${a}, ${b}): ${variance}, not ${v}`);
  }
  // Beta(1, 1) is uniform: the largest distance of the two distribution functions, exceeded once in a thousand.
  const uniformly = Float32Array.from({ length: count }, (_, i) => beta(fold(keyFrom(5), i), 1, 1)).sort();
  uniformly.forEach((value, i) => void assert.ok(Math.abs(value - i / count) < 1.95 / Math.sqrt(count)));
  assert.equal(beta(keyFrom(6), 0.8, 0.8), beta(keyFrom(6), 0.8, 0.8));
});

function mean(values: Float32Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** The normal density without its factor, summed from -2 to `end` by Simpson's rule. */
function integral(end: number): number {
  const n = 200;
  const h = (end + 2) / n;
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    const weight = i === 0 || i === n ? 1 : i % 2 ? 4 : 2;
    sum += weight * Math.exp(-0.5 * (-2 + i * h) ** 2);
  }
  return (sum * h) / 3;
}
