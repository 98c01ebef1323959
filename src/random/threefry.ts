/**
 * Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a bijection of 64-bit
 * counters for each 64-bit key, whose images pass every statistical test that the authors know.
 */

/** A 64-bit key as two unsigned 32-bit words. */
export type Key = readonly [number, number];

const PARITY = 0x1bd11bda;

/** Writes the two output words for the counter (c0, c1) into `out[at]`, `out[at + 1]`. */
export function threefry(k0: number, k1: number, c0: number, c1: number, out: Uint32Array, at: number): void {
  const k2 = PARITY ^ k0 ^ k1;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  // Five groups of four rounds; rotations alternate between two fixed sets, a key injection follows each group.
  for (let group = 0; group < 5; group++) {
    if ((group & 1) === 0) {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
    } else {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
    }
    const injection = group % 3;
    x0 = (x0 + (injection === 0 ? k1 : injection === 1 ? k2 : k0)) | 0;
    x1 = (x1 + (injection === 0 ? k2 : injection === 1 ? k0 : k1) + group + 1) | 0;
  }
  out[at] = x0;
  out[at + 1] = x1;
}

/** `count` raw 32-bit words: the outputs for the counters 0, 1, 2 … */
export function bits(key: Key, count: number): Uint32Array {
  const out = new Uint32Array(count + (count & 1));
  for (let i = 0; i < out.length; i += 2) threefry(key[0], key[1], i >>> 1, 0, out, i);
  return count & 1 ? out.subarray(0, count) : out;
}
