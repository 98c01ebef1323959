/** Files of PyTorch for tests: those that `files/make.py` made, and such as no honest program would write. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Zippable, zipSync } from 'fflate';
import { HiperceiverError } from '../../src/errors/index.js';

const folder = fileURLToPath(new URL('../../../test/checkpoint/files/', import.meta.url));

/** The stored files whose names begin so, made by every version of PyTorch. */
export function made(beginning: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.split(/[\\/]/).pop()?.startsWith(beginning) && !name.endsWith('.py'))
    .filter((name) => name.startsWith('torch-'))
    .map((name) => join(folder, name));
}

/** What make.py fills `count` elements with. */
export const ramp = (count: number): number[] => Array.from({ length: count }, (_, i) => (i - count / 2) / 8);

const scratch = mkdtempSync(join(tmpdir(), 'hip-foreign-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A path in a folder that goes when the tests end. */
export const path = (...parts: string[]): string => join(scratch, ...parts);

/** Writes a file and gives its path. */
export function written(name: string, content: string | Uint8Array): string {
  writeFileSync(path(name), content);
  return path(name);
}

/** A zip archive as torch.save writes it, with any pickle and storages. `level` above 0 deflates. */
export function archive(
  pickle: Uint8Array,
  storages: Record<string, Uint8Array> = {},
  more: Zippable = {},
  level = 0,
): Uint8Array {
  const files: Zippable = { 'a/data.pkl': pickle, ...more };
  for (const [key, bytes] of Object.entries(storages)) files[`a/data/${key}`] = bytes;
  return zipSync(files, { level: level as 0 });
}

/** A pickle from instructions: numbers are bytes, texts go in as they are. */
export function pickle(...parts: (string | number | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part as string, 'latin1'))),
  );
}

/** A text as a pickle has it. */
export function unicode(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from('X'), length, bytes]);
}

/** An integer of four bytes as a pickle has it. */
export function integer(value: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes.write('J');
  bytes.writeInt32LE(value, 1);
  return bytes;
}

const tuple = (...items: Uint8Array[]) => pickle('(', ...items.map((item) => item), 't');

interface MadeTensor {
  kind?: string;
  key?: string;
  elements: number;
  offset?: number;
  shape: number[];
  stride: number[];
}

/** Instructions that put a tensor on the stack. */
export function tensor({
  kind = 'FloatStorage',
  key = '0',
  elements,
  offset = 0,
  shape,
  stride,
}: MadeTensor): Uint8Array {
  const id = tuple(unicode('storage'), pickle(`ctorch\n${kind}\n`), unicode(key), unicode('cpu'), integer(elements));
  const view = tuple(...shape.map(integer));
  const strides = tuple(...stride.map(integer));
  const args = [
    pickle('(', id, 'Q'),
    integer(offset),
    view,
    strides,
    pickle(0x89),
    pickle('ccollections\nOrderedDict\n)R'),
  ];
  return pickle('ctorch._utils\n_rebuild_tensor_v2\n', ...args, 'tR');
}

/** A pickled dictionary. */
export function dictionary(entries: Record<string, Uint8Array>): Uint8Array {
  const items = Object.entries(entries).flatMap(([key, value]) => [unicode(key), value]);
  return pickle(0x80, 2, '}(', ...items, 'u.');
}

/** Milliseconds of work since `before`, however busy the machine is with other things. */
export const worked = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

/** Asserts that something is refused with one sentence that fits, soon. */
export async function refused(promise: Promise<unknown>, sentence: RegExp): Promise<void> {
  const begin = process.cpuUsage();
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof HiperceiverError, error instanceof Error ? error.stack : String(error));
    assert.match(error.message, sentence);
    assert.equal(error.message.split('\n').length, 1);
    assert.match(error.message, /[.?]$/);
    return true;
  });
  assert.ok(worked(begin) < 4000, `refused only after ${worked(begin)} ms`);
}

/** The same archive as those above 4 GiB are written: sizes and places in zip64 fields, and a zip64 end. */
export function wide(zip: Uint8Array): Uint8Array {
  const bytes = Buffer.from(zip);
  const end = bytes.length - 22;
  const begin = bytes.readUInt32LE(end + 16);
  const entries: Buffer[] = [];
  for (let at = begin; at < end; ) {
    const name = bytes.readUInt16LE(at + 28);
    const next = at + 46 + name + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    const entry = Buffer.concat([bytes.subarray(at, at + 46 + name), Buffer.alloc(4 + 24)]);
    entry.writeUInt16LE(28, 30);
    entry.writeUInt16LE(0, 32);
    entry.writeUInt16LE(1, 46 + name);
    entry.writeUInt16LE(24, 48 + name);
    for (const [i, field] of [24, 20, 42].entries()) {
      entry.writeBigUInt64LE(BigInt(entry.readUInt32LE(field)), 50 + name + 8 * i);
      entry.writeUInt32LE(0xffffffff, field);
    }
    entries.push(entry);
    at = next;
  }
  const directory = Buffer.concat(entries);
  const end64 = Buffer.alloc(56 + 20);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(BigInt(directory.length), 40);
  end64.writeBigUInt64LE(BigInt(begin), 48);
  end64.writeUInt32LE(0x07064b50, 56);
  end64.writeBigUInt64LE(BigInt(begin + directory.length), 64);
  const last = Buffer.from(bytes.subarray(end));
  last.fill(0xff, 8, 20);
  return Buffer.concat([bytes.subarray(0, begin), directory, end64, last]);
}
