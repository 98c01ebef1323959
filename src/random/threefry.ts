/**
 * Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a bijection of 64-bit
 * counters for each 64-bit key, whose images pass every statistical test that the authors know.
 */

/** A 64-bit key as two unsigned 32-bit words. */
export type Key = readonly [number, number];

const PARITY = 0x1bd11bda;

/**
 * Writes the two output words for the counter (c0, c1) into `out[at]`, `out[at + 1]`.
 * A round is `x0 += x1; x1 = rotate(x1, r) ^ x0`, and every fourth is followed by a key injection. All twenty are
 * written out, which is twice as fast as a loop: a hundred million initial values pass through here.
 */
export function threefry(k0: number, k1: number, c0: number, c1: number, out: Uint32Array, at: number): void {
  // As signed words: sums with words above 2^31 would be computed in floating point.
  const a = k0 | 0;
  const b = k1 | 0;
  const c = PARITY ^ a ^ b;
  let x0 = ((c0 | 0) + a) | 0;
  let x1 = ((c1 | 0) + b) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + b) | 0;
  x1 = (x1 + c + 1) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + c) | 0;
  x1 = (x1 + a + 2) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + a) | 0;
  x1 = (x1 + b + 3) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + b) | 0;
  x1 = (x1 + c + 4) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + c) | 0;
  x1 = (x1 + a + 5) | 0;
  out[at] = x0;
  out[at + 1] = x1;
}

/** Fills `out`, of even length, with the words of the counters from `counter` on. */
export function fillBits(key: Key, counter: number, out: Uint32Array): void {
  const [k0, k1] = key;
  for (let i = 0; i < out.length; i += 2) threefry(k0, k1, counter + (i >>> 1), 0, out, i);
}
