/** The numbers of a PLY file's records, one after the other. */
import { ensure } from '../../errors/index.js';
import { parseCount, parseNumber, quoted, textOf } from './lines.js';
import { type PlyFormat, type Property, SCALARS } from './plyHeader.js';

/** Numbers in their stored order; each throws a short reason at the end of the file. */
export interface PlyRecords {
  read(type: string): number;
  /** The length of a list, which the remaining bytes can hold. */
  length(property: Property): number;
  /** Bytes not yet read. */
  remaining(): number;
  /** The fewest bytes that a number of this type takes. */
  leastBytes(type: string): number;
}

/** Binary records from `start` on. */
export function binaryRecords(bytes: Uint8Array, start: number, format: PlyFormat): PlyRecords {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = format === 'binary_little_endian';
  let at = start;
  const read = (type: string): number => {
    const { size, read: readScalar } = SCALARS[type];
    ensure(at + size <= bytes.length, () => 'it ends in the middle of its records');
    const value = readScalar(view, at, little);
    at += size;
    return value;
  };
  return {
    read,
    length({ name, type, count }) {
      const length = read(count as string);
      ensure(
        Number.isInteger(length) && length >= 0 && at + length * SCALARS[type].size <= bytes.length,
        () => `its list ${quoted(name)} claims ${length} numbers, more than the file holds`,
      );
      return length;
    },
    remaining: () => bytes.length - at,
    leastBytes: (type) => SCALARS[type].size,
  };
}

/** Records as text, one per line; line breaks inside of a record are borne with. */
export function textRecords(bytes: Uint8Array, start: number): PlyRecords {
  const text = textOf(bytes.subarray(start));
  const word = /[^\s]+/g;
  let at = 0;
  const next = (): string => {
    word.lastIndex = at;
    const match = word.exec(text);
    ensure(match, () => 'it ends in the middle of its records');
    at = word.lastIndex;
    return match[0];
  };
  return {
    read() {
      const found = next();
      const value = parseNumber(found);
      ensure(value !== undefined, () => `its records hold ${quoted(found)}, no number`);
      return value;
    },
    length({ name }) {
      const length = parseCount(next(), `length of list ${quoted(name)}`);
      ensure(
        length * 2 <= text.length - at + 1,
        () => `its list ${quoted(name)} claims ${length} numbers, more than the file holds`,
      );
      return length;
    },
    remaining: () => text.length - at,
    leastBytes: () => 2,
  };
}
