/** The bytes of a decompressed TIFF block to numbers: byte order, predictors, types (TIFF 6.0, section 14; Technote 3). */
import type { TiffPage } from './tiffDirectory.js';

type Layout = Pick<TiffPage, 'bits' | 'format' | 'predictor' | 'planar' | 'samples' | 'blockWidth'>;

/** The numbers of a block in their stored order. */
export function blockNumbers(content: Uint8Array, layout: Layout, little: boolean): ArrayLike<number> {
  const { bits, format, predictor, planar, samples, blockWidth } = layout;
  const stride = planar ? 1 : samples;
  const rowBytes = blockWidth * stride * (bits / 8);
  // A copy of its own, aligned for wider numbers, in this machine's byte order.
  const bytes = predictor === 3 ? mergedFloats(content, rowBytes, bits / 8, stride) : Uint8Array.from(content);
  if (predictor !== 3 && little !== LITTLE_MACHINE) swapBytes(bytes, bits / 8);
  const { buffer } = bytes;
  if (bits === 64) return new Float64Array(buffer);
  const words = bits === 8 ? bytes : bits === 16 ? new Uint16Array(buffer) : new Uint32Array(buffer);
  if (predictor === 2) sumRows(words, blockWidth * stride, stride);
  if (format === 3) return bits === 16 ? Float32Array.from(words, halfFloat) : new Float32Array(buffer);
  if (format === 1) return words;
  return bits === 8 ? new Int8Array(buffer) : bits === 16 ? new Int16Array(buffer) : new Int32Array(buffer);
}

const LITTLE_MACHINE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Each number was stored as its difference to the one before of its band; sums wrap around. */
function sumRows(words: Uint8Array | Uint16Array | Uint32Array, row: number, stride: number): void {
  for (let start = 0; start < words.length; start += row)
    for (let i = start + stride; i < start + row; i++) words[i] += words[i - stride];
}

/** Floats stored row by row as differences of bytes: first all highest bytes, then all second ones, and so on. */
function mergedFloats(content: Uint8Array, row: number, size: number, stride: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(content.length);
  const sums = Uint8Array.from(content);
  sumRows(sums, row, stride);
  const count = row / size;
  for (let start = 0; start < content.length; start += row)
    for (let i = 0; i < count; i++)
      for (let byte = 0; byte < size; byte++)
        out[start + i * size + (LITTLE_MACHINE ? size - 1 - byte : byte)] = sums[start + byte * count + i];
  return out;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  if (size > 1) for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

/** IEEE 754 binary16. */
function halfFloat(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 31;
  const fraction = word & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
