/**
 * Counter-based randomness: every draw is a pure function of an explicit key, so that the same seed gives the same
 * masks, dropout, shuffles and initial values on every device and after every resume. There is no hidden state.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 */

/** A 64-bit key as two unsigned 32-bit words. */
export type Key = readonly [number, number];

const PARITY = 0x1bd11bda;

/** Threefry-2x32-20: writes the two output words for counter (c0, c1) into `out[at]`, `out[at + 1]`. */
function threefry(k0: number, k1: number, c0: number, c1: number, out: Uint32Array, at: number): void {
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

/** The root key of a run. `seed` is any integer that a double holds exactly. */
export function keyFrom(seed: number): Key {
  return fold([0x243f6a88, 0x85a308d3], seed);
}

/** A new, independent key for each path of names and numbers: `fold(key, 'masks', step)`. */
export function fold(key: Key, ...path: (string | number)[]): Key {
  const words = new Uint32Array(2);
  let [k0, k1] = key;
  for (const part of path) {
    const [low, high] = typeof part === 'number' ? numberWords(part) : nameWords(part);
    threefry(k0, k1, low, high, words, 0);
    [k0, k1] = words;
  }
  return [k0, k1];
}

/** `count` raw 32-bit words. */
export function bits(key: Key, count: number): Uint32Array {
  const out = new Uint32Array(count + (count & 1));
  for (let i = 0; i < out.length; i += 2) threefry(key[0], key[1], i >>> 1, 0, out, i);
  return count & 1 ? out.subarray(0, count) : out;
}

/** `count` numbers, uniform in [0, 1), each a multiple of 2^-24 (exact in float32). */
export function uniform(key: Key, count: number): Float32Array {
  const words = bits(key, count);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = (words[i] >>> 8) / 16777216;
  return out;
}

/** `count` standard normal numbers (Box-Muller). */
export function normal(key: Key, count: number): Float32Array {
  const words = bits(key, count + (count & 1));
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((words[i] + 1) / 4294967296));
    const angle = (2 * Math.PI * words[i + 1]) / 4294967296;
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** `count` standard normal numbers cut to [-2, 2]: what falls outside is drawn again. */
export function truncatedNormal(key: Key, count: number): Float32Array {
  const out = new Float32Array(count);
  let filled = 0;
  for (let round = 0; filled < count; round++) {
    for (const x of normal(fold(key, round), Math.ceil((count - filled) * 1.06) + 8)) {
      if (filled < count && x >= -2 && x <= 2) out[filled++] = x;
    }
  }
  return out;
}

/** A random order of 0 … n-1 (Fisher-Yates). */
export function permutation(key: Key, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  shufflePrefix(key, order, n);
  return order;
}

/** `k` distinct numbers of 0 … n-1 in increasing order. */
export function choose(key: Key, n: number, k: number): Int32Array {
  return subset(key, n, k).sort();
}

/** `k` distinct numbers of 0 … n-1 in random order. */
export function subset(key: Key, n: number, k: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  shufflePrefix(key, order, k);
  return order.slice(0, k);
}

function shufflePrefix(key: Key, order: Int32Array, k: number): void {
  const words = bits(key, k);
  for (let i = 0; i < k; i++) {
    const j = i + Math.floor((words[i] / 4294967296) * (order.length - i));
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
}

function numberWords(value: number): [number, number] {
  return [value >>> 0, Math.floor(value / 4294967296) >>> 0];
}

/** Two FNV-1a hashes with different offsets: a name's 64 bits. */
function nameWords(name: string): [number, number] {
  let a = 0x811c9dc5;
  let b = 0x5bd1e995;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + 0x9e37), 0x01000193);
  }
  return [a >>> 0, b >>> 0];
}
