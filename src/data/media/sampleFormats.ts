/** FFmpeg's sample formats to interleaved floats. */
import type { Frame } from 'node-av/lib';
import type { Library } from './library.js';

type Numbers = ArrayLike<number> | ArrayLike<bigint>;

/** How each packed format is stored, its zero, and what -1 … 1 is multiplied by. */
const FORMATS: Record<string, { read: new (buffer: ArrayBuffer) => Numbers; zero: number; scale: number }> = {
  u8: { read: Uint8Array, zero: 128, scale: 2 ** 7 },
  s16: { read: Int16Array, zero: 0, scale: 2 ** 15 },
  s32: { read: Int32Array, zero: 0, scale: 2 ** 31 },
  s64: { read: BigInt64Array, zero: 0, scale: 2 ** 63 },
  flt: { read: Float32Array, zero: 0, scale: 1 },
  dbl: { read: Float64Array, zero: 0, scale: 1 },
};

/**
 * The samples of a decoded frame, `[frames, channels]`, planar ones interleaved.
 * @throws Error with a short reason for a format that is not known
 */
export function frameSamples(library: Library, frame: Frame): Float32Array {
  const name = library.avGetSampleFmtName(frame.format as Parameters<Library['avGetSampleFmtName']>[0]) ?? '';
  const format = FORMATS[name.replace(/p$/, '')];
  if (!format) throw new Error(`samples of the format "${name}" cannot be read`);
  const { channels, nbSamples } = frame;
  const bytes = frame.toBuffer();
  // Copied: the buffer may lie at an address that wider numbers cannot start at.
  const values = new format.read(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer);
  const out = new Float32Array(nbSamples * channels);
  const [step, stride] = name.endsWith('p') ? [1, nbSamples] : [channels, 1];
  const factor = 1 / format.scale;
  for (let c = 0; c < channels; c++) {
    for (let i = 0, from = c * stride, to = c; i < nbSamples; i++, from += step, to += channels) {
      out[to] = (Number(values[from]) - format.zero) * factor;
    }
  }
  return out;
}
