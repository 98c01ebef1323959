/** What makes a sample: names, dialects of tar, patterns of paths. */
import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import {
  closeShards,
  expandBraces,
  memberName,
  openShards,
  readMember,
  rowsWith,
  sampleKey,
  selectSamples,
  shardSplits,
} from '../../../src/data/shards/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { tarOf } from '../fixtures.js';
import { folderOf, longName, member, pax, scratch, tar, textOf } from './tars.js';

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HiperceiverError, String(error));
  assert.match(error.message, pattern);
  assert.ok(!error.message.includes('\n'));
  return true;
};

const keysOf = (index: Awaited<ReturnType<typeof openShards>>) =>
  Array.from({ length: index.size }, (_, row) => sampleKey(index, row));

test('members of one key are the parts of one sample, in any order', async () => {
  const folder = await folderOf({
    'train-0.tar': tar(
      member('a/', '', { type: '5' }),
      member('a/000.JPG', 'picture 0'),
      member('a/001.jpg', 'picture 1'),
      member('a/001.seg.png', 'map 1'),
      member('a/000.cls', '7'),
      member('./b/000.jpg', 'other folder, other sample'),
      member('a/001.cls', ''),
    ),
    // The same key in another shard is another sample.
    'train-1.tar': tar(member('a/000.cls', '3'), member('a/000.jpg', 'picture 0 of shard 1')),
  });
  const index = await openShards(folder);
  assert.deepEqual(keysOf(index), ['a/000', 'a/001', 'b/000', 'a/000']);
  assert.deepEqual(Object.keys(index.parts).sort(), ['cls', 'jpg', 'seg.png']);
  assert.deepEqual(await Promise.all([0, 1, 2, 3].map((row) => textOf(index, 'jpg', row))), [
    'picture 0',
    'picture 1',
    'other folder, other sample',
    'picture 0 of shard 1',
  ]);
  assert.deepEqual(await Promise.all([0, 1, 2, 3].map((row) => textOf(index, 'cls', row))), ['7', '', undefined, '3']);
  assert.equal(await textOf(index, 'seg.png', 1), 'map 1');
  assert.deepEqual([...rowsWith(index, 'jpg', 'cls')], [0, 1, 3]);
  assert.deepEqual([...rowsWith(index, ['seg.png', 'gif'])], [1]);
  assert.match(memberName(index, 'jpg', 3), /train-1\.tar:a\/000\.jpg$/);
  assert.deepEqual(index.remarks, []);
  await assert.rejects(readMember(index, 'cls', 2), refused(/train-0\.tar:b\/000\.cls" is not in its shard/));
  await assert.rejects(readMember(index, 'jpg', 4), refused(/Row 4 is none of the 4 samples/));
  assert.equal(Buffer.from(await readMember(index, ['png', 'jpg'], 0)).toString(), 'picture 0');
});

test('ustar prefixes, GNU long names and sizes, PAX paths and sizes, old tars', async () => {
  const long = `${'deep/'.repeat(40)}000`;
  const folder = await folderOf({
    'x.tar': tar(
      pax({ comment: 'made by git' }, 'g'),
      member('one.txt', 'prefix', { prefix: 'some/folder' }),
      longName(`${long}.txt`),
      member(`${long}.txt`.slice(0, 100), 'GNU', { magic: 'ustar  \0' }),
      pax({ path: `größe/${long}.txt`, mtime: '1.5' }),
      member('cut', 'PAX'),
      pax({ size: '5' }),
      member('sized.txt', 'eight', { size: 0 }),
      member('binary.txt', 'base 256', { binarySize: true }),
      member('old.txt', 'version 7', { magic: '' }),
      member('größe.txt', 'signed', { magic: '', signedSum: true }),
      member('gnu.txt', 'no prefix', { magic: 'ustar  \0', prefix: '12345670123 ' }),
      member('contiguous.txt', 'type 7', { type: '7' }),
    ),
  });
  const index = await openShards(join(folder, 'x.tar'));
  assert.deepEqual(keysOf(index), [
    'some/folder/one',
    long,
    `größe/${long}`,
    'sized',
    'binary',
    'old',
    'größe',
    'gnu',
    'contiguous',
  ]);
  const texts = await Promise.all(Array.from({ length: index.size }, (_, row) => textOf(index, 'txt', row)));
  assert.deepEqual(texts, [
    ...['prefix', 'GNU', 'PAX', 'eight', 'base 256', 'version 7', 'signed', 'no prefix', 'type 7'],
  ]);
  assert.deepEqual(index.remarks, []);
});

test('tars as another program writes them', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`${'n'.repeat(7 * i)}/ä${i}.bin`, Buffer.alloc(i * 111, i)]),
  );
  const index = await openShards(join(await folderOf({ 'x.tar': await tarOf(files) }), 'x.tar'));
  assert.equal(index.size, 30);
  for (let row = 0; row < 30; row++)
    assert.deepEqual(Buffer.from(await readMember(index, 'bin', row)), Buffer.alloc(row * 111, row));
});

