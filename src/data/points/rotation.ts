/** Random rotations of points and of the normals at them. */
import { type Key, normal, uniform } from '../../random/index.js';

/**
 * Rotates x, y, z in place, and the normals where `columns` names them: about the z axis by a uniform angle, or by a
 * rotation uniform among all (a normal quaternion made of unit length; Shoemake 1992).
 * @param values `[N, channels]`
 */
export function rotatePoints(
  values: Float32Array,
  channels: number,
  columns: readonly string[] | undefined,
  about: 'z' | 'all',
  key: Key,
): void {
  const matrix = about === 'z' ? turn(2 * Math.PI * uniform(key, 1)[0]) : rotation(normal(key, 4));
  const normals = ['nx', 'ny', 'nz'].map((name) => columns?.indexOf(name) ?? -1);
  const vectors = [[0, 1, 2]];
  if (normals.every((c) => c >= 0 && c < channels)) vectors.push(normals);
  for (let p = 0; p < values.length; p += channels) {
    for (const [x, y, z] of vectors) {
      const [a, b, c] = [values[p + x], values[p + y], values[p + z]];
      values[p + x] = matrix[0] * a + matrix[1] * b + matrix[2] * c;
      values[p + y] = matrix[3] * a + matrix[4] * b + matrix[5] * c;
      values[p + z] = matrix[6] * a + matrix[7] * b + matrix[8] * c;
    }
  }
}

function turn(angle: number): number[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [cos, -sin, 0, sin, cos, 0, 0, 0, 1];
}

/** The rotation of a quaternion of any length but 0. */
function rotation(quaternion: ArrayLike<number>): number[] {
  const length = Math.hypot(quaternion[0], quaternion[1], quaternion[2], quaternion[3]);
  const [w, x, y, z] = Array.from(quaternion, (q) => q / length);
  return [
    ...[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    ...[2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    ...[2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
}
