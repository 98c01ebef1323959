/**
 * IEEE 754 half precision (binary16): 11 significant bits, up to 65504. In memory its values are kept as f32; the bits
 * exist in files and on devices alone.
 */

const number = new Float32Array(1);
const bits = new Uint32Array(number.buffer);
/** From here on a half is infinite. */
const INFINITE = 65520;
/** Below, halves lie evenly, 2^-24 apart. */
const SMALLEST_NORMAL = 2 ** -14;

/** The nearest half, ties to even, as a number; beyond the range ±Infinity. */
export function roundToHalf(x: number): number {
  return fromBits(toBits(x));
}

/** The bits of the nearest halves. */
export function toHalfBits(values: ArrayLike<number>): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = toBits(values[i]);
  return halves;
}

/** The numbers that bits of halves stand for. */
export function fromHalfBits(halves: ArrayLike<number>): Float32Array {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = fromBits(halves[i]);
  return values;
}

function toBits(x: number): number {
  number[0] = x;
  const sign = (bits[0] >>> 16) & 0x8000;
  if (Number.isNaN(x)) return sign | 0x7e00;
  const size = Math.abs(number[0]);
  if (size >= INFINITE) return sign | 0x7c00;
  if (size < SMALLEST_NORMAL) {
    // At 0.5 floats lie 2^-24 apart too: the addition rounds, and the lowest bits count the steps.
    number[0] = size + 0.5;
    return sign | (bits[0] & 0x7ff);
  }
  // Half of the last place, a little less where the last bit is even; then the exponent's offset 15 instead of 127.
  const rounded = (bits[0] & 0x7fffffff) + 0xfff + ((bits[0] >>> 13) & 1);
  return sign | ((rounded >>> 13) - (112 << 10));
}

function fromBits(half: number): number {
  const [exponent, fraction] = [(half >>> 10) & 31, half & 1023];
  const infinite = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  const size =
    exponent === 31 ? infinite : exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -size : size;
}