test('a name that occurs twice, links, hidden files and names without an ending', async () => {
  const folder = await folderOf({
    'x.tar': tar(
      member('a.txt', 'first'),
      member('a.txt', 'last'),
      member('b.txt', '', { type: '2' }),
      member('b.txt', '', { type: '1' }),
      member('._a.txt', 'archiver’s'),
      member('__MACOSX/._a.txt', 'archiver’s'),
      member('__meta__/a.txt', 'note'),
      member('README', 'no ending'),
      pax({ 'GNU.sparse.major': '1' }),
      member('sparse.txt', 'map'),
    ),
  });
  const index = await openShards(folder);
  assert.deepEqual(keysOf(index), ['a']);
  assert.equal(await textOf(index, 'txt', 0), 'last');
  assert.match(
    index.remarks.join(' '),
    /3 links or special members.*1 files without an extension.*1 files occur twice/,
  );
});

test('joined archives are read through', async () => {
  const joined = Buffer.concat([tar(member('a.txt', 'one')), Buffer.alloc(9216), tar(member('b.txt', 'two'))]);
  const index = await openShards(join(await folderOf({ 'x.tar': joined }), 'x.tar'));
  assert.deepEqual(keysOf(index), ['a', 'b']);
});

test('brace patterns', () => {
  assert.deepEqual(
    expandBraces('train-{008..011}.tar'),
    [8, 9, 10, 11].map((n) => `train-${String(n).padStart(3, '0')}.tar`),
  );
  assert.deepEqual(expandBraces('{a,b}-{1..2}'), ['a-1', 'a-2', 'b-1', 'b-2']);
  assert.deepEqual(expandBraces('{9..11}'), ['9', '10', '11']);
  assert.deepEqual(expandBraces('{2..0}'), ['2', '1', '0']);
  assert.deepEqual(expandBraces('plain.tar'), ['plain.tar']);
  assert.throws(() => expandBraces('x-{0..99999999999}.tar'), refused(/more than 1,000,000 shards/));
  assert.throws(() => expandBraces('{0..9999}{0..9999}{0..9999}'), refused(/more than 1,000,000 shards/));
  assert.throws(() => expandBraces('x-{abc}.tar'), refused(/neither a range/));
});

