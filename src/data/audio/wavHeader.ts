/** The chunks of a WAV file: what its samples are and where they lie, whatever the header claims. */

/** What is known of a WAV file before its samples are read. */
export interface WavHeader {
  rate: number;
  channels: number;
  /** Bits as stated; the samples take `sampleBytes` each, their value in the upper bits. */
  bits: number;
  sampleBytes: number;
  /** A linear encoding by name, or the number of another one in hexadecimal. */
  encoding: 'integer' | 'float' | `0x${string}`;
  littleEndian: boolean;
  /** First byte of the samples, and how many bytes of them the file really has. */
  start: number;
  length: number;
}

const ENCODINGS: Record<number, WavHeader['encoding']> = { 1: 'integer', 3: 'float' };
/** WAVE_FORMAT_EXTENSIBLE: the encoding stands further on, as the first two bytes of an identifier. */
const EXTENSIBLE = 0xfffe;
/** More channels than any array of microphones has: the header is damaged. */
const MOST_CHANNELS = 1024;
/** Samples per second, beyond every converter: the header is damaged. */
const HIGHEST_RATE = 2 ** 24;

/** Whether the bytes begin as a WAV file does (RIFF, its big-endian form RIFX, or the 64-bit forms RF64 and BW64). */
export function isWav(bytes: Uint8Array): boolean {
  return /^(?:RIFF|RIFX|RF64|BW64)$/.test(fourLetters(bytes, 0)) && fourLetters(bytes, 8) === 'WAVE';
}

/**
 * Finds format and samples among the chunks.
 * @throws Error with a short reason where one of them is missing or makes no sense
 */
export function readWavHeader(bytes: Uint8Array): WavHeader {
  if (!isWav(bytes)) throw new Error('not a wav file');
  const littleEndian = fourLetters(bytes, 0) !== 'RIFX';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: Omit<WavHeader, 'start' | 'length'> | undefined;
  let longLength: number | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = fourLetters(bytes, at);
    const stated = view.getUint32(at + 4, littleEndian);
    const start = at + 8;
    if (name === 'data') {
      if (!format) throw new Error('wav file has no format before its samples');
      return { ...format, start, length: samplesLength(bytes, start, stated, longLength, littleEndian) };
    }
    if (name === 'fmt ') format = readFormat(view, start, stated, littleEndian);
    // The 64-bit forms state the length of the samples here.
    if (name === 'ds64' && start + 16 <= bytes.length) longLength = Number(view.getBigUint64(start + 8, littleEndian));
    at = nextChunk(bytes, start + stated);
  }
  throw new Error(format ? 'wav file holds no samples' : 'wav file has no format');
}

function readFormat(
  view: DataView,
  at: number,
  stated: number,
  littleEndian: boolean,
): Omit<WavHeader, 'start' | 'length'> {
  if (stated < 16 || at + 16 > view.byteLength) throw new Error('wav format is cut short');
  let tag = view.getUint16(at, littleEndian);
  const channels = view.getUint16(at + 2, littleEndian);
  const rate = view.getUint32(at + 4, littleEndian);
  const frameBytes = view.getUint16(at + 12, littleEndian);
  const bits = view.getUint16(at + 14, littleEndian);
  if (tag === EXTENSIBLE && stated >= 26 && at + 26 <= view.byteLength) tag = view.getUint16(at + 24, littleEndian);
  if (channels === 0 || channels > MOST_CHANNELS) throw new Error(`wav header says ${channels} channels`);
  if (rate === 0 || rate > HIGHEST_RATE) throw new Error(`wav header says ${rate} samples per second`);
  // 20 bits may lie in 3 or in 4 bytes: the size of a frame tells, where it fits the bits.
  const least = Math.ceil(bits / 8);
  const stored = frameBytes / channels;
  const sampleBytes = Number.isInteger(stored) && stored > least && stored <= 4 ? stored : least;
  const encoding = ENCODINGS[tag] ?? `0x${tag.toString(16).padStart(4, '0')}`;
  if (encoding in { integer: 0, float: 0 } && (bits === 0 || bits > 64))
    throw new Error(`wav header says ${bits} bits`);
  return { rate, channels, bits, sampleBytes, encoding, littleEndian };
}

/** How many bytes of samples there are from `start`. */
function samplesLength(
  bytes: Uint8Array,
  start: number,
  stated: number,
  longLength: number | undefined,
  littleEndian: boolean,
): number {
  const available = bytes.length - start;
  const length = stated === 0xffffffff ? (longLength ?? available) : stated;
  // A length of 0 is the truth where only other chunks follow, and else what a writer left that was stopped.
  if (length === 0 && !chunksToTheEnd(bytes, start, littleEndian)) return available;
  return Math.min(length, available);
}

function chunksToTheEnd(bytes: Uint8Array, at: number, littleEndian: boolean): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  while (at + 8 <= bytes.length && isChunkName(bytes, at))
    at = nextChunk(bytes, at + 8 + view.getUint32(at + 4, littleEndian));
  return at === bytes.length || at === bytes.length + 1;
}

/** Chunks begin at even places; some writers forget the byte between. */
function nextChunk(bytes: Uint8Array, end: number): number {
  if (end % 2 === 0) return end;
  return isChunkName(bytes, end) && !isChunkName(bytes, end + 1) ? end : end + 1;
}

function isChunkName(bytes: Uint8Array, at: number): boolean {
  return /^[\w -]{4}$/.test(fourLetters(bytes, at));
}

function fourLetters(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
