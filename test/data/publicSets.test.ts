/** The public data sets, where they are at hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelStatistics, createLoader, defaultTransform, openImages, requireClasses } from '../../src/data/index.js';
import { keyFrom } from '../../src/random/index.js';
import { needsShared } from './fixtures.js';

test('CIFAR-10 with its training images in an archive', async (context) => {
  const path = needsShared('cifar10', context);
  if (!path) return;
  const train = await openImages(path, { split: 'train' });
  const held = await openImages(path, { split: 'test' });
  requireClasses(train);
  assert.deepEqual([train.size, held.size], [20000, 2000]);
  assert.deepEqual(train.classes, [
    'airplane',
    'automobile',
    'bird',
    'cat',
    'deer',
    'dog',
    'frog',
    'horse',
    'ship',
    'truck',
  ]);
  assert.deepEqual(held.classes, train.classes);
  for (let label = 0; label < 10; label++) assert.equal(train.labels.filter((x) => x === label).length, 2000);
  const { mean, std } = await channelStatistics(train, 256);
  for (const [c, expected] of [0.491, 0.482, 0.447].entries()) assert.ok(Math.abs(mean[c] - expected) < 0.03);
  for (const x of std) assert.ok(Math.abs(x - 0.25) < 0.03);
  const loader = createLoader(train, {
    reader: { kind: 'image', ...(await defaultTransform(train)) },
    batchSize: 64,
    shuffle: true,
    key: keyFrom(0),
    workers: 1,
  });
  for (let i = 0; i < 5; i++) assert.equal((await loader.next())?.signals.image.length, 64 * 1024 * 3);
  assert.deepEqual(loader.skipped, []);
  await loader.close();
});

test('photographs of many sizes', async (context) => {
  const path = needsShared('photos', context);
  if (!path) return;
  const set = await openImages(path);
  assert.deepEqual([set.split, set.size, set.labels], ['train', 68, undefined]);
  const reader = { kind: 'image' as const, ...(await defaultTransform(set)), imageSize: [64, 64] as [number, number] };
  const loader = createLoader(set, { reader, batchSize: 17, shuffle: true, key: keyFrom(0) });
  let [sum, count] = [0, 0];
  for (let i = 0; i < 4; i++)
    for (const x of (await loader.next())?.signals.image ?? []) [sum, count] = [sum + x, count + 1];
  assert.equal(count, 68 * 64 * 64 * 3);
  assert.ok(Math.abs(sum / count) < 0.5, 'roughly centred');
  assert.deepEqual(loader.skipped, []);
  await loader.close();
  assert.equal((await openImages(path, { split: 'val' })).size, 12);
});

test('road scenes: pictures and label maps are kept apart', async (context) => {
  const path = needsShared('camvid', context);
  if (!path) return;
  assert.deepEqual([(await openImages(path)).size, (await openImages(path, { split: 'test' })).size], [100, 24]);
});
