/**
 * Files of requests to the signals that a model takes. The only place of the server that knows kinds of signals: another one
 * is another entry of `FILES`.
 */

import { decodeFailure } from '../data/decode.js';
import { imageHeader, kindOf, plainReader, type Reader, readExample } from '../data/index.js';
import { ensure } from '../errors/index.js';
import { keyFrom } from '../random/index.js';
import { HttpError } from './httpError.js';
import type { Signals } from './model/servedModel.js';
import { ANY_TYPE, type Part } from './requestParts.js';

/** Turns the files of requests into signals. */
export interface InputDecoder {
  /** Media types of files that are taken. */
  readonly types: readonly string[];
  /**
   * One example from one encoded file: nothing random, the signals are those of `hip embed`.
   * @throws HttpError 415 for another kind of file, 413 for one with too many pixels, 422 for a damaged one
   */
  decodeInput(bytes: Uint8Array, contentType: string): Promise<Signals>;
}

/** What a model's files may cost. */
export interface DecodeLimits {
  maxPixels: number;
}

/** Files of one kind of signal, as they come in requests. */
interface FileKind {
  /** Media types, and whether a file's first bytes are of that type. */
  types: Record<string, (bytes: Uint8Array) => boolean>;
  /** Refuses a file that would cost too much, from its header alone. */
  check(bytes: Uint8Array, limits: DecodeLimits): Promise<void>;
}

/**
 * The decoder of a model's inputs.
 * @throws HiperceiverError where the model takes something that cannot be sent yet
 */
export function createInputDecoder(model: { path: string; reader: Reader }, limits: DecodeLimits): InputDecoder {
  const reader = plainReader(model.reader);
  const files: FileKind | undefined = FILES[reader.kind];
  ensure(
    files,
    () =>
      `${model.path} takes ${reader.kind} and not one of ${Object.keys(FILES).join(', ')}: it cannot be served yet.`,
  );
  const { types, check } = files;
  const [part] = Object.keys(kindOf(reader).parts);
  const typeOf = (bytes: Uint8Array) => Object.keys(types).find((type) => types[type](bytes));
  return {
    types: Object.keys(types),
    async decodeInput(bytes, contentType) {
      const actual = typeOf(bytes);
      if (!(contentType in types) && (contentType !== ANY_TYPE || actual === undefined)) {
        throw unsupportedType(contentType, Object.keys(types));
      }
      if (actual === undefined) throw undecodable(`it does not begin as ${contentType} does`);
      try {
        await check(bytes, limits);
        return (await readExample({ parts: { [part]: bytes } }, reader, keyFrom(0))).signals;
      } catch (error) {
        throw error instanceof HttpError ? error : undecodable(decodeFailure(error));
      }
    },
  };
}

/** The error for a file of another kind. */
export function unsupportedType(type: string, types: readonly string[]): HttpError {
  const hint =
    type === 'application/x-www-form-urlencoded'
      ? ' (which curl says for --data-binary unless told otherwise with -H "content-type: image/png")'
      : '';
  return new HttpError(
    415,
    'unsupported_type',
    `A file of type ${type}${hint} is not taken: send one of ${types.join(', ')}.`,
  );
}

function undecodable(reason: string): HttpError {
  return new HttpError(422, 'undecodable', `The file cannot be decoded (${reason}): send a whole one.`);
}

/** Bytes at an offset, as text. */
const has = (text: string, offset = 0) => {
  const wanted = Buffer.from(text, 'latin1');
  return (bytes: Uint8Array) => wanted.every((byte, i) => bytes[offset + i] === byte);
};

/** Images. Vector graphics are left out: they can name files and addresses to read. */
const IMAGES: FileKind = {
  types: {
    'image/jpeg': has('\xff\xd8\xff'),
    'image/png': has('\x89PNG\r\n\x1a\n'),
    'image/webp': (bytes) => has('RIFF')(bytes) && has('WEBP', 8)(bytes),
    'image/gif': has('GIF8'),
    'image/tiff': (bytes) => has('II*\0')(bytes) || has('MM\0*')(bytes),
    'image/avif': has('ftypavi', 4),
  },
  async check(bytes, { maxPixels }) {
    const { height, width } = await imageHeader(bytes).catch((error: Error) => {
      // The decoder has a limit of its own, and tells no size beyond it.
      if (error.message.includes('pixel limit')) throw tooManyPixels('more', maxPixels);
      throw error;
    });
    if (height * width > maxPixels) throw tooManyPixels(`${width} x ${height}`, maxPixels);
  },
};

function tooManyPixels(found: string, maxPixels: number): HttpError {
  const most = maxPixels.toLocaleString('en-US');
  return new HttpError(
    413,
    'too_many_pixels',
    `An image has at most ${most} pixels here, and this one has ${found}: send a smaller one.`,
  );
}

/** Every kind of signal that can be sent. */
const FILES: Partial<Record<Reader['kind'], FileKind>> = { image: IMAGES };

/** A part and what it is called in a message. */
export function nameOfPart({ name }: Part, index: number, count: number): string {
  if (count === 1) return '';
  return name === undefined ? `Input ${index + 1}: ` : `Input ${index + 1} ("${name.slice(0, 60)}"): `;
}
