/** Shards that are cut, flipped or made up: whatever is whole is kept, what is not is named; never a hang, never a crash. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  closeShards,
  openShards,
  readMember,
  type ShardIndex,
  sampleKey,
  shardLabels,
} from '../../../src/data/shards/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { keyFrom, uniform } from '../../../src/random/index.js';
import { folderOf, longName, member, pax, scratch, tar, textOf } from './tars.js';

const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(100 + 450 * i, 65 + i));
/** Eight samples of two parts; the fourth with a long name. */
const members = bodies.map((body, i) => {
  const name = i === 3 ? `${'long'.repeat(30)}/003` : `00${i}`;
  const head = i === 3 ? [longName(`${name}.jpg`)] : i === 5 ? [pax({ path: `${name}.jpg` })] : [];
  return Buffer.concat([
    ...head,
    member(`${name}.jpg`.slice(0, 100), body),
    pax({ path: `${name}.cls` }),
    member('x', String(i)),
  ]);
});
const whole = tar(...members);

async function open(bytes: Uint8Array): Promise<ShardIndex | undefined> {
  const folder = await scratch();
  await writeFile(join(folder, 'x.tar'), bytes);
  try {
    return await openShards(folder);
  } catch (error) {
    assert.ok(error instanceof HiperceiverError, String((error as Error).stack));
    assert.ok(!error.message.includes('\n'));
    return undefined;
  }
}

/** Every member that the index lists can be read. */
async function readAll(index: ShardIndex): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (let row = 0; row < index.size; row++) {
    for (const part of Object.keys(index.parts)) {
      const bytes = await readMember(index, part, row).catch((error) => {
        assert.ok(error instanceof HiperceiverError);
        assert.match(error.message, /is not in its shard/);
      });
      if (bytes) found.set(`${sampleKey(index, row)}.${part}`, Buffer.from(bytes));
    }
  }
  await closeShards();
  return found;
}

test('cut at any place, all whole files are kept and the shard and the missing bytes are named', async () => {
  const good = await readAll((await open(whole)) as ShardIndex);
  assert.equal(good.size, 16);
  for (let length = 0; length <= whole.length; length += length % 512 === 0 ? 1 : 511) {
    for (const cut of [length, Math.max(0, length - 7)]) {
      const index = await open(whole.subarray(0, cut));
      if (!index) {
        assert.ok(cut < 1024, `${cut}`);
        continue;
      }
      for (const [name, bytes] of await readAll(index)) assert.deepEqual(bytes, good.get(name), name);
      const isWhole = cut > whole.length - 1024 + 511;
      if (isWhole) assert.deepEqual(index.remarks, [], `${cut}`);
      else
        assert.match(index.remarks[0], /^"x\.tar" (is cut in|has no end).*at least [\d,]+ bytes are missing/, `${cut}`);
    }
  }
  const index = (await open(tar(members[0], members[7]).subarray(0, -1024 - 2048 - 1000))) as ShardIndex;
  assert.equal(index.size, 1);
  assert.match(
    index.remarks[0],
    /"x\.tar" is cut in "007\.jpg": at least 666 bytes are missing; all whole files before it/,
  );
});

test('a flipped byte in a header costs the files near it alone', async () => {
  const parts = [0, 1, 2].map((i) => member(`${i}.jpg`, bodies[i]));
  const start = parts[0].length;
  for (let at = 0; at < 512; at++) {
    const damaged = tar(...parts);
    damaged[start + at] ^= 0x11;
    const index = (await open(damaged)) as ShardIndex;
    const names = [...(await readAll(index)).keys()];
    assert.ok(names.includes('0.jpg') && names.includes('2.jpg'), `${at}: ${names}`);
    // A blank in the checksum field may turn into another blank that means the same.
    if (names.length === 2)
      assert.match(index.remarks[0], /^"x\.tar" is damaged at byte 1,024: files there were left out/, `${at}`);
    else assert.deepEqual(await textOf(index, 'jpg', 1), bodies[1].toString(), `${at}`);
  }
});

test('many flips: every file that is listed can be read', async () => {
  for (let i = 0; i < 250; i++) {
    const draws = uniform(keyFrom(i), 2 + 2 * (i % 6));
    const damaged = Buffer.from(whole);
    for (let d = 0; d < draws.length; d += 2)
      damaged[Math.floor(draws[d] * damaged.length)] ^= 1 << Math.floor(8 * draws[d + 1]);
    const index = await open(i % 3 === 0 ? damaged.subarray(0, Math.floor(draws[1] * damaged.length)) : damaged);
    if (!index) continue;
    await readAll(index);
    await shardLabels(index).catch((error) => assert.ok(error instanceof HiperceiverError));
  }
});

test('headers that lie about sizes ask for no memory', async () => {
  const lies = {
    far: member('a.jpg', 'x', { size: 8 * 2 ** 30 - 1 }),
    farther: member('a.jpg', 'x', { size: Number.MAX_SAFE_INTEGER, binarySize: true }),
    unsafe: member('a.jpg', 'x', { size: 2 ** 60, binarySize: true }),
    pax: Buffer.concat([pax({ size: '9007199254740991' }), member('a.jpg', 'x')]),
    longName: member('././@LongLink', 'x', { type: 'L', size: 2 ** 33 - 1 }),
  };
  for (const [name, lie] of Object.entries(lies)) {
    const before = process.memoryUsage().rss;
    const index = (await open(tar(members[0], lie))) as ShardIndex;
    assert.equal((await readAll(index)).size, 2, name);
    assert.match(index.remarks[0], /missing|damaged/, name);
    assert.ok(process.memoryUsage().rss - before < 100e6, name);
  }
});

test('odd PAX records are passed over', async () => {
  for (const text of [
    '',
    'x',
    '99999 path=a\n',
    '5 a=\n\n',
    '-3 a=b\n',
    '12 path=a',
    '11 path\0a.b\n',
    ' path=x\n',
    '1e1 path=y\n',
  ]) {
    const index = (await open(tar(member('p', text, { type: 'x' }), member('good.jpg', 'x')))) as ShardIndex;
    assert.equal(sampleKey(index, 0), 'good', JSON.stringify(text));
  }
});

test('what is no tar is named, beside shards that are', async () => {
  const index = await openShards(
    await folderOf({
      '0.tar': '',
      '1.tar': '<html>Not found</html>',
      '2.tar': tar(member('a.jpg', 'x')),
      '3.tar': Buffer.alloc(10240),
    }),
  );
  assert.equal(index.size, 1);
  assert.deepEqual(index.remarks, [
    '"0.tar" is empty.',
    '"1.tar" is no tar file and was left out.',
    '"3.tar" is no tar file and was left out.',
  ]);
  await assert.rejects(
    openShards(await folderOf({ '0.tar': '', '1.tar': Buffer.alloc(3e6, 'ab') })),
    /holds no samples/,
  );
});
