/** All files in a tar, found by reading its headers alone and skipping over the content. */
import { BLOCK, hasMagic, isZeroBlock, padded, parseHeader, parsePaxRecords } from './tarHeader.js';
import type { Window } from './window.js';

/** What was met besides whole files. */
export interface ScanFindings {
  /** Headers at all. */
  headers: number;
  /** Bytes that the end of a cut tar lacks, at least; 0 where it is whole. */
  missing: number;
  /** The file in which a cut tar ends. */
  cutFile?: string;
  /** Places whose header is damaged. The search goes on for the next sound one, so only files near them are lost. */
  damaged: number[];
  /** Links, sparse files and other special members, which have no bytes of their own. */
  special: number;
}

/** More than any name needs. A header that asks for more lies. */
const LARGEST_EXTENSION = 2 ** 20;
/** Zeros behind the last file: programs pad to 10 KiB, few to more. Beyond this nothing follows. */
const LONGEST_PADDING = 2 ** 20;
/** The two blocks of zeros that end a tar. */
const END_MARK = 2 * BLOCK;

/**
 * Calls `visit` for each whole file, in stored order, with the place and length of its content. Archives joined with `cat`
 * are read through. Damage is reported, never thrown.
 */
export async function scanTar(
  window: Window,
  visit: (name: string, offset: number, size: number) => void,
): Promise<ScanFindings> {
  const found: ScanFindings = { headers: 0, missing: 0, damaged: [], special: 0 };
  const { length } = window;
  let extension: Extension = {};
  let isLost = false;
  let zeros = 0;
  let at = 0;
  for (; at + BLOCK <= length && (isLost || zeros < LONGEST_PADDING); ) {
    const block = window.held(at, BLOCK) ?? (await window.load(at, BLOCK));
    if (block.length < BLOCK) break;
    if (isZeroBlock(block)) {
      zeros += BLOCK;
      at += BLOCK;
      continue;
    }
    // What follows damage or the end mark may be anything: only the magic word tells a header there.
    const isSought = isLost || zeros > 0;
    const header = isSought && !hasMagic(block) ? undefined : parseHeader(block);
    if (!header) {
      if (!isLost) found.damaged.push(at);
      isLost = true;
      extension = {};
      at += BLOCK;
      continue;
    }
    isLost = false;
    zeros = 0;
    found.headers++;
    const offset = at + BLOCK;
    if ('xgLK'.includes(header.type)) {
      if (offset + header.size > length) {
        found.missing = offset + header.size - length;
        return found;
      }
      const read = header.size <= LARGEST_EXTENSION ? await window.load(offset, header.size) : Buffer.alloc(0);
      extension = { ...extension, ...readExtension(header.type, read) };
      at = offset + padded(header.size);
      continue;
    }
    const name = extension.name ?? header.name;
    const isFile = header.type === '0' || header.type === '7';
    // Links and folders have no content, whatever some programs write into their size.
    const size = isFile || !'123456'.includes(header.type) ? (extension.size ?? header.size) : 0;
    if (offset + size > length) {
      found.missing = offset + size - length;
      found.cutFile = name;
      return found;
    }
    if (isFile && !extension.isSparse) {
      if (!name.endsWith('/')) visit(name, offset, size);
    } else if (header.type !== '5') found.special++;
    extension = {};
    at = offset + padded(size);
  }
  if (zeros === 0 && !isLost && found.headers > 0) found.missing = END_MARK + at - length;
  return found;
}

/** What an extension header says of the file after it. */
interface Extension {
  name?: string;
  size?: number;
  isSparse?: boolean;
}

function readExtension(type: string, content: Buffer): Extension {
  if (type === 'L') {
    const end = content.indexOf(0);
    return { name: content.toString('utf8', 0, end < 0 ? content.length : end) };
  }
  // Global records describe archives (a comment, say), long link names links.
  if (type !== 'x') return {};
  const records = parsePaxRecords(content);
  const extension: Extension = {};
  const [path, size] = [records.get('path'), Number(records.get('size') ?? Number.NaN)];
  if (path !== undefined) extension.name = path;
  if (Number.isSafeInteger(size) && size >= 0) extension.size = size;
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse.'))) extension.isSparse = true;
  return extension;
}
