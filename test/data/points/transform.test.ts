/** Sampling of surfaces, augmentation and order of points, by their properties. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkPointsOptions,
  decodePoints,
  mortonOrder,
  type PointSet,
  type PointsOptions,
  pointSet,
  sampleSurface,
  transformPoints,
} from '../../../src/data/points/index.js';
import { keyFrom, normal, uniform } from '../../../src/random/index.js';

const cloud = (count: number, seed = 1): PointSet => pointSet(normal(keyFrom(seed), 3 * count), 3);
const plain: PointsOptions = { points: 64, channels: 3, normalize: 'none', order: 'stored' };

/** A unit cube of 12 triangles. */
const CUBE = `OFF\n8 6 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n0 0 1\n1 0 1\n1 1 1\n0 1 1
4 0 1 2 3\n4 4 5 6 7\n4 0 1 5 4\n4 2 3 7 6\n4 0 3 7 4\n4 1 2 6 5\n`;

test('samples lie on the surface, uniformly by area (chi-square)', async () => {
  const cube = await decodePoints(Buffer.from(CUBE), 'cube');
  const count = 9600;
  const { points } = sampleSurface(cube, count, keyFrom(5));
  const bins = new Int32Array(6 * 16);
  for (let p = 0; p < points.length; p += 3) {
    const place = [...points.subarray(p, p + 3)];
    const axis = place.findIndex((x) => Math.abs(x) < 1e-6 || Math.abs(x - 1) < 1e-6);
    assert.ok(axis >= 0, `${place} is off the surface`);
    const [u, v] = place.filter((_, i) => i !== axis).map((x) => Math.min(3, Math.floor(4 * x)));
    bins[(2 * axis + Math.round(place[axis])) * 16 + 4 * u + v]++;
  }
  const expected = count / bins.length;
  const chi = bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // 95 degrees of freedom: 50.6 … 152 holds all but 1 in 10,000 draws.
  assert.ok(chi > 50 && chi < 152, `chi-square is ${chi}`);
});

test('large triangles get more points than small ones; degenerate ones none', async () => {
  const set = await decodePoints(
    Buffer.from('OFF\n7 3 0\n0 0 0\n3 0 0\n0 2 0\n10 0 0\n11 0 0\n10 2 0\n12 0 0\n3 3 4 6\n3 0 1 2\n3 3 4 5\n'),
    'mesh',
  );
  const { points } = sampleSurface(set, 8000, keyFrom(2));
  let left = 0;
  for (let p = 0; p < points.length; p += 3) {
    if (points[p] < 5) left++;
    else assert.ok(points[p + 1] > 0 && points[p] <= 11, 'nothing on the triangle without area');
  }
  assert.ok(Math.abs(left / 8000 - 0.75) < 0.02, `${left}`);
  assert.deepEqual(sampleSurface(set, 50, keyFrom(2)), sampleSurface(set, 50, keyFrom(2)));
});

test('a mesh without area, or without faces, has its vertices for points', async () => {
  const flat = await decodePoints(Buffer.from('OFF\n3 1 0\n0 0 0\n1 0 0\n2 0 0\n3 0 1 2\n'), 'flat');
  assert.deepEqual([...sampleSurface(flat, 10, keyFrom(1)).points], [0, 0, 0, 1, 0, 0, 2, 0, 0]);
  const set = cloud(5);
  assert.equal(sampleSurface(set, 10, keyFrom(1)), set);
});

const distances = (values: Float32Array, channels = 3): number[] => {
  const out: number[] = [];
  for (let i = 0; i < values.length; i += channels)
    for (let j = 0; j < i; j += channels)
      out.push(Math.hypot(...[0, 1, 2].map((axis) => values[i + axis] - values[j + axis])));
  return out;
};
const near = (a: ArrayLike<number>, b: ArrayLike<number>, by = 1e-4) => {
  assert.equal(a.length, b.length);
  for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i] - b[i]) <= by, `${i}: ${a[i]} and ${b[i]}`);
};

