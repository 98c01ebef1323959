import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOT_A_NUMBER, oklab, readableOn } from '../../src/visualize/color.js';
import {
  blues,
  type ColorMap,
  categorical,
  diverging,
  ember,
  imageFromMap,
  imageFromNormalized,
  mapColor,
  type Rgb,
  sequential,
} from '../../src/visualize/index.js';

const entry = (map: ColorMap, i: number): Rgb => [map[3 * i], map[3 * i + 1], map[3 * i + 2]];

test('sequential maps change in lightness only one way: they can be read without colour', () => {
  for (const [name, map, sign] of [
    ['sequential', sequential, 1],
    ['ember', ember, 1],
    ['blues', blues, -1],
  ] as const) {
    for (let i = 1; i < 256; i++) {
      const change = oklab(entry(map, i))[0] - oklab(entry(map, i - 1))[0];
      assert.ok(change * sign > -0.004, `${name} at ${i}: ${change}`);
    }
  }
});

test('steps of a map look about equally large', () => {
  const length = (map: ColorMap, from: number, to: number): number => {
    let total = 0;
    for (let i = from + 1; i <= to; i++)
      total += Math.hypot(...oklab(entry(map, i)).map((x, d) => x - oklab(entry(map, i - 1))[d]));
    return total;
  };
  for (const map of [sequential, blues]) {
    const parts = [0, 1, 2, 3].map((q) => length(map, q * 64, Math.min(255, (q + 1) * 64)));
    assert.ok(Math.max(...parts) / Math.min(...parts) < 1.15, parts.join(' '));
  }
});

test('the diverging map is lightest at its middle and as dark at both ends', () => {
  const [low, middle, high] = [entry(diverging, 0), entry(diverging, 128), entry(diverging, 255)].map(
    (c) => oklab(c)[0],
  );
  assert.ok(middle > 0.95 && Math.abs(low - high) < 0.06);
});

test('values are clipped to the ends of a map and NaN is magenta', () => {
  assert.deepEqual(mapColor(sequential, -9), entry(sequential, 0));
  assert.deepEqual(mapColor(sequential, Number.POSITIVE_INFINITY), entry(sequential, 255));
  assert.deepEqual(mapColor(sequential, Number.NaN), NOT_A_NUMBER);
  assert.deepEqual([...imageFromMap([Number.NaN], [1, 1], ember, 0, 1).rgb], [255, 0, 255]);
});

test('normalised images are brought back, clipped, and NaN shown', () => {
  const grey = imageFromNormalized([-1, 0, 1, 50, Number.NaN], [1, 5, 1], { mean: 0.5, std: 0.5 });
  assert.deepEqual([...grey.rgb], [0, 0, 0, 128, 128, 128, 255, 255, 255, 255, 255, 255, 255, 0, 255]);
  const color = imageFromNormalized([0, 1, 2, 99], [1, 1, 4], { mean: [0.2, 0.4, 0.6, 0], std: [0.1, 0.2, 0.1, 1] });
  assert.deepEqual([...color.rgb], [51, 153, 204]);
  assert.throws(() => imageFromNormalized([1, 2], [1, 1, 3]), /1x1x3 has 3 values, not 2/);
});

test('the categorical colours differ, and numbers on a cell can be read', () => {
  assert.equal(new Set(categorical).size, categorical.length);
  assert.equal(readableOn([255, 255, 255]), '#17202b');
  assert.equal(readableOn([20, 30, 90]), '#ffffff');
});
