/** Batches are a function of key and step: of nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Batch,
  channelStatistics,
  createLoader,
  type Dataset,
  defaultTransform,
  type LoaderOptions,
  materialize,
  openImages,
} from '../../src/data/index.js';
import { keyFrom } from '../../src/random/index.js';
import { encoded, FASHION, folderOf, noise, picture, plainOptions } from './fixtures.js';

async function take(set: Dataset, options: LoaderOptions, count = Infinity): Promise<Batch[]> {
  const loader = createLoader(set, options);
  const batches: Batch[] = [];
  for (let batch = await loader.next(); batch; batch = await loader.next()) {
    batches.push(batch);
    if (batches.length === count) break;
  }
  await loader.close();
  assert.equal(await loader.next(), undefined, 'a closed loader gives nothing');
  return batches;
}

async function pictures(count: number, damaged: number[] = []): Promise<string> {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) {
    const bytes = await picture(i, 20 + i, 30, 'jpeg');
    files[`${i % 3}/${i}.jpg`] = damaged.includes(i) ? bytes.subarray(0, bytes.length / 2) : bytes;
  }
  return folderOf(files);
}

const augmented: Parameters<typeof plainOptions>[2] = {
  crop: 'randomResized',
  flip: true,
  shuffle: true,
  mean: [0.5],
  std: [0.25],
};

test('files: the same batches with 0 and 2 workers, and from any step', async () => {
  const set = await openImages(await pictures(11, [4, 7]));
  const options = plainOptions([16, 16], 3, augmented);
  const straight = await take(set, { ...options, workers: 0 }, 9);
  assert.deepEqual(await take(set, { ...options, workers: 2, prefetch: 5 }, 9), straight);
  assert.deepEqual(await take(set, { ...options, workers: 1, startStep: 4 }, 5), straight.slice(4));
  assert.notDeepEqual((await take(set, { ...options, key: keyFrom(8), workers: 0 }, 1))[0].ids, straight[0].ids);
});

test('stored pixels: the same batches inline and in workers, and from any step', async () => {
  const set = await openImages(FASHION, { limit: 50 });
  for (const imageSize of [
    [28, 28],
    [20, 36],
  ] as [number, number][]) {
    const options = plainOptions(imageSize, 1, { ...augmented, crop: 'random', batchSize: 16 });
    const straight = await take(set, options, 8);
    assert.deepEqual(await take(set, { ...options, workers: 2 }, 8), straight);
    assert.deepEqual(await take(set, { ...options, startStep: 6 }, 2), straight.slice(6));
  }
});

test('shuffled batches run on over epochs and show every example once in each', async () => {
  const set = await openImages(FASHION, { limit: 10 });
  const ids = (await take(set, plainOptions([28, 28], 1, { shuffle: true, batchSize: 4 }), 10)).flatMap((batch) => [
    ...batch.ids,
  ]);
  const epochs = [0, 10, 20, 30].map((start) => ids.slice(start, start + 10));
  for (const epoch of epochs) assert.deepEqual([...epoch].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(new Set(epochs.map(String)).size, 4, 'each epoch has its own order');
  const wide = await take(set, plainOptions([28, 28], 1, { shuffle: true, batchSize: 25 }), 2);
  assert.deepEqual(wide.flatMap((batch) => [...batch.ids]).slice(0, 40), ids, 'a batch may hold several epochs');
  const dropped = await take(set, plainOptions([28, 28], 1, { shuffle: true, batchSize: 4, dropLast: true }), 4);
  assert.equal(new Set([...dropped[0].ids, ...dropped[1].ids]).size, 8);
});

test('one pass gives every example in stored order, with its label and its pixels', async () => {
  const set = await openImages(FASHION, { limit: 10, split: 'test' });
  const batches = await take(set, plainOptions([28, 28], 1));
  assert.deepEqual(
    batches.map((batch) => batch.size),
    [4, 4, 2],
  );
  assert.deepEqual(
    batches.flatMap((batch) => [...batch.ids]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.deepEqual(
    batches.flatMap((batch) => [...(batch.labels ?? [])]),
    [...(set.labels ?? [])],
  );
  assert.equal(batches[2].signals.image.length, 2 * 784);
  const { values, labels, size } = await materialize(set, plainOptions([28, 28], 1));
  assert.deepEqual(values.subarray(8 * 784), batches[2].signals.image);
  assert.deepEqual([labels, size], [set.labels, 10]);
  assert.equal((await take(set, plainOptions([28, 28], 1, { dropLast: true }))).length, 2);
});

test('unreadable files are replaced in training, left out of a pass, and listed once', async () => {
  const set = await openImages(await pictures(12, [2, 5]));
  const bad = Array.from({ length: 12 }, (_, i) => i).filter(
    (row) => set.source.kind === 'files' && /\/(2|5)\.jpg/.test(set.source.files[row]),
  );
  const loader = createLoader(set, plainOptions([8, 8], 3, { ...augmented, workers: 2 }));
  for (let step = 0; step < 9; step++) {
    const batch = await loader.next();
    assert.equal(batch?.size, 4);
    assert.deepEqual(
      batch?.labels,
      batch?.ids.map((row) => (set.labels as Int32Array)[row]),
      'labels follow the replacement',
    );
    for (const row of bad) assert.ok(!batch?.ids.includes(row));
  }
  assert.equal(loader.skipped.length, 2);
  assert.match(loader.skipped.map((skip) => skip.file).sort()[0], /2\/2\.jpg$/);
  assert.match(loader.skipped[0].reason, /premature end/);
  assert.ok(loader.waitSeconds > 0);
  await loader.close();
  const pass = await materialize(set, plainOptions([8, 8], 3));
  assert.deepEqual([pass.size, pass.skipped.length, pass.ids.length, pass.values.length], [10, 2, 10, 10 * 192]);
});

test('a set that cannot be read at all ends with one sentence', async () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 100; i++) files[`${i}.png`] = 'this is no picture';
  const set = await openImages(await folderOf(files));
  for (const workers of [0, 1]) {
    for (const shuffle of [true, false]) {
      await assert.rejects(
        take(set, plainOptions([8, 8], 3, { workers, shuffle })),
        /of \d+ images tried of ".*" cannot be read \(first: ".*\.png": .*\): check the files\.$/,
      );
    }
  }
  await assert.rejects(channelStatistics(set), /None of 100 images/);
});

test('more than half unreadable in a large sample ends the run, fewer do not', async () => {
  const png = await picture(1);
  const mostly = async (bad: number) => {
    const files: Record<string, Buffer | string> = {};
    for (let i = 0; i < 120; i++) files[`${i}.png`] = (i * 7) % 120 < bad ? 'broken' : png;
    return take(
      await openImages(await folderOf(files)),
      plainOptions([8, 8], 3, { shuffle: true, workers: 0, batchSize: 40 }),
      6,
    );
  };
  await assert.rejects(mostly(90), /cannot be read/);
  assert.equal((await mostly(30)).length, 6);
});

test('options that make no sense are refused by name', async () => {
  const set = await openImages(FASHION, { limit: 8 });
  const cases: [Parameters<typeof plainOptions>[2], RegExp][] = [
    [{ batchSize: 0 }, /batchSize is 0/],
    [{ batchSize: 2.5 }, /batchSize is 2.5/],
    [{ workers: -1 }, /workers is -1/],
    [{ imageSize: [0, 28] }, /imageSize is \[0,28\]/],
    [{ std: [0] }, /std is \[0\]/],
    [{ mean: [1, 2] }, /mean has 2 numbers for 1 channels/],
    [{ cropScale: [0.5, 0.2] }, /cropScale/],
    [{ batchSize: 9, dropLast: true }, /larger than the 8 examples/],
    [{ mean: [Number.NaN] }, /mean is \[NaN\]/],
  ];
  for (const [change, message] of cases)
    assert.throws(() => createLoader(set, plainOptions([28, 28], 1, change)), message);
});

test('the calling thread stays live, and small stored images need no thread', async () => {
  const set = await openImages(FASHION);
  const loader = createLoader(
    set,
    plainOptions([28, 28], 1, { batchSize: 64, shuffle: true, flip: true, crop: 'random' }),
  );
  for (let i = 0; i < 30; i++) await loader.next();
  const times: number[] = [];
  for (let i = 0; i < 100; i++) {
    const start = performance.now();
    await loader.next();
    times.push(performance.now() - start);
  }
  await loader.close();
  const median = times.sort((a, b) => a - b)[50];
  // 1 ms on an idle machine; the bound leaves room for a busy one.
  assert.ok(median < 4, `${median} ms for 64 images`);
});

test('statistics and defaults follow the images', async () => {
  const grey = await openImages(FASHION, { limit: 600 });
  const { mean, std } = await channelStatistics(grey);
  assert.ok(Math.abs(mean[0] - 0.286) < 0.02 && Math.abs(std[0] - 0.353) < 0.02);
  const small = await defaultTransform(grey);
  assert.deepEqual([small.imageSize, small.channels, small.crop, small.flip], [[28, 28], 1, 'none', false]);

  const half = await encoded(
    new Uint8Array(32 * 32 * 3).map((_, i) => (i % 3 === 0 ? 255 : i % 6 < 3 ? 0 : 255)),
    32,
    32,
  );
  const colour = await defaultTransform(await openImages(await folderOf({ 'a.png': half, 'b.png': half })));
  assert.deepEqual([colour.imageSize, colour.crop, colour.flip], [[32, 32], 'random', true]);
  assert.deepEqual(
    colour.mean.map((x) => Math.round(x * 100) / 100),
    [1, 0.5, 0.5],
  );
  assert.ok(colour.std[0] > 0, 'a constant channel can still be divided by');

  const photos = await openImages(
    await folderOf({ 'a.png': await encoded(noise(1, 100, 300, 3), 100, 300), 'b.png': await picture(2, 50, 50) }),
  );
  assert.deepEqual((await defaultTransform(photos)).crop, 'randomResized');
  assert.deepEqual((await defaultTransform(photos, { training: false })).crop, 'center');
});
