/** The order of points along a curve that fills space, so that neighbours in a row are neighbours in space. */

/** Cells along each axis of the cube around the points: 2^10, so that a code has 30 bits. */
const CELLS = 1024;

/**
 * The numbers of the points in Morton order (Z-order): by the interleaved bits of their cell in a cube of 1024^3 cells
 * around them; points of one cell keep their order. Contiguous groups of rows are then compact pieces of space.
 * @param points `[N, channels]`, x, y, z first
 */
export function mortonOrder(points: Float32Array, channels: number): Int32Array {
  const count = points.length / channels;
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let p = 0; p < points.length; p += channels) {
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis], points[p + axis]);
      high[axis] = Math.max(high[axis], points[p + axis]);
    }
  }
  const side = Math.max(high[0] - low[0], high[1] - low[1], high[2] - low[2]);
  const scale = side > 0 ? (CELLS - 1) / side : 0;
  const codes = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let code = 0;
    for (let axis = 0; axis < 3; axis++)
      code |= spread(Math.floor((points[i * channels + axis] - low[axis]) * scale)) << (2 - axis);
    // The number rides along in the digits below the code: one sort of plain numbers, ties by number.
    codes[i] = code * count + i;
  }
  codes.sort();
  return Int32Array.from(codes, (code) => code % count);
}

/** Ten bits with two zeros between each. */
function spread(cell: number): number {
  let x = cell & 0x3ff;
  x = (x | (x << 16)) & 0x30000ff;
  x = (x | (x << 8)) & 0x300f00f;
  x = (x | (x << 4)) & 0x30c30c3;
  return (x | (x << 2)) & 0x9249249;
}
