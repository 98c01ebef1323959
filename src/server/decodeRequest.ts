/**
 * Files of requests to the signals that a model takes. The only place of the server that knows kinds of signals: another one
 * is another entry of `FILES`.
 */

import { isWav, readWavHeader } from '../data/audio/wavHeader.js';
import { isTiff, tiffDirectory } from '../data/bands/tiffDirectory.js';
import { decodeFailure } from '../data/decode.js';
import { imageHeader, kindOf, plainReader, type Reader, readExample } from '../data/index.js';
import { mediaHeader } from '../data/media/index.js';
import { keyFrom } from '../random/index.js';
import { HttpError } from './httpError.js';
import type { Example } from './model/servedModel.js';
import { ANY_TYPE, type Part } from './requestParts.js';

/** What a file may cost. */
export interface DecodeLimits {
  /** Of an image, or of a picture of a video. */
  maxPixels: number;
  /** Seconds of sound or video. */
  maxDuration: number;
}

/** Files of one kind of signal, as they come in requests. */
export interface FileKind {
  /** Media types. */
  types: readonly string[];
  /** Whether a file's first bytes are those of such a file; absent where only the decoder knows. */
  begins?(bytes: Uint8Array): boolean;
  /** Whether decoding is work for a thread of its own, for it would block this one. */
  blocks: boolean;
  /** Refuses a file that would cost too much, from its header alone. */
  check(bytes: Uint8Array, limits: DecodeLimits): Promise<void>;
}

/** The files that a reader takes. */
export function filesOf({ kind }: Reader): FileKind {
  return FILES[kind];
}

/** The reader without what only training needs: randomness and labels. */
export function inputReader(reader: Reader): Reader {
  const plain = plainReader(reader);
  if (plain.kind === 'segmentation') return plainReader({ ...plain, kind: 'image' });
  return plain.kind === 'bands' ? { ...plain, labels: undefined } : plain;
}

/**
 * One example from one encoded file: nothing random, the signals are those of `hip embed`.
 * @param reader of {@link inputReader}
 * @throws HttpError 415 for another kind of file, 413 for one that is too large, 422 for a damaged one
 */
export async function decodeInput(
  bytes: Uint8Array,
  contentType: string,
  reader: Reader,
  limits: DecodeLimits,
): Promise<Example> {
  const { types, begins, check } = filesOf(reader);
  const looksRight = begins?.(bytes) ?? true;
  if (!types.includes(contentType) && (contentType !== ANY_TYPE || !looksRight)) {
    throw unsupportedType(contentType, types);
  }
  const { noun, parts } = kindOf(reader);
  if (!looksRight) throw undecodable(`it does not begin as ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun} does`);
  try {
    await check(bytes, limits);
    const [part] = Object.keys(parts);
    const { signals, lengths } = await readExample({ parts: { [part]: bytes } }, reader, keyFrom(0));
    return { signals, lengths };
  } catch (error) {
    throw error instanceof HttpError ? error : undecodable(decodeFailure(error));
  }
}

/** The error for a file of another kind. */
export function unsupportedType(type: string, types: readonly string[]): HttpError {
  const hint =
    type === 'application/x-www-form-urlencoded'
      ? ' (which curl says for --data-binary unless told otherwise with -H "content-type: image/png")'
      : '';
  const message = `A file of type ${type}${hint} is not taken: send one of ${types.join(', ')}.`;
  return new HttpError(415, 'unsupported_type', message);
}

/** The error for a damaged file. */
export function undecodable(reason: string): HttpError {
  return new HttpError(422, 'undecodable', `The file cannot be decoded (${reason}): send a whole one.`);
}

/** What a part is called in a message. */
export function nameOfPart({ name }: Part, index: number, count: number): string {
  if (count === 1) return '';
  return name === undefined ? `Input ${index + 1}: ` : `Input ${index + 1} ("${name.slice(0, 60)}"): `;
}

