/** WAV files: linear samples of 8 to 32 bits and floats to sound, and sound back to 16-bit files. */
import type { Sound } from './sound.js';
import { readWavHeader, type WavHeader } from './wavHeader.js';

/** Reads one sample as a number, nominally -1 … 1, from a byte offset. */
type ReadSample = (view: DataView, at: number) => number;

/**
 * Decodes a WAV file: integers of 8 (unsigned), 16, 24 or 32 bits, floats of 32 or 64 bits, either byte order. A header
 * whose data length cannot be true (0 or 2^32 - 1 as streaming writers leave it, or beyond the end of the file) is
 * answered with the samples that are there; the rest of a frame at the end is cut.
 * @returns integers divided by 2^(bits - 1), floats as they are
 * @throws Error with a short reason where the file is damaged, empty, or encoded otherwise (mu-law, ADPCM, …)
 */
export function decodeWav(bytes: Uint8Array): Sound {
  const header = readWavHeader(bytes);
  const { rate, channels, sampleBytes, start } = header;
  const read = sampleReader(header);
  if (!read) throw new Error(`wav samples of encoding ${header.encoding} with ${header.bits} bits cannot be read`);
  const frames = Math.floor(header.length / (channels * sampleBytes));
  if (frames === 0) throw new Error('wav file holds no samples');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Float32Array(frames * channels);
  for (let i = 0, at = start; i < samples.length; i++, at += sampleBytes) samples[i] = read(view, at);
  return { rate, channels, samples };
}

/** Whether {@link decodeWav} reads the samples of a file with this header. */
export function isLinear(header: WavHeader): boolean {
  return sampleReader(header) !== undefined;
}

/**
 * A WAV file of 16-bit integers. Samples beyond -1 … 1 are clipped; what is not a number is silence.
 * @param options `bits`: 16, the one width that every player knows
 */
export function formatWav({ rate, channels, samples }: Sound, { bits = 16 }: { bits?: 16 } = {}): Uint8Array {
  const sampleBytes = bits / 8;
  const out = new Uint8Array(44 + samples.length * sampleBytes);
  const view = new DataView(out.buffer);
  const text = (at: number, letters: string) => {
    for (let i = 0; i < letters.length; i++) out[at + i] = letters.charCodeAt(i);
  };
  text(0, 'RIFF');
  view.setUint32(4, out.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * sampleBytes, true);
  view.setUint16(32, channels * sampleBytes, true);
  view.setUint16(34, bits, true);
  text(36, 'data');
  view.setUint32(40, samples.length * sampleBytes, true);
  const scale = 2 ** (bits - 1);
  for (let i = 0, at = 44; i < samples.length; i++, at += sampleBytes)
    view.setInt16(at, Math.max(-scale, Math.min(scale - 1, Math.round(samples[i] * scale))) || 0, true);
  return out;
}

/** How a sample is read, or undefined for an encoding that is no linear one. Integers are unsigned up to 8 bits only. */
function sampleReader({ encoding, sampleBytes, littleEndian }: WavHeader): ReadSample | undefined {
  if (encoding === 'integer') {
    if (sampleBytes === 1) return (view, at) => (view.getUint8(at) - 128) / 2 ** 7;
    if (sampleBytes === 2) return (view, at) => view.getInt16(at, littleEndian) / 2 ** 15;
    if (sampleBytes === 4) return (view, at) => view.getInt32(at, littleEndian) / 2 ** 31;
    if (sampleBytes === 3)
      return littleEndian
        ? (view, at) => (view.getInt8(at + 2) * 2 ** 16 + view.getUint16(at, true)) / 2 ** 23
        : (view, at) => (view.getInt8(at) * 2 ** 16 + view.getUint16(at + 1, false)) / 2 ** 23;
  }
  if (encoding === 'float') {
    if (sampleBytes === 4) return (view, at) => view.getFloat32(at, littleEndian);
    if (sampleBytes === 8) return (view, at) => view.getFloat64(at, littleEndian);
  }
  return undefined;
}