test('rotations keep distances; about z they keep heights; normals turn along', () => {
  const set = cloud(64);
  for (const rotate of ['z', 'all'] as const) {
    const { values } = transformPoints(set, { ...plain, rotate }, keyFrom(3));
    assert.ok(Math.abs(values[0] - set.points[0]) > 1e-3, 'it turned');
    near(distances(values), distances(set.points));
    if (rotate === 'z')
      near(
        values.filter((_, i) => i % 3 === 2),
        set.points.filter((_, i) => i % 3 === 2),
        0,
      );
  }
  // Points on a sphere are their own normals, and stay so.
  const both = new Float32Array(64 * 6);
  for (let i = 0; i < 64; i++) for (const half of [0, 3]) both.set(set.points.subarray(3 * i, 3 * i + 3), 6 * i + half);
  const columns = ['x', 'y', 'z', 'nx', 'ny', 'nz'];
  const turned = transformPoints(pointSet(both, 6, { columns }), { ...plain, channels: 6, rotate: 'all' }, keyFrom(9));
  for (let i = 0; i < 64; i++)
    near(turned.values.subarray(6 * i, 6 * i + 3), turned.values.subarray(6 * i + 3, 6 * i + 6), 1e-6);
});

test('all rotations are equally likely: every axis goes everywhere', () => {
  const axis = pointSet(Float32Array.of(0, 0, 1), 3);
  const mean = [0, 0, 0];
  let squares = 0;
  for (let i = 0; i < 2000; i++) {
    const { values } = transformPoints(axis, { ...plain, points: 1, rotate: 'all' }, keyFrom(i));
    for (let c = 0; c < 3; c++) mean[c] += values[c] / 2000;
    squares += values[2] ** 2 / 2000;
  }
  for (const m of mean) assert.ok(Math.abs(m) < 0.05);
  assert.ok(Math.abs(squares - 1 / 3) < 0.03);
});

test('the unit sphere: mean 0, farthest point at 1, whatever the place and size', () => {
  const set = cloud(64);
  const moved = pointSet(
    set.points.map((x) => 50 * x + 7),
    3,
  );
  const options: PointsOptions = { ...plain, normalize: 'unitSphere' };
  const { values } = transformPoints(set, options, keyFrom(0));
  near(values, transformPoints(moved, options, keyFrom(0)).values, 1e-4);
  const radii = Array.from({ length: 64 }, (_, i) => Math.hypot(...values.subarray(3 * i, 3 * i + 3)));
  assert.ok(Math.abs(Math.max(...radii) - 1) < 1e-6);
  for (let c = 0; c < 3; c++)
    assert.ok(Math.abs(values.filter((_, i) => i % 3 === c).reduce((a, b) => a + b) / 64) < 1e-6);
  const single = transformPoints(pointSet(Float32Array.of(5, 5, 5), 3), { ...options, points: 4 }, keyFrom(0));
  assert.deepEqual([...single.values], new Array(12).fill(0));
});

test('more points than wanted: a subset; fewer: repeated evenly, or padded', () => {
  const numbered = pointSet(
    Float32Array.from({ length: 300 }, (_, i) => Math.floor(i / 3)),
    3,
  );
  const firsts = (options: Partial<PointsOptions>, seed: number) => {
    const { values, length } = transformPoints(numbered, { ...plain, ...options }, keyFrom(seed));
    return { length, points: Array.from({ length: length }, (_, i) => values[3 * i]), values };
  };
  const some = firsts({ points: 40 }, 1);
  assert.equal(new Set(some.points).size, 40);
  assert.notDeepEqual(some.points, firsts({ points: 40 }, 2).points);
  assert.deepEqual(some.points, firsts({ points: 40 }, 1).points);
  assert.deepEqual(
    firsts({ points: 40, augment: false }, 1).points,
    firsts({ points: 40, augment: false, rotate: 'all', jitter: 1, dropout: 0.5 }, 2).points,
    'without augmentation every key gives the same',
  );
  const many = firsts({ points: 250 }, 1);
  const counts = new Int32Array(100);
  for (const point of many.points) counts[point]++;
  assert.deepEqual([Math.min(...counts), Math.max(...counts), many.length], [2, 3, 250]);
  const padded = firsts({ points: 250, fill: 'pad', mean: [-7] }, 1);
  assert.equal(padded.length, 100);
  assert.ok(padded.values.subarray(300).every((x) => x === 0) && padded.values[0] === 7);
});

