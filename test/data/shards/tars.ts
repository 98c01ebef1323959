/** Tars made block by block, in all the dialects that are met. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { readMember, type ShardIndex } from '../../../src/data/shards/index.js';

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** An empty folder that goes when the tests end. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hiperceiver-shards-'));
  folders.push(folder);
  return folder;
}

/** A folder with the given files. */
export async function folderOf(files: Record<string, Uint8Array | string>): Promise<string> {
  const folder = await scratch();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

export interface Dialect {
  type?: string;
  prefix?: string;
  /** `ustar\0` + `00` (POSIX), `ustar  \0` (GNU), or '' (version 7). */
  magic?: string;
  /** What the header says, where it lies. */
  size?: number;
  /** The size as GNU's binary number. */
  binarySize?: boolean;
  /** Sum signed bytes, as some old programs did. */
  signedSum?: boolean;
}

/** One member: header, content, padding. */
export function member(name: string, content: Uint8Array | string = '', dialect: Dialect = {}): Buffer {
  const { type = '0', prefix = '', magic = 'ustar\x0000', binarySize, signedSum } = dialect;
  const body = Buffer.from(content);
  const size = dialect.size ?? body.length;
  const block = Buffer.alloc(512);
  block.write(name.slice(0, 100), 0, 'utf8');
  block.write('0000644\x000001750\x000001750\0', 100, 'latin1');
  if (binarySize) {
    block.writeUInt32BE(0x80000000, 124);
    block.writeBigUInt64BE(BigInt(size), 128);
  } else block.write(`${size.toString(8).padStart(11, '0')} `, 124, 'latin1');
  block.write('14371573123 ', 136, 'latin1');
  block.write(type, 156, 'latin1');
  block.write(magic, 257, 'latin1');
  block.write(prefix, 345, 'latin1');
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + (signedSum && byte > 127 ? byte - 256 : byte), 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** PAX records for the member after them. */
export function pax(records: Record<string, string>, type = 'x'): Buffer {
  const text = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const bytes = Buffer.byteLength(rest);
    let length = bytes + 1;
    while (String(length).length + bytes !== length) length++;
    return length + rest;
  });
  return member('PaxHeaders/x', text.join(''), { type });
}

/** GNU's long name for the member after it. */
export const longName = (name: string): Buffer =>
  member('././@LongLink', `${name}\0`, { type: 'L', magic: 'ustar  \0' });

export const END = Buffer.alloc(1024);

/** Members, then the end mark. */
export const tar = (...members: Buffer[]): Buffer => Buffer.concat([...members, END]);

/** The text of a part, or undefined where the sample lacks it. */
export async function textOf(index: ShardIndex, part: string, row: number): Promise<string | undefined> {
  return readMember(index, part, row).then(
    (bytes) => Buffer.from(bytes).toString(),
    () => undefined,
  );
}
