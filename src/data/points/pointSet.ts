/** Points with channels, or the vertices of a mesh: what every reader of points makes. */
import { ensure } from '../../errors/index.js';

/** A set of points in space: x, y, z first, then whatever else was measured at each. */
export interface PointSet {
  /** `[N, channels]`; x, y and z are finite. */
  points: Float32Array;
  /** Numbers per point, at least 3. */
  channels: number;
  /** What the file calls the channels: `x`, `y`, `z`, `nx`, `red`, …; absent where it does not say. */
  columns?: string[];
  /** Triangles `[F, 3]` of point numbers, where the file holds a mesh. */
  faces?: Int32Array;
  /** Points left out because x, y or z was no finite number. */
  dropped: number;
}

/** More channels than this are no points, but a matrix of something else. */
export const MOST_CHANNELS = 64;

/** How many points a set holds. */
export function pointCount({ points, channels }: PointSet): number {
  return points.length / channels;
}

/**
 * A checked set: points without a place in space are left out, triangles that used them too, and columns are brought into
 * the order x, y, z, rest.
 * @param faces triangles `[F, 3]`, numbers of points
 * @throws HiperceiverError with a short reason: no points, too few channels, none of finite place, corners that do not exist
 */
export function pointSet(
  points: Float32Array,
  channels: number,
  { columns, faces }: { columns?: readonly string[]; faces?: Int32Array } = {},
): PointSet {
  ensure(channels >= 3, () => `its points have ${channels} columns where x, y and z are needed`);
  ensure(channels <= MOST_CHANNELS, () => `its points have ${channels} columns, more than ${MOST_CHANNELS}`);
  const count = points.length / channels;
  ensure(count >= 1, () => 'it holds no points');
  const order = columns && positionFirst(columns);
  const kept = new Int32Array(count).fill(-1);
  const out = new Float32Array(points.length);
  let size = 0;
  for (let i = 0; i < count; i++) {
    const from = i * channels;
    const to = size * channels;
    for (let c = 0; c < channels; c++) out[to + c] = points[from + (order ? order[c] : c)];
    // The sum is finite only where all three are.
    if (Number.isFinite(out[to] + out[to + 1] + out[to + 2])) kept[i] = size++;
  }
  ensure(size > 0, () => `none of its ${count} points has finite x, y and z`);
  const set: PointSet = { points: out.subarray(0, size * channels), channels, dropped: count - size };
  if (columns && order) set.columns = order.map((c) => columns[c]);
  if (faces && faces.length > 0) {
    const remaining = remap(faces, kept);
    if (remaining.length > 0) set.faces = remaining;
  }
  return set;
}

/** The fan of triangles of a polygon's corners, appended to `triangles`; fewer than three corners make none. */
export function triangulate(corners: ArrayLike<number>, triangles: number[]): void {
  for (let i = 2; i < corners.length; i++) triangles.push(corners[0], corners[i - 1], corners[i]);
}

/** Where to find x, y, z and the rest; undefined where they are already in front or are not named. */
function positionFirst(columns: readonly string[]): number[] | undefined {
  const names = columns.map((column) => column.toLowerCase());
  const position = ['x', 'y', 'z'].map((axis) => names.indexOf(axis));
  if (position.includes(-1)) return columns.map((_, c) => c);
  return [...position, ...columns.map((_, c) => c).filter((c) => !position.includes(c))];
}

/** Triangles by the new numbers of their points, without those that lost one. */
function remap(faces: Int32Array, kept: Int32Array): Int32Array {
  const out = new Int32Array(faces.length);
  let size = 0;
  for (let f = 0; f < faces.length; f += 3) {
    let whole = true;
    for (let corner = 0; corner < 3; corner++) {
      const point = faces[f + corner];
      ensure(point >= 0 && point < kept.length, () => `a face names point ${point} of ${kept.length}`);
      out[size + corner] = kept[point];
      whole &&= kept[point] >= 0;
    }
    if (whole) size += 3;
  }
  return out.slice(0, size);
}
