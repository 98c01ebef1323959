/** Lines of numbers in text files. */
import { ensure } from '../../errors/index.js';
import { printable } from '../printable.js';

/** V8 holds no longer text. */
const LONGEST_TEXT = 2 ** 29 - 32;

/** Bytes as text, one letter per byte, without the mark that some editors put before UTF-8. @throws HiperceiverError with a short reason where it is too long for memory */
export function textOf(bytes: Uint8Array): string {
  ensure(bytes.length < LONGEST_TEXT, () => 'it is text of more than 512 MiB: store it as binary PLY or npy');
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', marked ? 3 : 0);
}

/** The lines of a text that hold something, comments (from `#`) taken off, with their number from 1. */
export function* contentLines(text: string): Generator<{ words: string[]; line: number }> {
  let line = 0;
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    line++;
    const whole = text.slice(start, end);
    const comment = whole.indexOf('#');
    const words = (comment < 0 ? whole : whole.slice(0, comment)).split(/\s+/).filter((word) => word !== '');
    if (words.length > 0) yield { words, line };
    start = end + 1;
  }
}

/**
 * A number as text files write it, `nan` and `inf` in any case included; an empty cell is not a number either.
 * Undefined for a word.
 */
export function parseNumber(word: string): number | undefined {
  const value = Number(word);
  if (!Number.isNaN(value)) return word === '' ? Number.NaN : value;
  const special = /^([-+]?)(?:(nan|na|null)|(inf(?:inity)?))$/i.exec(word.replace(/\((?:ind|snan|qnan)\)$/i, ''));
  if (!special) return undefined;
  return special[2] ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
}

/** A word of a file for a message: short, and without letters that a terminal would obey. */
export function quoted(word: string): string {
  return `"${printable(word, 24)}"`;
}

/** A count or an index. @throws HiperceiverError with a short reason that tells what `what` is */
export function parseCount(word: string | undefined, what: string): number {
  const value = word === undefined || word === '' ? Number.NaN : Number(word);
  ensure(Number.isSafeInteger(value) && value >= 0, () => `its ${what} is ${quoted(word ?? '')}, no whole number`);
  return value;
}