test('dropout leaves out up to its share; scale, shift and jitter stay within theirs', () => {
  const set = cloud(64);
  const shares = Array.from({ length: 200 }, (_, i) => {
    const { values } = transformPoints(set, { ...plain, dropout: 0.5 }, keyFrom(i));
    return new Set(Array.from({ length: 64 }, (_, p) => values[3 * p])).size / 64;
  });
  assert.ok(Math.min(...shares) >= 0.5 && Math.min(...shares) < 0.55 && Math.max(...shares) > 0.95);
  assert.equal(transformPoints(set, { ...plain, dropout: 0.9, fill: 'pad' }, keyFrom(4)).values.length, 192);

  const ones = pointSet(new Float32Array(192).fill(1), 3);
  const factors = Array.from(
    { length: 100 },
    (_, i) => transformPoints(ones, { ...plain, scale: [0.8, 1.25] }, keyFrom(i)).values[0],
  );
  assert.ok(Math.min(...factors) >= 0.8 && Math.max(...factors) <= 1.25 && Math.max(...factors) > 1.15);
  const { values } = transformPoints(set, { ...plain, jitter: 0.01, shift: 0.1 }, keyFrom(8));
  const moves = values.map((x, i) => x - set.points[i]);
  for (let axis = 0; axis < 3; axis++) {
    const own = moves.filter((_, i) => i % 3 === axis);
    const mean = own.reduce((a, b) => a + b) / 64;
    assert.ok(Math.abs(mean) < 0.11);
    const deviation = Math.sqrt(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 64);
    assert.ok(deviation > 0.005 && deviation < 0.015, `${deviation}`);
  }
});

test('Morton order keeps neighbours together and forgets the stored order', () => {
  const set = pointSet(uniform(keyFrom(1), 3 * 512), 3);
  const order = mortonOrder(set.points, 3);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...Array(512).keys()],
  );
  const spread = (rows: ArrayLike<number>) => {
    let sum = 0;
    for (let g = 0; g < 512; g += 32)
      for (let i = g; i < g + 32; i++)
        sum += Math.hypot(...[0, 1, 2].map((c) => set.points[3 * rows[i] + c] - set.points[3 * rows[g] + c]));
    return sum / 512;
  };
  assert.ok(spread(order) < 0.6 * spread([...Array(512).keys()]), 'groups of rows are compact');
  // The eight corners of a cube, in the order of the bits of x, y and z.
  const corners = Float32Array.from([1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1]);
  assert.deepEqual([...mortonOrder(corners, 3)], [1, 3, 4, 5, 2, 7, 6, 0]);
  assert.deepEqual([...mortonOrder(new Float32Array(9), 3)], [0, 1, 2]);

  const shuffled = pointSet(new Float32Array(set.points.length), 3 /* filled below */).points;
  for (let i = 0; i < 512; i++) shuffled.set(set.points.subarray(3 * i, 3 * i + 3), 3 * ((i * 77) % 512));
  const options: PointsOptions = { points: 512, channels: 3, augment: false };
  near(
    transformPoints(set, options, keyFrom(0)).values,
    transformPoints(pointSet(shuffled, 3), options, keyFrom(0)).values,
    1e-5,
  );
});

test('further channels are carried along; missing numbers become the mean', () => {
  const set = pointSet(Float32Array.from([1, 2, 3, Number.NaN, 4, 5, 6, 8]), 4);
  const { values } = transformPoints(
    set,
    { ...plain, points: 2, channels: 4, mean: [0, 0, 0, 6], std: [1, 1, 1, 2] },
    [1, 2],
  );
  assert.deepEqual([...values], [1, 2, 3, 0, 4, 5, 6, 1]);
  assert.throws(() => transformPoints(set, { ...plain, channels: 6 }, [1, 2]), /4 channels where 6 are asked for/);
});

test('options that make no sense are named', () => {
  const refused = (options: Partial<PointsOptions>, reason: RegExp) =>
    assert.throws(() => checkPointsOptions({ ...plain, ...options }), reason);
  checkPointsOptions({ points: 1024, channels: 6, rotate: 'z', scale: [0.8, 1.25], jitter: 0.01, dropout: 0.875 });
  refused({ points: 0 }, /points is 0/);
  refused({ channels: 2 }, /channels is 2/);
  refused({ rotate: 'y' as 'z' }, /rotate is "y": choose one of none, z, all/);
  refused({ scale: [2, 1] }, /scale is \[2,1\]/);
  refused({ jitter: -1 }, /jitter is -1/);
  refused({ dropout: 1 }, /dropout is 1/);
  refused({ mean: [1, 2] }, /mean has 2 numbers for 3 channels/);
  refused({ std: [0] }, /std is \[0\]/);
});
