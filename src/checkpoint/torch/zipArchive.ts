/** Zip archives (APPNOTE 6.3), of any size: their directory is checked, their entries are read when they are asked for. */

import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { readRange } from '../fileBytes.js';
import { shown } from '../shown.js';

/** One file of an archive. */
export interface ZipEntry {
  name: string;
  /** Whether it is deflated; else it is stored as it is. */
  deflated: boolean;
  /** Bytes in the archive, and as read. */
  packed: number;
  size: number;
  /** Where its local header begins. */
  header: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const DIRECTORY = 0x02014b50;
const DIRECTORY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const LONGEST_COMMENT = 65535;
/** A directory of more bytes than this has a million entries, which no checkpoint has. */
const LARGEST_DIRECTORY = 2 ** 26;
/** Deflate cannot shrink data by more than this factor (RFC 1951); an entry that claims more lies about its size. */
const DEFLATE_LIMIT = 1033;

const inflate = promisify(inflateRaw);

/**
 * The entries by name. `fileBytes` is the file's length.
 * @throws HiperceiverError that names the file where the directory is missing, cut off or impossible
 */
export async function readDirectory(
  path: string,
  handle: FileHandle,
  fileBytes: number,
): Promise<Map<string, ZipEntry>> {
  const cut = () => `${path} is cut off or damaged: its zip directory is missing or makes no sense.`;
  const tailBytes = Math.min(fileBytes, END_BYTES + LONGEST_COMMENT + LOCATOR64_BYTES);
  const tailStart = fileBytes - tailBytes;
  const tail = viewOf(await readRange(path, handle, tailStart, tailBytes));
  let end = tailBytes - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  ensure(end >= 0, cut);
  let directory = { size: tail.getUint32(end + 12, true), begin: tail.getUint32(end + 16, true) };
  const locator = end - LOCATOR64_BYTES;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR64) {
    const at = Number(tail.getBigUint64(locator + 8, true));
    ensure(at + 56 <= fileBytes, cut);
    const end64 = viewOf(await readRange(path, handle, at, 56));
    ensure(end64.getUint32(0, true) === END64, cut);
    directory = { size: Number(end64.getBigUint64(40, true)), begin: Number(end64.getBigUint64(48, true)) };
  }
  ensure(directory.size <= LARGEST_DIRECTORY && directory.begin + directory.size <= fileBytes, cut);
  const entries = new Map<string, ZipEntry>();
  for (const entry of directoryEntries(await readRange(path, handle, directory.begin, directory.size), cut)) {
    const within = entry.header + LOCAL_BYTES + entry.packed <= fileBytes;
    const possible = entry.deflated ? entry.size <= entry.packed * DEFLATE_LIMIT + 64 : entry.size === entry.packed;
    ensure(
      within && possible,
      () => `${path} is cut off or damaged: its entry "${shown(entry.name)}" cannot have ${entry.size} bytes.`,
    );
    entries.set(entry.name, entry);
  }
  return entries;
}

/**
 * `length` bytes of an entry from `begin` on, in memory of their own.
 * @throws HiperceiverError where the entry is damaged
 */
export async function readEntry(
  path: string,
  handle: FileHandle,
  entry: ZipEntry,
  begin = 0,
  length = entry.size - begin,
): Promise<Uint8Array<ArrayBuffer>> {
  const damaged = () => `${path} is damaged: its entry "${shown(entry.name)}" is not where the zip directory says.`;
  const local = viewOf(await readRange(path, handle, entry.header, LOCAL_BYTES));
  ensure(local.getUint32(0, true) === LOCAL, damaged);
  // The local header may be longer than the directory's: PyTorch pads it so that numbers are aligned.
  const data = entry.header + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  ensure(data + entry.packed <= (await handle.stat()).size, damaged);
  if (!entry.deflated) return readRange(path, handle, data + begin, length);
  const packed = await readRange(path, handle, data, entry.packed);
  const inflated = await inflate(packed, { maxOutputLength: Math.max(1, entry.size) }).catch((): Uint8Array => {
    throw new HiperceiverError(`${path} is damaged: its entry "${shown(entry.name)}" cannot be inflated.`);
  });
  ensure(inflated.byteLength === entry.size, damaged);
  return Uint8Array.from(inflated.subarray(begin, begin + length));
}

function* directoryEntries(bytes: Uint8Array, cut: () => string): Generator<ZipEntry> {
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length; ) {
    ensure(at + DIRECTORY_BYTES <= bytes.length && view.getUint32(at, true) === DIRECTORY, cut);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + DIRECTORY_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
    ensure(next <= bytes.length, cut);
    const nameBegin = at + DIRECTORY_BYTES;
    const name = new TextDecoder().decode(bytes.subarray(nameBegin, nameBegin + nameBytes));
    ensure((flags & 1) === 0 && (method === 0 || method === 8), () => cut());
    const extra = new DataView(bytes.buffer, bytes.byteOffset + nameBegin + nameBytes, extraBytes);
    const [size, packed, header] = wideFields(
      extra,
      [24, 20, 42].map((field) => view.getUint32(at + field, true)),
    );
    ensure(Number.isSafeInteger(size) && Number.isSafeInteger(packed) && Number.isSafeInteger(header), cut);
    yield { name, deflated: method === 8, packed, size, header };
    at = next;
  }
}

/** Fields of 32 bits that are full are in the zip64 extra field, in order, with 64 bits. */
function wideFields(extra: DataView, fields: number[]): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [id, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    if (id !== 1) {
      at += 4 + length;
      continue;
    }
    let wide = at + 4;
    return fields.map((field) => {
      if (field !== 0xffffffff || wide + 8 > extra.byteLength) return field;
      wide += 8;
      return Number(extra.getBigUint64(wide - 8, true));
    });
  }
  return fields;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