test('paths, folders and patterns; what is missing or compressed is refused', async () => {
  const shard = (i: number) => tar(member(`${i}.txt`, String(i)));
  const folder = await folderOf({
    's-0.tar': shard(0),
    's-1.tar': shard(1),
    's-10.tar': shard(10),
    's-2.tar': shard(2),
  });
  assert.deepEqual(keysOf(await openShards(folder)), ['0', '1', '2', '10']);
  assert.deepEqual(keysOf(await openShards(join(folder, 's-{1..2}.tar'))), ['1', '2']);
  assert.deepEqual(keysOf(await openShards([join(folder, 's-10.tar'), join(folder, 's-0.tar')])), ['10', '0']);
  await assert.rejects(
    openShards(join(folder, 's-{0..3}.tar')),
    refused(/no shard ".*s-3\.tar" \(of ".*s-\{0\.\.3\}\.tar"\)/),
  );
  await assert.rejects(openShards([]), refused(/No shard was given/));
  await assert.rejects(openShards(await scratch()), refused(/holds no \.tar files/));
  const packed = await folderOf({ 'a.tar.gz': gzipSync(shard(0)), 'b.tar': gzipSync(shard(0)) });
  for (const name of ['a.tar.gz', 'b.tar'])
    await assert.rejects(openShards(join(packed, name)), refused(/is compressed.*hip prepare/));
  const dots = tar(...Array.from({ length: 70 }, (_, i) => member(`img.${i}.jpg`, 'x')));
  await assert.rejects(openShards(await folderOf({ 'x.tar': dots })), refused(/more than 64 kinds of parts/));
});

test('splits by name and by folder', async () => {
  const folder = await folderOf({ 'x-train-000.tar': '', 'x-train-001.tar': '', 'val-000.tar': '', 'train.tar': '' });
  assert.deepEqual(
    await shardSplits(folder),
    new Map([
      ['val', [join(folder, 'val-000.tar')]],
      ['train', [join(folder, 'x-train-000.tar'), join(folder, 'x-train-001.tar')]],
    ]),
  );
  const nested = await scratch();
  for (const split of ['train', 'validation']) {
    await mkdir(join(nested, split));
    await writeFile(join(nested, split, '00000.tar'), '');
  }
  assert.deepEqual([...(await shardSplits(nested)).keys()].sort(), ['train', 'val']);
});

test('a choice of samples, and the index in another thread', async () => {
  const members = Array.from({ length: 20 }, (_, i) => [
    member(`${i}.txt`, `text ${i}`),
    member(`${i}.cls`, String(i % 3)),
  ]);
  const index = await openShards(await folderOf({ 'x.tar': tar(...members.flat()) }));
  const chosen = selectSamples(index, Int32Array.of(19, 3, 3));
  assert.deepEqual(keysOf(chosen), ['19', '3', '3']);
  assert.equal(await textOf(chosen, 'txt', 0), 'text 19');
  assert.throws(() => selectSamples(index, Int32Array.of(20)), refused(/Row 20/));

  const module = new URL('../../../src/data/shards/index.js', import.meta.url).href;
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(${JSON.stringify(module)}).then(async ({ readMember }) =>
       parentPort.postMessage(Buffer.from(await readMember(workerData, 'txt', 1)).toString()));`,
    { eval: true, workerData: chosen },
  );
  assert.equal(await new Promise((resolve) => worker.once('message', resolve)), 'text 3');
  await worker.terminate();
});

test('more shards than are held open, read at the same time; shards that change or go', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => [`s-${i}.tar`, tar(member(`${i}.txt`, `text ${i}`))]),
  );
  const folder = await folderOf(files);
  const index = await openShards(folder);
  for (let round = 0; round < 2; round++) {
    const texts = await Promise.all(Array.from({ length: 300 }, (_, i) => textOf(index, 'txt', i % 150)));
    assert.deepEqual(
      texts,
      Array.from({ length: 300 }, (_, i) => `text ${i % 150}`),
    );
  }
  await closeShards();
  await writeFile(join(folder, 's-3.tar'), tar(member('3.txt', 'changed'), member('4.txt', 'more')));
  await rename(join(folder, 's-5.tar'), join(folder, 'gone'));
  await assert.rejects(readMember(index, 'txt', 3), refused(/s-3\.tar" has changed/));
  await assert.rejects(readMember(index, 'txt', 5), refused(/"s-5\.tar" could not be read \(ENOENT\)/));
  await closeShards();
});
