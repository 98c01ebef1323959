/** Locality and pictures of positions on a line, on a plane, and in frames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFrom, normal } from '../../src/random/index.js';
import { locality, localityChance, localityScore, positionsFigure } from '../../src/visualize/index.js';

/** Smooth bumps along every axis: neighbours alone are alike. */
function smoothTable(shape: readonly number[]): Float32Array {
  const count = shape.reduce((a, b) => a * b, 1);
  const width = shape.reduce((a, b) => a + b, 0);
  const table = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    let [rest, at] = [i, width];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const place = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
      at -= shape[axis];
      for (let b = 0; b < shape[axis]; b++) table[i * width + at + b] = Math.exp(-((b - place) ** 2) / 4);
    }
  }
  return table;
}

const SHAPES = [[200], [12, 16], [5, 8, 9], [2, 3, 6, 7]];

test('a smooth table scores near 1 and a random one near chance, on any number of axes', () => {
  for (const shape of SHAPES) {
    const count = shape.reduce((a, b) => a * b, 1);
    assert.ok(localityScore(smoothTable(shape), shape) > 0.95, `${shape}: ${localityScore(smoothTable(shape), shape)}`);
    const { score, chance } = locality(normal(keyFrom(2), count * 16), shape);
    assert.ok(Math.abs(score - chance) < 0.05, `${shape}: ${score} by chance ${chance}`);
  }
});

test('chance is the exact share of near positions', () => {
  for (const shape of SHAPES)
    for (const metric of ['chebyshev', 'euclidean'] as const)
      for (const distance of [1, 2.5, 30]) {
        const count = shape.reduce((a, b) => a * b, 1);
        const places = Array.from({ length: count }, (_, i) => {
          let rest = i;
          return shape.map((_, axis) => {
            const size = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
            const place = Math.floor(rest / size);
            rest %= size;
            return place;
          });
        });
        let near = 0;
        for (const a of places)
          for (const b of places) {
            const steps = a.map((x, axis) => Math.abs(x - b[axis]));
            const length = metric === 'chebyshev' ? Math.max(...steps) : Math.hypot(...steps);
            if (length > 0 && length <= distance) near++;
          }
        const exact = near / count / (count - 1);
        assert.ok(Math.abs(localityChance(shape, { metric, distance }) - exact) < 1e-12);
      }
});

test('positions on any number of axes are drawn, from two positions on', () => {
  for (const shape of [...SHAPES, [2], [1, 2], [1, 1, 2], [3000]]) {
    const count = shape.reduce((a, b) => a * b, 1);
    const svg = positionsFigure(normal(keyFrom(3), count * 8), shape).toSvg();
    assert.doesNotMatch(svg.replace(/base64,[^"]*/g, ''), /="[^"]*(NaN|Infinity|undefined)/);
  }
});

test('a table that does not fit its shape is refused with both', () => {
  assert.throws(() => positionsFigure(new Float32Array(100), [3, 4, 5]), /100 values does not split into 3x4x5 rows/);
});
