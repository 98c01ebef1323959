/** `hip prepare` on data as people have them. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import {
  openShards,
  readMember,
  rowsWith,
  sampleKey,
  shardLabels,
  shardSplits,
} from '../../../src/data/shards/index.js';
import { hip, hipProcess, shapesFolder } from '../../cli/program.js';
import { encoded, folderOf, idx, needsShared, noise, picture } from '../fixtures.js';
import { scratch } from './tars.js';

test('class folders: bytes as they are, labels, damaged files listed', async () => {
  const data = await shapesFolder('prepare-folders');
  const whole = await encoded(noise(1, 40, 40, 3), 40, 40, 'jpeg');
  await writeFile(join(data, 'square', '10-cut.jpg'), whole.subarray(0, whole.length / 2));
  await writeFile(join(data, 'square', '11-empty.png'), '');
  const out = await scratch();
  const ended = await hip('prepare', data, out, '--shard-size', '12kb');
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.out, /2 unreadable files skipped:\n {2}.*10-cut\.jpg: .+\n {2}.*11-empty\.png: file is empty/);
  assert.match(ended.out, /all +30 +\d+ +\d+ kB|all +30 +\d+ +[\d.]+ kB/);
  const index = await openShards(out);
  assert.equal(index.size, 30);
  const labels = await shardLabels(index);
  assert.deepEqual(labels?.classes, ['disc', 'square', 'stripes']);
  for (let row = 0; row < index.size; row++) {
    const [, number] = sampleKey(index, row).split('_');
    const folder = labels?.classes[labels.labels?.[row] as number] as string;
    const stored = await readFile(join(data, folder, `${number}.png`));
    assert.deepEqual(Buffer.from(await readMember(index, 'png', row)), stored);
  }
  const again = await hip('prepare', data, out, '--shard-size', '12kb', '--json');
  assert.equal(JSON.parse(again.out).splits[0].samples, 30);
  const other = await hip('prepare', data, out, '--shard-size', '13kb');
  assert.equal(other.code, 1);
  assert.match(other.err, /begun with bytesPerShard 12000, and this run has 13000/);
});

test('large images are made smaller, the same with any number of workers; small ones stay as they are', async () => {
  const data = await scratch();
  await writeFile(join(data, 'wide.jpg'), await picture(1, 60, 120, 'jpeg'));
  await writeFile(join(data, 'tall.png'), await picture(2, 90, 30));
  await writeFile(join(data, 'small.png'), await picture(3, 16, 40));
  const outs = [await scratch(), await scratch()];
  for (const [i, out] of outs.entries()) {
    const ended = await hip(
      'prepare',
      data,
      out,
      '--image-size',
      '20',
      '--quality',
      '80',
      '--workers',
      String(1 + 3 * i),
    );
    assert.equal(ended.code, 0, ended.err);
  }
  assert.deepEqual(await readFile(join(outs[0], 'all-000000.tar')), await readFile(join(outs[1], 'all-000000.tar')));
  const index = await openShards(outs[0]);
  const sizes = await Promise.all(
    [0, 1, 2].map(async (row) => {
      const { format, width, height } = await sharp(
        Buffer.from(await readMember(index, ['jpg', 'png'], row)),
      ).metadata();
      return [sampleKey(index, row), format, width, height];
    }),
  );
  assert.deepEqual(sizes, [
    ['000000_small', 'png', 40, 16],
    ['000001_tall', 'jpeg', 20, 60],
    ['000002_wide', 'jpeg', 40, 20],
  ]);
});

test('stored pixels become PNG without loss; splits share a folder', async () => {
  const pixels = noise(3, 40 * 9, 7, 1);
  const labels = Uint8Array.from({ length: 40 }, (_, i) => i % 4);
  const data = await folderOf({
    'train-images-idx3-ubyte': idx([40, 9, 7], pixels),
    'train-labels-idx1-ubyte': idx([40], labels),
    't10k-images-idx3-ubyte': idx([5, 9, 7], pixels.subarray(0, 315)),
    't10k-labels-idx1-ubyte': idx([5], labels.subarray(0, 5)),
  });
  const out = await scratch();
  const ended = await hip('prepare', data, out, '--split', 'train,test');
  assert.equal(ended.code, 0, ended.err);
  const splits = await shardSplits(out);
  assert.deepEqual([...splits.keys()].sort(), ['test', 'train']);
  const index = await openShards(splits.get('train') as string[]);
  assert.equal(index.size, 40);
  assert.deepEqual((await shardLabels(index))?.labels, Int32Array.from(labels));
  const png = Buffer.from(await readMember(index, 'png', 7));
  const { width, height, channels } = await sharp(png).metadata();
  assert.deepEqual([width, height, channels], [7, 9, 1]);
  const decoded = await sharp(png).toColourspace('b-w').raw().toBuffer();
  assert.deepEqual(Uint8Array.from(decoded), pixels.slice(7 * 63, 8 * 63));
});

test('a random order mixes the classes, loses nothing and is the same at each run', async () => {
  const data = await shapesFolder('prepare-shuffled', 20);
  const outs = [await scratch(), await scratch()];
  for (const out of outs) assert.equal((await hip('prepare', data, out, '--shuffle')).code, 0);
  assert.deepEqual(await readFile(join(outs[0], 'all-000000.tar')), await readFile(join(outs[1], 'all-000000.tar')));
  const index = await openShards(outs[0]);
  const labels = (await shardLabels(index))?.labels as Int32Array;
  assert.equal(new Set(labels.subarray(0, 12)).size, 3);
  assert.deepEqual(
    [0, 1, 2].map((label) => labels.filter((own) => own === label).length),
    [20, 20, 20],
  );
  assert.match(sampleKey(index, 59), /^000059_\d+$/);
});

test('sound keeps its bytes, whatever its layout', async (context) => {
  const path = needsShared('fsdd', context);
  if (!path) return;
  const out = await scratch();
  const ended = await hip('prepare', path, out, '--split', 'test');
  assert.equal(ended.code, 0, ended.err);
  const index = await openShards(out);
  assert.equal(rowsWith(index, 'wav', 'cls').length, 300);
  assert.equal(Buffer.from(await readMember(index, 'wav', 0)).toString('latin1', 0, 4), 'RIFF');
});

test('Ctrl-C leaves whole shards, and the same command goes on to the same bytes', async () => {
  const data = await scratch();
  const large = await picture(5, 900, 900, 'jpeg');
  for (let i = 0; i < 60; i++) await writeFile(join(data, `${i}.jpg`), large);
  const command = (out: string) => [
    'prepare',
    data,
    out,
    '--image-size',
    '400',
    '--shard-size',
    '40kb',
    '--workers',
    '1',
  ];
  const out = await scratch();
  const ended = await hipProcess(command(out), /prepare all +\d/);
  const names = await readdir(out);
  if (ended.code !== 0) {
    assert.equal(ended.code, 130);
    assert.match(ended.out, /Interrupted; whole shards are in .*, and the same command goes on after them/);
    assert.ok(names.includes('all.progress.json'));
  }
  for (const name of names) assert.doesNotMatch(name, /tmp/);
  assert.equal((await hip(...command(out))).code, 0);
  const once = await scratch();
  assert.equal((await hip(...command(once))).code, 0);
  const shards = (await readdir(once)).filter((name) => name.endsWith('.tar'));
  assert.deepEqual((await readdir(out)).sort(), (await readdir(once)).sort());
  for (const name of shards) assert.deepEqual(await readFile(join(out, name)), await readFile(join(once, name)));
});

test('what makes no sense is refused in a sentence', async () => {
  const data = await scratch();
  await mkdir(join(data, 'a'));
  await writeFile(join(data, 'a/1.jpg'), 'no picture');
  const cases: [string[], number, RegExp][] = [
    [['prepare', data], 2, /needs OUT/],
    [['prepare', data, join(data, 'out'), '--shard-size', 'big'], 2, /--shard-size is a size such as 512mb or 2gb/],
    [['prepare', data, join(data, 'out'), '--quality', '101'], 1, /quality is 101/],
    [['prepare', data, join(data, 'out'), '--image-size', '0'], 2, /--image-size is a side such as 256/],
    [['prepare', data, join(data, 'out'), '--frame-rate', '8'], 1, /frameRate makes nothing smaller/],
    [['prepare', join(data, 'none'), join(data, 'out')], 1, /no file or folder/],
    [['prepare', data, join(data, 'a/1.jpg')], 1, /could not be written/],
    [['prepare', data, join(data, 'out')], 1, /None of 1 files of .* can be read \(first: ".*1\.jpg": /],
  ];
  for (const [argv, code, pattern] of cases) {
    const ended = await hip(...argv);
    assert.equal(ended.code, code, argv.join(' '));
    assert.match(ended.err, pattern);
  }
  await rm(data, { recursive: true });
});
