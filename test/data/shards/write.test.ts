/** Writing shards: the same bytes each time, whole or not there, resumed where a run ended; and reading them in any order. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import tar from 'tar-stream';
import { createOrder } from '../../../src/data/order.js';
import {
  closeShards,
  openShards,
  readCard,
  readMember,
  type SampleStream,
  sampleKey,
  shardLabels,
  shardOf,
  shardOrder,
  writeShards,
} from '../../../src/data/shards/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { keyFrom, uniform } from '../../../src/random/index.js';
import { scratch } from './tars.js';

const COUNT = 97;
const content = (i: number) => Buffer.from(uniform(keyFrom(i), 20 + 13 * (i % 31)).buffer as ArrayBuffer);

/** Every tenth example cannot be read; `fail` ends the stream with an error. */
const samples = (count = COUNT, fail = Infinity, asked: number[] = []): SampleStream =>
  async function* (start) {
    asked.push(start);
    for (let i = start; i < count; i++) {
      if (i === fail) throw new Error('power cut');
      if (i % 10 === 4) yield { file: `${i}.bin`, reason: 'file is empty' };
      else
        yield {
          key: `some/${String(i).padStart(6, '0')}`,
          parts: { bin: content(i), cls: Buffer.from(String(i % 3)) },
        };
    }
  };

const options = { prefix: 'train', bytesPerShard: 21000, classes: ['a', 'b', 'c'], kind: 'tensor' };

async function contents(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'hex')])),
  );
}

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HiperceiverError, String(error));
  assert.match(error.message, pattern);
  return true;
};

test('shards hold every sample, in sizes as asked, and other programs read them', async () => {
  const folder = await scratch();
  const written = await writeShards(folder, samples(), options);
  assert.equal(written.samples, 87);
  assert.equal(written.skipped.length, 10);
  assert.ok(written.shards.length > 3);
  const index = await openShards(folder);
  assert.deepEqual(index.remarks, []);
  assert.equal(index.size, 87);
  for (let row = 0; row < index.size; row++)
    assert.deepEqual(Buffer.from(await readMember(index, 'bin', row)), content(Number(sampleKey(index, row).slice(5))));
  for (const bytes of index.shardBytes) assert.ok(bytes <= options.bytesPerShard && bytes % 10240 === 0);
  assert.deepEqual((await shardLabels(index))?.classes, ['a', 'b', 'c']);
  const card = await readCard(folder);
  assert.equal(card?.kind, 'tensor');
  assert.deepEqual(card?.splits['train'].parts, { bin: 87, cls: 87 });

  const names: string[] = [];
  const extract = tar.extract();
  extract.on('entry', (header, stream, next) => {
    assert.equal(header.mtime?.getTime(), 0);
    names.push(header.name);
    stream.on('end', next).resume();
  });
  extract.end(await readFile(written.shards[0]));
  await new Promise<void>((resolve) => extract.on('finish', () => resolve()));
  assert.deepEqual(names.slice(0, 2), ['some/000000.bin', 'some/000000.cls']);
});

test('a run that is cut anywhere goes on after its last whole shard, to the same bytes', async () => {
  const once = await scratch();
  await writeShards(once, samples(), options);
  const expected = await contents(once);
  for (const fail of [0, 1, 3, 37, 60, 96]) {
    const folder = await scratch();
    await assert.rejects(writeShards(folder, samples(COUNT, fail), options), /power cut/);
    for (const name of await readdir(folder)) assert.doesNotMatch(name, /tmp$/);
    const asked: number[] = [];
    // Once more interrupted, this time by a signal.
    const stop = new AbortController();
    const first = await writeShards(folder, samples(COUNT, Infinity, asked), {
      ...options,
      signal: stop.signal,
      onProgress: (examples) => examples === 75 && stop.abort(),
    });
    assert.equal(first.interrupted, fail < 96);
    const second = await writeShards(folder, samples(COUNT, Infinity, asked), options);
    assert.ok(asked[0] <= fail && second.resumedAt <= (first.interrupted ? 75 : COUNT), `${asked}`);
    if (fail > 30) assert.ok(asked[0] > 0, `${asked}`);
    assert.equal(second.samples, 87);
    assert.deepEqual(await contents(folder), expected);
    const again = await writeShards(folder, samples(COUNT, 0, asked), options);
    assert.equal(again.resumedAt, COUNT, 'what is done is not done again');
  }
});

