import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { removeAbandoned, replacedName, standingFolder } from '../../src/checkpoint/atomic.js';
import { writeFileAtomic, writeFolderAtomic } from '../../src/checkpoint/index.js';
import { HiperceiverError } from '../../src/errors/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hip-atomic-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const failure = (code: string) => Object.assign(new Error(code), { code });

test('a file is written, replaced, and its folder made', async () => {
  const path = join(folder, 'a/b/file.txt');
  await writeFileAtomic(path, 'one');
  await writeFileAtomic(path, async (handle) => {
    await handle.write('tw');
    await handle.write('o');
  });
  assert.equal(readFileSync(path, 'utf8'), 'two');
  assert.deepEqual(readdirSync(join(folder, 'a/b')), ['file.txt']);
});

test('a failure in the middle leaves the old file and no temporary, and says what to do', async () => {
  const path = join(folder, 'file.txt');
  await writeFileAtomic(path, 'old');
  for (const [code, message] of [
    ['ENOSPC', /^The disk is full while writing .*file\.txt: free space or choose another --out\.$/],
    ['EDQUOT', /disk is full/],
    ['EROFS', /may not be written/],
    ['EIO', /could not be written: the system reports EIO/],
  ] as const) {
    const write = writeFileAtomic(path, async (handle) => {
      await handle.write('new');
      throw failure(code);
    });
    await assert.rejects(write, (error: unknown) => error instanceof HiperceiverError && message.test(error.message));
  }
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(folder), ['file.txt']);
});

test("a mistake of the program's own passes through as it is", async () => {
  const mistake = new TypeError('x is not a function');
  await assert.rejects(
    writeFileAtomic(join(folder, 'file'), () => Promise.reject(mistake)),
    (error) => error === mistake,
  );
  assert.deepEqual(readdirSync(folder), []);
});

test('what stands in the way is named', async () => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'sub/x'), { recursive: true });
  await assert.rejects(writeFileAtomic(join(folder, 'file/in-it'), ''), /a file stands where a folder is needed/);
  await assert.rejects(writeFileAtomic(join(folder, 'sub'), ''), /sub cannot be written because it is a folder/);
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'sub']);
});

test('a folder is written and replaced whole', async () => {
  const path = join(folder, 'saved');
  await writeFolderAtomic(path, async (temporary) => {
    mkdirSync(join(temporary, 'deep'));
    await writeFile(join(temporary, 'deep/a'), '1');
    assert.deepEqual(readdirSync(folder).includes('saved'), false);
  });
  await writeFolderAtomic(path, (temporary) => writeFile(join(temporary, 'b'), '2'));
  assert.deepEqual(readdirSync(path), ['b']);
  assert.deepEqual(readdirSync(folder), ['saved']);
  await assert.rejects(
    writeFolderAtomic(path, async (temporary) => {
      await writeFile(join(temporary, 'c'), '3');
      throw failure('ENOSPC');
    }),
    /disk is full while writing .*saved:/,
  );
  assert.deepEqual(readdirSync(path), ['b']);
  assert.deepEqual(readdirSync(folder), ['saved']);
});

test('a folder that was being replaced when the process died is found, and gives way to the next one written', async () => {
  const path = join(folder, 'saved');
  mkdirSync(replacedName(path));
  writeFileSync(join(replacedName(path), 'old'), '');
  assert.equal(standingFolder(path), replacedName(path));
  await writeFolderAtomic(path, (temporary) => writeFile(join(temporary, 'new'), ''));
  assert.equal(standingFolder(path), path);
  assert.deepEqual(readdirSync(folder), ['saved']);
});

test('temporaries are removed once their writer is dead', async () => {
  const names = [
    `.a.${process.ppid}-0badcafe.tmp`,
    '.b.999999999-0badcafe.tmp',
    `.c.${process.pid}-0badcafe.tmp`,
    '.hidden.tmp',
    'd.tmp',
  ];
  for (const name of names) writeFileSync(join(folder, name), '');
  await writeFolderAtomic(join(folder, 'e'), async (temporary) => {
    await writeFile(join(temporary, 'f'), '');
    await removeAbandoned(folder);
  });
  assert.deepEqual(readdirSync(folder).sort(), [names[0], names[3], names[4], 'e'].sort());
});

test('a folder without permission is named', async (t) => {
  if (process.getuid?.() === 0) return t.diagnostic('root may write anywhere');
  chmodSync(folder, 0o500);
  await assert.rejects(writeFileAtomic(join(folder, 'file'), ''), /may not be written/);
  chmodSync(folder, 0o700);
});
