/** One header block of a tar: POSIX ustar, GNU and PAX extensions, and the old format without a magic word. */

/** Everything in a tar begins at a multiple of this many bytes. */
export const BLOCK = 512;

/** What a header says. */
export interface TarHeader {
  /** With the prefix field in front; empty or cut where an extension header before it holds the name. */
  name: string;
  /** Bytes of content that follow. */
  size: number;
  /** `0` for a file, `5` a folder, `x` and `g` PAX records, `L` a GNU long name, … */
  type: string;
}

const NAME = { at: 0, length: 100 };
const SIZE = { at: 124, length: 12 };
const CHECKSUM = { at: 148, length: 8 };
const TYPE = 156;
const MAGIC = 257;
const PREFIX = { at: 345, length: 155 };

/** `size` rounded up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Whether a block is all zeros: two of them end an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

/** Whether a block has the magic word `ustar` where headers have it; tells headers from content when one was lost. */
export function hasMagic(block: Uint8Array): boolean {
  return (
    block[MAGIC] === 0x75 &&
    block[MAGIC + 1] === 0x73 &&
    block[MAGIC + 2] === 0x74 &&
    block[MAGIC + 3] === 0x61 &&
    block[MAGIC + 4] === 0x72
  );
}

/** Reads a header; undefined where its check sum or its size is wrong: it is damaged, or no header. */
export function parseHeader(block: Buffer): TarHeader | undefined {
  const stored = parseOctal(block, CHECKSUM);
  if (stored === undefined || !sumMatches(block, stored)) return undefined;
  const size = parseSize(block);
  if (size === undefined) return undefined;
  const name = text(block, NAME);
  // GNU's own format keeps times where POSIX has the prefix; its magic word ends in a space.
  const prefix = hasMagic(block) && block[MAGIC + 5] === 0 ? text(block, PREFIX) : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    type: block[TYPE] === 0 ? '0' : String.fromCharCode(block[TYPE]),
  };
}

/** The values of a PAX header's records `length key=value\n`; ends at the first record that is none. */
export function parsePaxRecords(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    if (space < 0 || space - at > 10) break;
    const length = Number(content.toString('latin1', at, space));
    const end = at + length;
    if (!Number.isInteger(length) || length < space - at + 3 || end > content.length) break;
    const equals = content.indexOf(0x3d, space);
    if (equals < 0 || equals >= end || content[end - 1] !== 0x0a) break;
    records.set(content.toString('utf8', space + 1, equals), content.toString('utf8', equals + 1, end - 1));
    at = end;
  }
  return records;
}

/**
 * The blocks before a file's content: one header, and PAX records where its name is long or not ASCII. Owner, time and
 * permissions are always the same, so that the same files make the same bytes.
 */
export function formatHeader(name: string, size: number): Buffer {
  const bytes = Buffer.from(name);
  const isPlain = bytes.length <= NAME.length && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  if (isPlain) return headerBlock(bytes, size, '0');
  const record = paxRecord('path', name);
  const extension = Buffer.alloc(padded(record.length));
  extension.set(record);
  return Buffer.concat([
    headerBlock(Buffer.from('PaxHeader'), record.length, 'x'),
    extension,
    headerBlock(bytes, size, '0'),
  ]);
}

function headerBlock(name: Uint8Array, size: number, type: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.set(name.subarray(0, NAME.length), NAME.at);
  block.write('0000644\0' + '0000000\0' + '0000000\0', 100, 'latin1');
  block.write(`${size.toString(8).padStart(11, '0')}\0`, SIZE.at, 'latin1');
  block.write(`${'0'.repeat(11)}\0`, 136, 'latin1');
  block.write(type, TYPE, 'latin1');
  block.write('ustar\0' + '00', MAGIC, 'latin1');
  block.fill(0x20, CHECKSUM.at, CHECKSUM.at + CHECKSUM.length);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM.at, 'latin1');
  return block;
}

/** A record counts its own length, digits included. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Some old programs summed signed bytes. */
function sumMatches(block: Buffer, stored: number): boolean {
  let sum = 0x20 * CHECKSUM.length;
  let negative = 0;
  for (let i = 0; i < BLOCK; i++) {
    if (i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.length) continue;
    sum += block[i];
    if (block[i] > 127) negative++;
  }
  return sum === stored || sum - 256 * negative === stored;
}

/** Octal digits, or GNU's big-endian binary number, marked by the first bit, for 8 GiB and more. */
function parseSize(block: Buffer): number | undefined {
  if ((block[SIZE.at] & 0x80) === 0) return parseOctal(block, SIZE);
  let value = block[SIZE.at] & 0x7f;
  for (let i = 1; i < SIZE.length; i++) value = value * 256 + block[SIZE.at + i];
  return Number.isSafeInteger(value) ? value : undefined;
}

function parseOctal(block: Buffer, { at, length }: { at: number; length: number }): number | undefined {
  let value = 0;
  let digits = 0;
  for (let i = at; i < at + length; i++) {
    const digit = block[i] - 0x30;
    if (digit >= 0 && digit < 8) {
      value = value * 8 + digit;
      digits++;
    } else if (block[i] === 0 || block[i] === 0x20) {
      if (digits > 0) break;
    } else return undefined;
  }
  return value;
}

function text(block: Buffer, { at, length }: { at: number; length: number }): string {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  return block.toString('utf8', at, end);
}
