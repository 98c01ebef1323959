/** Keys, and what is drawn by them. */
import { bits, type Key, threefry } from './threefry.js';

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
