/** Every public layout opens by looking at it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleName, formatNpy, materialize, openImages, requireClasses } from '../../src/data/index.js';
import { FASHION, folderOf, gzip, idx, noise, picture, plainOptions, tarOf } from './fixtures.js';

const names = async (path: string, split?: string) => {
  const { source, size } = await openImages(path, { split });
  return Array.from({ length: size }, (_, row) => exampleName(source, row).split(/[/:]/).pop());
};

test('class folders: alphabetical classes, natural order of files, deeper folders belong to their class', async () => {
  const png = await picture(1);
  const path = await folderOf({
    'dog/2.png': png,
    'dog/10.png': png,
    'cat/more/3.png': png,
    'cat/1.png': png,
    'cat/.hidden.png': png,
    'cat/notes.txt': 'x',
  });
  const set = await openImages(path);
  assert.deepEqual(
    [set.split, set.classes, [...(set.labels ?? [])], set.size],
    ['all', ['cat', 'dog'], [0, 0, 1, 1], 4],
  );
  assert.deepEqual(await names(path), ['1.png', '3.png', '2.png', '10.png']);
});

test('a flat folder is unlabelled; loose files beside class folders are left out, and that is said', async () => {
  const png = await picture(1);
  const flat = await openImages(await folderOf({ 'a.png': png, 'b.JPG': await picture(2, 8, 8, 'jpeg') }));
  assert.deepEqual([flat.size, flat.classes, flat.labels], [2, [], undefined]);
  assert.throws(() => requireClasses(flat), /has no labels/);
  const mixed = await openImages(await folderOf({ 'a/1.png': png, 'b/1.png': png, 'preview.png': png }));
  assert.equal(mixed.size, 2);
  assert.match(mixed.remarks[0], /^1 file beside the class folders/);
});

test('splits above class folders share one class list, whichever split lacks a class', async () => {
  const png = await picture(1);
  const path = await folderOf({
    'train/b/1.png': png,
    'train/c/1.png': png,
    'validation/a/1.png': png,
    'validation/c/1.png': png,
  });
  const train = await openImages(path);
  const val = await openImages(path, { split: 'val' });
  assert.deepEqual([train.split, val.split], ['train', 'val']);
  assert.deepEqual(train.classes, ['a', 'b', 'c']);
  assert.deepEqual(val.classes, train.classes);
  assert.deepEqual(
    [[...(train.labels ?? [])], [...(val.labels ?? [])]],
    [
      [1, 2],
      [0, 2],
    ],
  );
  assert.equal((await openImages(path, { split: 'test' })).split, 'val', 'val and test stand for each other');
  await assert.rejects(openImages(path, { split: 'trian' }), /Unknown split "trian": did you mean "train"\?/);
});

test('a class may be called "train"; folders of other things stand beside splits', async () => {
  const png = await picture(1);
  const vehicles = await openImages(await folderOf({ 'bus/1.png': png, 'train/1.png': png, 'car/1.png': png }));
  assert.deepEqual(vehicles.classes, ['bus', 'car', 'train']);
  const scenes = await folderOf({ 'train/1.png': png, 'test/1.png': png, 'trainannot/1.png': png });
  assert.equal((await openImages(scenes)).size, 1);
  assert.equal((await openImages(scenes, { split: 'trainannot' })).split, 'trainannot');
});

test('archives: one per split beside open folders, or one with everything, packed or not', async () => {
  const files: Record<string, Buffer> = {};
  for (const [i, name] of ['train/a/1.png', 'train/b/1.png', 'train/b/2.png'].entries()) files[name] = await picture(i);
  const test0 = await picture(9);
  const open = await folderOf({ ...files, 'test/a/1.png': test0 });
  const archives = [
    await folderOf({ 'train.tar.gz': gzip(await tarOf(files)), 'test/a/1.png': test0 }),
    await folderOf({
      'train.tar': await tarOf(Object.fromEntries(Object.entries(files).map(([name, data]) => [name.slice(6), data]))),
      'test.tgz': gzip(await tarOf({ './a/1.png': test0 })),
    }),
    join(
      await folderOf({
        'set.tar.gz': gzip(
          await tarOf(
            Object.fromEntries(
              Object.entries({ ...files, 'test/a/1.png': test0 }).map(([name, data]) => [`set/${name}`, data]),
            ),
          ),
        ),
      }),
      'set.tar.gz',
    ),
  ];
  for (const split of ['train', 'test']) {
    const expected = await materialize(await openImages(open, { split }), plainOptions([8, 8], 3));
    for (const path of archives) {
      const set = await openImages(path, { split });
      assert.deepEqual(set.classes, ['a', 'b']);
      const { values, labels } = await materialize(set, plainOptions([8, 8], 3));
      assert.deepEqual([values, labels], [expected.values, expected.labels]);
    }
  }
});

test('CIFAR-10 and CIFAR-100 binary batches', async () => {
  const batch = (seed: number, labels: number[], before: number[]) =>
    Buffer.concat(
      labels.map((label, i) => Buffer.concat([Buffer.from([...before, label]), noise(seed + i, 32, 32, 3)])),
    );
  const ten = await folderOf({
    'cifar-10-batches-bin/data_batch_1.bin': batch(0, [3, 9], []),
    'cifar-10-batches-bin/data_batch_2.bin': batch(2, [0], []),
    'cifar-10-batches-bin/test_batch.bin': batch(3, [1], []),
    'cifar-10-batches-bin/batches.meta.txt': 'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n',
  });
  const train = await openImages(ten, { split: 'train' });
  assert.deepEqual([train.size, [...(train.labels ?? [])], train.classes[3]], [3, [3, 9, 0], 'cat']);
  assert.deepEqual(train.uniformShape, { height: 32, width: 32, channels: 3 });
  assert.equal((await openImages(ten, { split: 'test' })).size, 1);
  // Stored channel by channel, delivered with the channel last.
  const { values } = await materialize(train, plainOptions([32, 32], 3));
  const second = noise(1, 32, 32, 3);
  assert.equal(values[3072 + 3 * 5 + 2], Math.fround(second[2 * 1024 + 5] / 255));

  const hundred = await openImages(
    await folderOf({
      'train.bin': batch(0, [99], [11]),
      'fine_label_names.txt': Array.from({ length: 100 }, (_, i) => `c${i}`).join('\n'),
    }),
  );
  assert.deepEqual([hundred.classes.length, hundred.labels?.[0]], [100, 99]);
});

test('idx: splits by name, packed or not, classes from classes.txt or the numbers', async () => {
  const path = await folderOf({
    'train-images-idx3-ubyte.gz': gzip(idx([3, 4, 5], noise(1, 12, 5, 1))),
    'train-labels-idx1-ubyte': idx([3], Uint8Array.of(0, 2, 1)),
    't10k-images.idx3-ubyte': idx([1, 4, 5], noise(2, 4, 5, 1)),
    't10k-labels.idx1-ubyte': idx([1], Uint8Array.of(4)),
  });
  const train = await openImages(path);
  assert.deepEqual([train.split, train.size, train.classes], ['train', 3, ['0', '1', '2', '3', '4']]);
  assert.deepEqual(train.uniformShape, { height: 4, width: 5, channels: 1 });
  assert.equal((await openImages(path, { split: 'test' })).labels?.[0], 4);
  assert.equal((await openImages(join(path, 'train-images-idx3-ubyte.gz'))).size, 3);
  const fashion = await openImages(FASHION, { split: 'test' });
  assert.deepEqual([fashion.size, fashion.classes[9], fashion.labels?.[9]], [2500, 'Ankle boot', 9]);
});

test('npy: one file or a folder, bytes or floats, grey or colour', async () => {
  const pixels = noise(1, 6, 4, 3);
  const floats = Float32Array.from(pixels, (x) => x / 255);
  const labels = formatNpy({ shape: [2], data: BigInt64Array.of(1n, 0n) });
  const bytes = await folderOf({
    'images.npy': formatNpy({ shape: [2, 3, 4, 3], data: pixels }),
    'labels.npy': labels,
  });
  const float = await folderOf({
    'x_train.npy': formatNpy({ shape: [2, 3, 4, 3], data: floats }),
    'y_train.npy': labels,
    'test-images.npy': formatNpy({ shape: [1, 3, 4], data: noise(3, 3, 4, 1) }),
  });
  const [a, b] = [await openImages(bytes), await openImages(float)];
  assert.deepEqual([a.split, b.split, a.classes, [...(b.labels ?? [])]], ['all', 'train', ['0', '1'], [1, 0]]);
  const options = plainOptions([3, 4], 3);
  assert.deepEqual((await materialize(a, options)).values, (await materialize(b, options)).values);
  const grey = await openImages(float, { split: 'test' });
  assert.deepEqual([grey.uniformShape?.channels, grey.labels], [1, undefined]);
  assert.equal((await openImages(join(bytes, 'images.npy'))).labels?.length, 2);
});

test('undivided data: a seeded share of each class is held out, and the rest is what trains', async () => {
  const png = await picture(1);
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 20; i++) files[`${i % 2 ? 'a' : 'b'}/${i}.png`] = png;
  const path = await folderOf(files);
  const [train, val, again, other] = [
    await names(path, 'train'),
    await names(path, 'val'),
    await names(path, 'test'),
    await openImages(path, { split: 'val', seed: 5, validationFraction: 0.5 }),
  ];
  assert.equal(val.length, 2);
  assert.deepEqual(val, again, 'val and test are the same share');
  assert.deepEqual([...train, ...val].sort(), (await names(path)).sort(), 'nothing is lost or shared');
  assert.deepEqual(
    [...(other.labels ?? [])].reduce((sum, label) => sum + label, 0),
    5,
    'half of each class',
  );
  await assert.rejects(openImages(path, { split: 'val', validationFraction: 0 }), /holds no images/);
  await assert.rejects(openImages(path, { split: 'val', validationFraction: 1.5 }), /validationFraction is 1.5/);
});

test('limit draws a seeded subset', async () => {
  const [a, b, c] = [
    await openImages(FASHION, { limit: 100, seed: 1 }),
    await openImages(FASHION, { limit: 100, seed: 1 }),
    await openImages(FASHION, { limit: 100, seed: 2 }),
  ];
  assert.equal(a.size, 100);
  assert.deepEqual(a.labels, b.labels);
  assert.notDeepEqual(a.labels, c.labels);
  assert.ok(new Set(a.labels).size > 5);
});
