/** Damaged copies of files: what a reader must survive. */
import assert from 'node:assert/strict';
import { bits, fold, keyFrom } from '../../src/random/index.js';

/** The bytes as threads share them, at an odd place of a larger buffer. */
export function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 8), 3, bytes.length);
  shared.set(bytes);
  return shared;
}

/** Copies of `bytes` cut short, with bytes flipped (half of them in the header), with stretches zeroed or repeated. */
export function* damagedCopies(bytes: Uint8Array, count: number, seed = 1): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    const draws = bits(fold(keyFrom(seed), 'damage', i), 24);
    const at = (draw: number, below: number) => draw % Math.max(1, below);
    if (i % 4 === 0) {
      yield bytes.slice(0, at(draws[0], i % 8 === 0 ? Math.min(bytes.length, 400) : bytes.length));
      continue;
    }
    const copy = Uint8Array.from(bytes);
    if (i % 4 === 3) {
      const from = at(draws[0], bytes.length);
      copy.fill(draws[1] & 255, from, Math.min(copy.length, from + 1 + at(draws[2], 64)));
    }
    const reach = i % 2 === 0 ? bytes.length : Math.min(bytes.length, 256);
    const flips = 1 + (draws[3] % 8);
    for (let f = 0; f < flips; f++) copy[at(draws[4 + f], reach)] = draws[12 + f] & 255;
    yield copy;
  }
}

/**
 * Every damaged copy is either read or refused with a short reason on one line, within half a second and without memory
 * that its size does not explain.
 * @returns how many were read
 */
export async function survives(
  bytes: Uint8Array,
  count: number,
  read: (bytes: Uint8Array) => Promise<unknown> | unknown,
): Promise<number> {
  let intact = 0;
  for (const copy of damagedCopies(bytes, count)) {
    const start = performance.now();
    const before = process.memoryUsage();
    try {
      await read(copy);
      intact++;
    } catch (error) {
      assert.ok(error instanceof Error, String(error));
      assert.ok(!(error instanceof TypeError || error instanceof ReferenceError), error.stack);
      assert.ok(error.message.length > 0 && error.message.length < 300 && !error.message.includes('\n'), error.message);
    }
    const after = process.memoryUsage();
    const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed;
    assert.ok(performance.now() - start < 2000, 'took too long');
    assert.ok(grown < 64 * 2 ** 20 + 100 * bytes.length, `took ${grown} bytes`);
  }
  return intact;
}
