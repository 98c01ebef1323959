/** Points on the surface of a mesh. */
import { bits, type Key } from '../../random/index.js';
import type { PointSet } from './pointSet.js';

/**
 * `count` points, uniform by area on the triangles of a mesh (Osada et al. 2002, section 3.1), all channels interpolated
 * between the corners. A set without triangles of any area is returned as it is: its vertices are the points.
 */
export function sampleSurface(set: PointSet, count: number, key: Key): PointSet {
  const { points, channels, faces, columns, dropped } = set;
  if (!faces) return set;
  const areas = cumulativeAreas(points, channels, faces);
  const total = areas[areas.length - 1];
  if (!(total > 0)) return { points, channels, columns, dropped };

  const draws = bits(key, 3 * count);
  const out = new Float32Array(count * channels);
  for (let i = 0; i < count; i++) {
    const face = 3 * firstAbove(areas, (draws[3 * i] / 2 ** 32) * total);
    // The square root spreads points evenly over the triangle instead of towards its first corner.
    const away = Math.sqrt(draws[3 * i + 1] / 2 ** 32);
    const along = draws[3 * i + 2] / 2 ** 32;
    const [a, b, c] = [1 - away, away * (1 - along), away * along];
    const [from, to, other] = [faces[face], faces[face + 1], faces[face + 2]].map((corner) => corner * channels);
    for (let k = 0; k < channels; k++)
      out[i * channels + k] = a * points[from + k] + b * points[to + k] + c * points[other + k];
  }
  return { points: out, channels, columns, dropped };
}

/** The running sum of the triangles' areas. Triangles whose area is no finite number count as none. */
function cumulativeAreas(points: Float32Array, channels: number, faces: Int32Array): Float64Array {
  const sums = new Float64Array(faces.length / 3);
  let total = 0;
  for (let f = 0; f < sums.length; f++) {
    const [p, q, r] = [faces[3 * f], faces[3 * f + 1], faces[3 * f + 2]].map((corner) => corner * channels);
    const [ax, ay, az] = [points[q] - points[p], points[q + 1] - points[p + 1], points[q + 2] - points[p + 2]];
    const [bx, by, bz] = [points[r] - points[p], points[r + 1] - points[p + 1], points[r + 2] - points[p + 2]];
    const area = 0.5 * Math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx);
    if (Number.isFinite(area)) total += area;
    sums[f] = total;
  }
  return sums;
}

/** The first place whose sum lies above `value`: triangles without area are never it. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
