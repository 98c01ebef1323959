/** One shard's members, grouped into samples. */
import { basename } from 'node:path';
import { HiperceiverError } from '../../errors/index.js';
import { compressed } from './paths.js';
import { type ScanFindings, scanTar } from './scan.js';
import { systemReason } from './systemReason.js';
import { Window } from './window.js';

/** The samples of one shard, members as flat lists. */
export interface ShardTable {
  /** Bytes of the file. */
  bytes: number;
  /** Keys in stored order; the row of a member is an index into them. */
  keys: string[];
  extensions: string[];
  /** For each member: row, index of its extension, place and length of its content. */
  row: number[];
  extension: number[];
  offset: number[];
  size: number[];
  remarks: string[];
}

/** As WebDataset divides names: everything up to the first dot of the file's own name is the key, the rest the extension. */
const MEMBER = /^((?:.*\/)?[^./]+)\.([^/]+)$/s;
/** Folders, hidden files (of archivers, mostly) and WebDataset's own notes: not meant as data. */
const ASIDE = /(^|\/)(\.|__[^/]*__(\/|$)|__MACOSX\/)/;
/** A buffer holds no more. */
const LARGEST_MEMBER = 2 ** 32 - 2;
const LONGEST_KEY = 2 ** 16 - 1;
/** Far more than any layout has; names with a dot too many make one for each sample. */
const MOST_EXTENSIONS = 64;

/**
 * Reads the headers of a shard. Where a name occurs twice the last one counts, as when a tar is unpacked.
 * @throws HiperceiverError where the file is missing, compressed, or has dots in its keys
 */
export async function readShardTable(path: string): Promise<ShardTable> {
  let window: Window;
  try {
    window = await Window.open(path);
  } catch (error) {
    throw new HiperceiverError(`"${path}" cannot be read (${systemReason(error)}): check the file.`);
  }
  try {
    if (isCompressed(await window.load(0, 4))) throw compressed(path);
    return await groupMembers(path, window);
  } finally {
    await window.close();
  }
}

async function groupMembers(path: string, window: Window): Promise<ShardTable> {
  const table: ShardTable = {
    bytes: window.length,
    keys: [],
    extensions: [],
    row: [],
    extension: [],
    offset: [],
    size: [],
    remarks: [],
  };
  const rows = new Map<string, number>();
  const extensions = new Map<string, number>();
  let unnamed = 0;
  const found = await scanTar(window, (stored, offset, size) => {
    const name = stored.replace(/^(\.?\/)+/, '');
    if (ASIDE.test(name)) return;
    const match = MEMBER.exec(name);
    if (!match || size > LARGEST_MEMBER || Buffer.byteLength(match[1]) > LONGEST_KEY) {
      unnamed++;
      return;
    }
    const [key, extension] = [match[1], match[2].toLowerCase()];
    let row = rows.get(key);
    if (row === undefined) {
      row = rows.size;
      rows.set(key, row);
      table.keys.push(key);
    }
    let column = extensions.get(extension);
    if (column === undefined) {
      column = extensions.size;
      extensions.set(extension, column);
      table.extensions.push(extension);
      ensureFew(path, name, extensions.size);
    }
    table.row.push(row);
    table.extension.push(column);
    table.offset.push(offset);
    table.size.push(size);
  });
  table.remarks = describe(path, window.length, found, unnamed);
  return table;
}

/** @throws HiperceiverError where there are so many extensions that they must be parts of names */
export function ensureFew(path: string, example: string, count: number): void {
  if (count <= MOST_EXTENSIONS) return;
  throw new HiperceiverError(
    `"${path}" has more than ${MOST_EXTENSIONS} kinds of parts, "${example.slice(0, 200)}" being one of the latest: what follows the first dot of a name is its kind, so name the files without further dots.`,
  );
}

function describe(path: string, length: number, found: ScanFindings, unnamed: number): string[] {
  const name = basename(path);
  if (found.headers === 0) return [length === 0 ? `"${name}" is empty.` : `"${name}" is no tar file and was left out.`];
  const remarks: string[] = [];
  if (found.cutFile !== undefined)
    remarks.push(
      `"${name}" is cut in "${found.cutFile}": at least ${bytes(found.missing)} missing; all whole files before it were kept.`,
    );
  else if (found.missing > 0)
    remarks.push(`"${name}" has no end: at least ${bytes(found.missing)} missing; all whole files were kept.`);
  if (found.damaged.length > 0)
    remarks.push(
      `"${name}" is damaged at byte ${found.damaged[0].toLocaleString('en-US')}${found.damaged.length > 1 ? ` and ${found.damaged.length - 1} further places` : ''}: files there were left out.`,
    );
  if (found.special > 0) remarks.push(`"${name}": ${found.special} links or special members were left out.`);
  if (unnamed > 0) remarks.push(`"${name}": ${unnamed} files without an extension, or too large, were left out.`);
  return remarks;
}

function bytes(count: number): string {
  return `${count.toLocaleString('en-US')} bytes are`;
}

/** gzip, zstd, bzip2, xz. */
function isCompressed(start: Uint8Array): boolean {
  const magic = Buffer.from(start).toString('hex');
  return magic.startsWith('1f8b') || magic === '28b52ffd' || magic.startsWith('425a68') || magic === 'fd377a58';
}