test('other settings, foreign shards, lost shards and damaged notes are refused', async () => {
  const folder = await scratch();
  await assert.rejects(
    writeShards(folder, samples(COUNT, 60), { ...options, settings: { imageSize: 64 } }),
    /power cut/,
  );
  await assert.rejects(
    writeShards(folder, samples(), options),
    refused(/begun with imageSize 64, and this run has it unset/),
  );
  await rm(join(folder, 'train-000000.tar'));
  await assert.rejects(
    writeShards(folder, samples(), { ...options, settings: { imageSize: 64 } }),
    refused(/train-000000\.tar" should have 20480 bytes and is missing/),
  );
  await writeFile(join(folder, 'train.progress.json'), '{}');
  await assert.rejects(writeShards(folder, samples(), options), refused(/train\.progress\.json" is damaged/));
  await writeFile(join(folder, 'test-000000.tar'), 'x');
  await assert.rejects(
    writeShards(folder, samples(), { ...options, prefix: 'test' }),
    refused(/test-000000\.tar" is there already/),
  );
  await assert.rejects(
    writeShards(folder, samples(), { ...options, prefix: 'val', classes: ['x'] }),
    refused(/lists other classes/),
  );
  await assert.rejects(writeShards(folder, samples(), { prefix: '../x' }), refused(/The prefix/));
  const file = join(folder, 'classes.txt');
  await assert.rejects(writeShards(file, samples(), options), refused(/could not be written \(E/));
  for (const key of ['', '/a', 'a/', 'a.b', '../a', 'a//b'])
    await assert.rejects(
      writeShards(join(folder, 'keys'), async function* () {
        yield { key, parts: { bin: Buffer.alloc(1) } };
      }),
      refused(/cannot be stored/),
      key,
    );
});

test('an order with locality holds each row once, mixes a window of shards, and depends on key and epoch alone', async () => {
  const folder = await scratch();
  await writeShards(folder, samples(400), { prefix: 'train', samplesPerShard: 30 });
  const index = await openShards(folder);
  const key = keyFrom(5);
  for (const window of [1, 3, 100]) {
    const order = shardOrder(index, key, 2, window);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      [...Array(index.size).keys()],
    );
    assert.deepEqual(order, shardOrder(index, key, 2, window));
    assert.notDeepEqual(order, shardOrder(index, key, 3, window));
    assert.notDeepEqual(order, shardOrder(index, keyFrom(6), 2, window));
    for (let at = 0; at < order.length; at += 10)
      assert.ok(new Set(Array.from(order.subarray(at, at + 10), (row) => shardOf(index, row))).size <= 2 * window);
  }
  const first = new Set(Array.from(shardOrder(index, key, 0, 3).subarray(0, 60), (row) => shardOf(index, row)));
  assert.equal(first.size, 3);
  assert.throws(() => shardOrder(index, key, 0, 0), refused(/window is 0/));
});

test('a shuffled pass, stopped in the middle of a shard and resumed, sees every sample exactly once', async () => {
  const folder = await scratch();
  await writeShards(folder, samples(300), options);
  const batchSize = 7;
  /** What a process sees that opens the set anew and makes the steps from one to another. */
  async function pass(from: number, to: number): Promise<string[]> {
    const index = await openShards(folder);
    const order = createOrder(index.size, { batchSize, shuffle: true, key: keyFrom(1) });
    const seen: string[] = [];
    for (let step = from; step < to; step++) {
      const { rows, epochs } = order(step) as NonNullable<ReturnType<typeof order>>;
      for (const [i, row] of rows.entries()) {
        if (epochs[i] > 0) continue;
        const key = sampleKey(index, row);
        assert.deepEqual(Buffer.from(await readMember(index, 'bin', row)), content(Number(key.slice(5))));
        seen.push(key);
      }
    }
    await closeShards();
    return seen;
  }
  const steps = Math.ceil(270 / batchSize);
  const [before, after] = [await pass(0, 11), await pass(11, steps)];
  assert.equal(before.length, 77);
  assert.deepEqual(before.concat(after), await pass(0, steps));
  assert.equal(new Set(before.concat(after)).size, 270);
  assert.equal(before.length + after.length, 270);
});
