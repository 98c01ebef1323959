/** IEEE 754 half precision (binary16): 11 significant bits, up to 65504. Values are kept as f32; bits exist in files and on devices alone. */

/** The largest finite half. */
export const LARGEST_HALF = 65504;

const number = new Float32Array(1);
const bits = new Uint32Array(number.buffer);

/** The nearest half, ties to even, as a number; beyond the range ±Infinity. */
export function roundToHalf(x: number): number {
  const size = Math.abs(x);
  if (!(size < 65520)) return Number.isNaN(x) ? x : Math.sign(x) * Number.POSITIVE_INFINITY;
  // Below 2^-14 halves lie evenly, 2^-24 apart; above, 2^-10 of the power of two below.
  const spacing = size < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(size)) - 10);
  return evenRound(x / spacing) * spacing;
}

function evenRound(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** The bits of the nearest halves. */
export function toHalfBits(values: ArrayLike<number>): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfBits(values[i]);
  return halves;
}

/** The numbers that bits of halves stand for. */
export function fromHalfBits(halves: ArrayLike<number>): Float32Array {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) {
    const [sign, exponent, fraction] = [halves[i] >> 15, (halves[i] >> 10) & 31, halves[i] & 1023];
    const size =
      exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : exponent === 0
          ? fraction * 2 ** -24
          : (1024 + fraction) * 2 ** (exponent - 25);
    values[i] = sign ? -size : size;
  }
  return values;
}

function halfBits(x: number): number {
  number[0] = x;
  const sign = (bits[0] >>> 16) & 0x8000;
  if (Number.isNaN(x)) return sign | 0x7e00;
  number[0] = Math.abs(roundToHalf(x));
  if (number[0] > LARGEST_HALF) return sign | 0x7c00;
  if (number[0] < 2 ** -14) return sign | (number[0] * 2 ** 24);
  return sign | ((((bits[0] >>> 23) - 112) << 10) | ((bits[0] >>> 13) & 1023));
}
