/** Labels of shards: class files, JSON fields, texts, tags. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openShards, shardLabels } from '../../../src/data/shards/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { folderOf, member, tar } from './tars.js';

/** Two shards with the given label files; undefined leaves a sample without one. */
async function labelled(part: string, texts: (string | undefined)[], more: Record<string, string> = {}) {
  const files = texts.map((text, i) => [
    member(`${i}.jpg`, Buffer.alloc(3000 * (i % 4))),
    ...(text === undefined ? [] : [member(`${i}.${part}`, text)]),
  ]);
  const half = Math.ceil(files.length / 2);
  const shards = { '0.tar': tar(...files.slice(0, half).flat()), '1.tar': tar(...files.slice(half).flat()) };
  return openShards(await folderOf({ ...shards, ...more }));
}

test('numbers are class indices, named by classes.txt where it is there', async () => {
  const plain = await shardLabels(await labelled('cls', ['2', '0\n', ' 1 ', '2']));
  assert.deepEqual([...(plain?.labels ?? [])], [2, 0, 1, 2]);
  assert.deepEqual(plain?.classes, ['0', '1', '2']);
  const named = await shardLabels(await labelled('cls', ['1', '1', '0'], { 'classes.txt': 'crane\ncrane\nbird\n' }));
  assert.deepEqual([...(named?.labels ?? [])], [1, 1, 0]);
  assert.deepEqual(named?.classes, ['crane', 'crane', 'bird'], 'lists may name two classes alike');
});

test('texts are classes in natural order, or those of classes.txt', async () => {
  const found = await shardLabels(await labelled('cls', ['dog', 'cat', 'img10', 'img9', 'dog']));
  assert.deepEqual(found?.classes, ['cat', 'dog', 'img9', 'img10']);
  assert.deepEqual([...(found?.labels ?? [])], [1, 0, 3, 2, 1]);
  const listed = await shardLabels(await labelled('cls', ['dog', 'cat'], { 'classes.txt': 'dog\nbird\ncat' }));
  assert.deepEqual([...(listed?.labels ?? [])], [0, 2]);
  const years = await shardLabels(await labelled('cls', ['2004', '1999', '2004'], { 'classes.txt': '1999\n2004' }));
  assert.deepEqual([...(years?.labels ?? [])], [1, 0, 1], 'numbers beyond the list are names');
});

test('a label outside the list is refused with its file', async () => {
  const refused = (error: unknown) => {
    assert.ok(error instanceof HiperceiverError);
    assert.match(error.message, /1\.tar:2\.cls" holds the label "(cow|7)", which is none of the 2 of classes\.txt/);
    return true;
  };
  await assert.rejects(
    shardLabels(await labelled('cls', ['dog', 'cat', 'cow'], { 'classes.txt': 'dog\ncat' })),
    refused,
  );
  await assert.rejects(shardLabels(await labelled('cls', ['0', '1', '7'], { 'classes.txt': 'dog\ncat' })), refused);
});

test('missing, negative and unreadable labels are counted', async () => {
  const found = await shardLabels(
    await labelled('cls', ['1', undefined, '-1', '', 'a\nb', '0', 'x'.repeat(2 ** 20 + 1)]),
  );
  assert.deepEqual([...(found?.labels ?? [])], [1, -1, -1, -1, -1, 0, -1]);
  assert.deepEqual(found?.remarks, ['5 of 7 samples have no label that can be read (.cls).']);
  assert.equal(await shardLabels(await labelled('xml', ['<a/>'])), undefined);
});

test('a field of JSON', async () => {
  const records = ['{"label": 3, "id": 1}', '{"id": 2, "label": 0}', 'broken {', '{"other": 1}', '[1]'];
  const found = await shardLabels(await labelled('json', records));
  assert.deepEqual([...(found?.labels ?? [])], [3, 0, -1, -1, -1]);
  const field = await shardLabels(await labelled('json', records), { field: 'id' });
  assert.deepEqual([...(field?.labels ?? [])], [1, 2, -1, -1, -1]);
  assert.deepEqual((await shardLabels(await labelled('json', ['{"category":"b"}', '{"category":"a"}'])))?.classes, [
    'a',
    'b',
  ]);
});

test('a list in JSON gives tags', async () => {
  const found = await shardLabels(
    await labelled('json', ['{"labels":["dog","bark"]}', '{"labels":[]}', '{"labels":["dog"]}', '{}']),
  );
  assert.deepEqual(found?.classes, ['bark', 'dog']);
  assert.equal(found?.labels, undefined);
  assert.deepEqual([...(found?.tags ?? [])], [1, 1, 0, 0, 0, 1, 0, 0]);
  assert.deepEqual(found?.remarks, ['1 of 4 samples have no label that can be read (.json).']);
});

test('texts count where they recur; captions do not', async () => {
  const classes = await shardLabels(await labelled('txt', ['seven', 'two', 'seven', 'two', 'two']));
  assert.deepEqual(classes?.classes, ['seven', 'two']);
  assert.equal(await shardLabels(await labelled('txt', ['a red bird', 'two dogs', 'a red bird', 'a cat'])), undefined);
  const listed = await shardLabels(await labelled('txt', ['b', 'a'], { 'classes.txt': 'a\nb' }));
  assert.deepEqual([...(listed?.labels ?? [])], [1, 0]);
});