/** Whether a file begins with one of some words: `word`, or `[offset, word, offset, word, …]`. */
function beginsWith(...signatures: (string | (string | number)[])[]): (bytes: Uint8Array) => boolean {
  return (bytes) =>
    signatures.some((signature) => {
      const pieces = typeof signature === 'string' ? [0, signature] : signature;
      return pieces.every((word, i) => {
        if (typeof word === 'number') return true;
        const offset = pieces[i - 1] as number;
        return Buffer.from(word, 'latin1').every((byte, k) => bytes[offset + k] === byte);
      });
    });
}

/** Vector graphics are left out: they can name files and addresses to read. */
const IMAGES: FileKind = {
  types: ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff', 'image/avif'],
  begins: beginsWith(
    ...['\xff\xd8\xff', '\x89PNG\r\n\x1a\n', 'GIF8', 'II*\0', 'MM\0*'],
    ...[
      [0, 'RIFF', 8, 'WEBP'],
      [4, 'ftypavi'],
    ],
  ),
  blocks: false,
  async check(bytes, { maxPixels }) {
    const { height, width } = await imageHeader(bytes).catch((error: Error) => {
      // The decoder has a limit of its own, and tells no size beyond it.
      if (error.message.includes('pixel limit')) throw tooManyPixels('more', maxPixels);
      throw error;
    });
    if (height * width > maxPixels) throw tooManyPixels(`${width} x ${height}`, maxPixels);
  },
};

const SOUND: FileKind = {
  types: [
    ...['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave', 'audio/flac', 'audio/x-flac', 'audio/mpeg'],
    ...['audio/mp3', 'audio/ogg', 'audio/opus', 'audio/mp4', 'audio/m4a', 'audio/x-m4a', 'audio/aac', 'audio/aiff'],
  ],
  blocks: true,
  async check(bytes, { maxDuration }) {
    if (!isWav(bytes)) return checkDuration((await mediaHeader(bytes)).duration, maxDuration);
    const { length, rate, channels, sampleBytes } = readWavHeader(bytes);
    checkDuration(length / Math.max(1, rate * channels * sampleBytes), maxDuration);
  },
};

const VIDEO: FileKind = {
  types: ['video/mp4', 'video/webm', 'video/quicktime', 'video/x-msvideo', 'video/x-matroska', 'video/mpeg'],
  blocks: true,
  async check(bytes, { maxDuration, maxPixels }) {
    const { duration, height, width } = await mediaHeader(bytes);
    checkDuration(duration, maxDuration);
    if (height * width > maxPixels) throw tooManyPixels(`${width} x ${height}`, maxPixels);
  },
};

/** Points and rasters have no media types of their own that clients agree on, so that their bytes are looked at in any case. */
const POINTS: FileKind = {
  types: ['model/ply', 'model/off', 'application/ply', 'text/plain', 'text/csv', 'application/x-npy', ANY_TYPE],
  blocks: true,
  // Points are stored one by one: the body's limit is theirs.
  check: async () => undefined,
};

const RASTERS: FileKind = {
  types: ['image/tiff', 'image/geotiff', 'application/x-npy', ANY_TYPE],
  blocks: true,
  async check(bytes, { maxPixels }) {
    const pages = isTiff(bytes) ? tiffDirectory(bytes).pages : [];
    for (const { height, width } of pages) {
      if (height * width > maxPixels) throw tooManyPixels(`${width} x ${height}`, maxPixels);
    }
  },
};

/** Every kind of signal. */
const FILES: Record<Reader['kind'], FileKind> = {
  image: IMAGES,
  segmentation: IMAGES,
  audio: SOUND,
  video: VIDEO,
  points: POINTS,
  bands: RASTERS,
};

function tooManyPixels(found: string, maxPixels: number): HttpError {
  const most = maxPixels.toLocaleString('en-US');
  const message = `An image has at most ${most} pixels here, and this one has ${found}: send a smaller one.`;
  return new HttpError(413, 'too_many_pixels', message);
}

function checkDuration(seconds: number, most: number): void {
  if (seconds <= most) return;
  const found = `The file lasts ${seconds.toFixed(0)} s, and at most ${most} s are taken`;
  throw new HttpError(413, 'too_long', `${found}: send a shorter piece.`);
}
