/** Decompression of TIFF blocks: never more than a block can hold, whatever its bytes say. */
import { inflateSync } from 'node:zlib';
import { ensure } from '../../errors/index.js';

/** Compressed bytes of one block to at most `most` bytes. */
type Decompress = (bytes: Uint8Array, most: number) => Uint8Array;

/** Ways of compression by the number that TIFF gives them, with the greatest factor by which each can shrink data. */
export const COMPRESSIONS: Readonly<Record<number, { name: string; factor: number; decompress: Decompress }>> = {
  1: { name: 'none', factor: 1, decompress: (bytes, most) => bytes.subarray(0, most) },
  5: { name: 'LZW', factor: 4096, decompress: lzw },
  8: { name: 'deflate', factor: 1033, decompress: inflate },
  32773: { name: 'PackBits', factor: 64, decompress: packBits },
  32946: { name: 'old deflate', factor: 1033, decompress: inflate },
};

function inflate(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: most });
  } catch (error) {
    const bomb = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    ensure(false, () =>
      bomb ? 'a block holds more than its size' : `a block is damaged (${(error as Error).message})`,
    );
  }
}

/** Run lengths (TIFF 6.0, section 9). */
function packBits(bytes: Uint8Array, most: number): Uint8Array {
  const out = new Uint8Array(most);
  let size = 0;
  for (let at = 0; at < bytes.length && size < most; ) {
    const code = (bytes[at++] << 24) >> 24;
    if (code === -128) continue;
    const length = Math.min(most - size, code < 0 ? 1 - code : code + 1);
    if (code < 0) out.fill(bytes[at++] ?? 0, size, size + length);
    else {
      out.set(bytes.subarray(at, at + length), size);
      at += code + 1;
    }
    size += length;
  }
  return out.subarray(0, size);
}

const CLEAR = 256;
const END = 257;

/** Lempel-Ziv-Welch with codes of 9 to 12 bits, highest bit first (TIFF 6.0, section 13). */
function lzw(bytes: Uint8Array, most: number): Uint8Array {
  const out = new Uint8Array(most);
  // Entry c repeats the `lengths[c]` bytes that were written at `starts[c]`.
  const starts = new Int32Array(4097);
  const lengths = new Int32Array(4097);
  let next = 258;
  let width = 9;
  let bit = 0;
  let size = 0;
  let previous = -1;
  while (size < most && bit + width <= bytes.length * 8) {
    const byte = bit >> 3;
    const word = (bytes[byte] << 16) | ((bytes[byte + 1] ?? 0) << 8) | (bytes[byte + 2] ?? 0);
    const code = (word >> (24 - width - (bit & 7))) & ((1 << width) - 1);
    bit += width;
    if (code === END) break;
    if (code === CLEAR) {
      [next, width, previous] = [258, 9, -1];
      continue;
    }
    ensure(code < CLEAR || code < next || (code === next && previous >= 0), () => 'a block is damaged (LZW)');
    const start = size;
    const length = code < CLEAR ? 1 : code < next ? lengths[code] : lengthOf(previous, lengths) + 1;
    const source = code < CLEAR ? -1 : code < next ? starts[code] : start - lengthOf(previous, lengths);
    if (source < 0) out[size] = code;
    // Byte by byte: a string may continue into what it is just writing.
    else for (let i = 0; i < length && size + i < most; i++) out[size + i] = out[source + i];
    size = Math.min(most, size + length);
    if (previous >= 0 && next < 4096) {
      // The new entry is the string before and the first byte of this one, which stand one after the other.
      lengths[next] = lengthOf(previous, lengths) + 1;
      starts[next] = start - lengthOf(previous, lengths);
      next++;
    }
    if (next + 1 >= 1 << width && width < 12) width++;
    previous = code;
  }
  return out.subarray(0, size);
}

function lengthOf(code: number, lengths: Int32Array): number {
  return code < CLEAR ? 1 : lengths[code];
}
