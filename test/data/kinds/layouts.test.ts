/** Data sets of every kind of signal in the layouts that people have, opened, read and batched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatWav } from '../../../src/data/audio/index.js';
import { createLoader, formatNpy, openData, type Reader, sampleOf, signalStatistics } from '../../../src/data/index.js';
import { writeShards } from '../../../src/data/shards/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { keyFrom, normal } from '../../../src/random/index.js';
import { encoded, folderOf, picture } from '../fixtures.js';

const tone = (pitch: number, seconds = 0.1): Buffer =>
  Buffer.from(
    formatWav({
      rate: 8000,
      channels: 1,
      samples: Float32Array.from(
        { length: 8000 * seconds },
        (_, i) => 0.5 * Math.sin((i * pitch * 2 * Math.PI) / 8000),
      ),
    }),
  );

const cloud = (seed: number, count = 50): Buffer =>
  Buffer.from(formatNpy({ shape: [count, 3], data: Float32Array.from(normal(keyFrom(seed), count * 3)) }));

const sound: Reader = { kind: 'audio', rate: 8000, samples: 640, channels: 1 };

test('class folders of sounds, shorter ones told by their lengths', async () => {
  const folder = await folderOf({
    'low/a.wav': tone(200),
    'low/b.wav': tone(210, 0.05),
    'high/a.wav': tone(900),
    'high/notes.txt': Buffer.from('no sound'),
  });
  const set = await openData(folder);
  assert.deepEqual([set.kind, set.size, set.classes], ['audio', 3, ['high', 'low']]);
  const loader = createLoader(set, { reader: sound, batchSize: 3, shuffle: false, key: keyFrom(0), workers: 0 });
  const batch = await loader.next();
  assert.equal(batch?.signals.audio.length, 3 * 640);
  assert.deepEqual([...(batch?.lengths?.audio ?? [])], [640, 640, 400]);
  assert.ok(batch?.signals.audio.subarray(2 * 640 + 400).every((x) => x === 0));
  await loader.close();
});

test('a table names files, classes and splits; a column may be chosen', async () => {
  const rows = Array.from(
    { length: 12 },
    (_, i) => `${i}.wav,${i % 2 ? 'dog' : 'cat'},${i % 3},${i < 8 ? 'train' : 'test'}`,
  );
  const files = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`audio/${i}.wav`, tone(100 * (i + 1))]));
  const folder = await folderOf({
    ...files,
    'meta/list.csv': Buffer.from(`filename,category,room,split\r\n${rows.join('\r\n')}\r\nabsent.wav,dog,1,train\r\n`),
  });
  const train = await openData(folder, { split: 'train' });
  assert.deepEqual([train.size, train.classes], [8, ['cat', 'dog']]);
  assert.match(train.remarks.join(), /1 of 9 files .* do not exist/);
  const test = await openData(folder, { split: 'test', label: 'room' });
  assert.deepEqual([test.size, test.classes, [...(test.labels ?? [])]], [4, ['0', '1', '2'], [2, 0, 1, 2]]);
  await assert.rejects(openData(folder, { label: 'rooms' }), /"room"/);
});

test('several labels in a field make tags', async () => {
  const folder = await folderOf({
    'a.wav': tone(100),
    'b.wav': tone(200),
    'train.csv': Buffer.from('file,labels\na.wav,"Dog,Bark"\nb,Rain\n'),
  });
  const set = await openData(folder);
  assert.deepEqual([set.labels, set.classes], [undefined, ['Bark', 'Dog', 'Rain']]);
  assert.deepEqual([...(set.tags ?? [])], [1, 1, 0, 0, 0, 1]);
  const loader = createLoader(set, { reader: sound, batchSize: 2, shuffle: false, key: keyFrom(0), workers: 0 });
  assert.deepEqual([...((await loader.next())?.tags ?? [])], [1, 1, 0, 0, 0, 1]);
  await loader.close();
});

test('classes from the names of recordings, the first takes held out', async () => {
  const files: Record<string, Buffer> = {};
  for (const digit of [0, 1])
    for (let take = 0; take < 8; take++) files[`recordings/${digit}_ann_${take}.wav`] = tone(100 + digit);
  const folder = await folderOf(files);
  const [train, held] = [await openData(folder, { split: 'train' }), await openData(folder, { split: 'test' })];
  assert.deepEqual([train.size, held.size, train.classes], [6, 10, ['0', '1']]);
});

test('points with splits below their classes; sizes and statistics are found', async () => {
  const folder = await folderOf({
    'chair/train/a.npy': cloud(1),
    'chair/test/b.npy': cloud(2),
    'table/train/a.npy': cloud(3),
    'table/test/b.npy': cloud(4),
  });
  const set = await openData(folder, { split: 'train' });
  assert.deepEqual([set.kind, set.size, set.classes], ['points', 2, ['chair', 'table']]);
  assert.deepEqual(await sampleOf(set, 'points'), [{ count: 50, channels: 3 }]);
  const { points } = await signalStatistics(set, { kind: 'points', points: 50, channels: 3, normalize: 'none' });
  for (const c of [0, 1, 2]) assert.ok(Math.abs(points.mean[c]) < 0.4 && Math.abs(points.std[c] - 1) < 0.3);
});

test('statistics of recordings are those of the windows that training cuts', async () => {
  const [silence, noise] = [new Float32Array(4000), normal(keyFrom(1), 4000).map((x) => x / 4)];
  const samples = Float32Array.of(...noise, ...silence, ...noise);
  const file = Buffer.from(formatWav({ samples, channels: 1, rate: 8000 }));
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`a/${i}.wav`, file]));
  const set = await openData(await folderOf(files), { split: 'train' });
  const reader = { kind: 'audio', rate: 8000, samples: 1000, channels: 1, mean: [0], std: [1] } as const;
  const deviationOf = async (crop: 'random' | 'center') =>
    (await signalStatistics(set, { ...reader, crop } as Reader)).audio.std[0];
  assert.ok((await deviationOf('center')) < 0.01);
  const anywhere = await deviationOf('random');
  assert.ok(Math.abs(anywhere - 0.2) < 0.04, `${anywhere}`);
});

test('images with label maps: SegNet, VOC and plain pairs; void is left out of the classes', async () => {
  const map = (value: number) => encoded(new Uint8Array(64).fill(value), 8, 8);
  const images = { a: await picture(1, 8, 8, 'png'), b: await picture(2, 8, 8, 'png') };
  const layouts: Record<string, Record<string, Buffer>> = {
    segnet: {
      'train/a.png': images.a,
      'trainannot/a.png': await map(1),
      'test/b.png': images.b,
      'testannot/b.png': await map(2),
    },
    voc: {
      'JPEGImages/a.png': images.a,
      'JPEGImages/b.png': images.b,
      'SegmentationClass/a.png': await map(1),
      'SegmentationClass/b.png': await map(2),
      'ImageSets/Segmentation/train.txt': Buffer.from('a\n'),
      'ImageSets/Segmentation/val.txt': Buffer.from('b\n'),
    },
    pairs: {
      'images/train/a.png': images.a,
      'labels/train/a.png': await map(1),
      'images/val/b.png': images.b,
      'labels/val/b.png': await map(2),
    },
  };
  for (const [name, files] of Object.entries(layouts)) {
    const folder = await folderOf(files);
    const set = await openData(folder, { split: 'train' });
    assert.deepEqual([set.kind, set.size, set.classes], ['segmentation', 1, ['0', '1', '2']], name);
    assert.equal((await openData(folder, { split: 'test' })).size, 1, name);
    const voided = await openData(folder, { split: 'train', ignore: [0] });
    assert.deepEqual(voided.classes, ['1', '2'], name);
    const reader: Reader = {
      kind: 'segmentation',
      imageSize: [8, 8],
      channels: 3,
      crop: 'none',
      flip: false,
      mean: [0],
      std: [1],
      ...voided.dense,
    };
    const loader = createLoader(voided, { reader, batchSize: 1, shuffle: false, key: keyFrom(0), workers: 0 });
    assert.ok(
      (await loader.next())?.targets?.every((target) => target === 0),
      name,
    );
    await loader.close();
  }
});

test('a raster with labels is cut into tiles', async () => {
  const bands = formatNpy({ shape: [3, 16, 24], data: Uint16Array.from({ length: 3 * 16 * 24 }, (_, i) => i) });
  const labels = formatNpy({
    shape: [16, 24],
    data: Uint8Array.from({ length: 16 * 24 }, (_, i) => (i % 24 < 8 ? 0 : 4)),
  });
  const folder = await folderOf({ 'bands.npy': Buffer.from(bands), 'labels.npy': Buffer.from(labels) });
  const set = await openData(folder, { tile: 8 });
  assert.deepEqual([set.kind, set.size, set.classes], ['bands', 4, ['4']]);
  const reader: Reader = {
    kind: 'bands',
    imageSize: [8, 8],
    bands: 3,
    crop: 'none',
    flip: false,
    mean: [0],
    std: [1],
    labels: set.dense,
  };
  const loader = createLoader(set, { reader, batchSize: 4, shuffle: false, key: keyFrom(0), workers: 0 });
  const batch = await loader.next();
  assert.ok(batch?.targets?.every((target) => target === 0));
  // The first kept tile begins at column 8; 16 bits stand for reflectances of 1 / 10,000.
  assert.ok(Math.abs((batch?.signals.bands[0] ?? 0) - 8 / 10_000) < 1e-7);
  await loader.close();
});

test('shards of any kind, the same batches as from the files', async () => {
  const folder = await folderOf({});
  const sounds = Array.from({ length: 5 }, (_, i) => tone(100 * (i + 1)));
  await writeShards(
    folder,
    async function* (start) {
      for (let i = start; i < 5; i++)
        yield { key: `s${i}`, parts: { wav: sounds[i], cls: Buffer.from(String(i % 2)) } };
    },
    { prefix: 'train', samplesPerShard: 2 },
  );
  const set = await openData(folder, { split: 'train', validationFraction: 0 });
  assert.deepEqual([set.kind, set.size, [...(set.labels ?? [])]], ['audio', 5, [0, 1, 0, 1, 0]]);
  const files = await openData(await folderOf(Object.fromEntries(sounds.map((bytes, i) => [`${i}.wav`, bytes]))));
  const options = { reader: sound, batchSize: 5, shuffle: true, key: keyFrom(3) };
  const loaders = [createLoader(set, { ...options, workers: 1 }), createLoader(files, { ...options, workers: 0 })];
  const [a, b] = await Promise.all(loaders.map((loader) => loader.next()));
  assert.deepEqual(a?.signals, b?.signals);
  for (const loader of loaders) await loader.close();
});

test('one permutation moves the elements of every example alike', async () => {
  const set = await openData(await folderOf({ 'a.npy': cloud(1), 'b.npy': cloud(2) }));
  const read = async (permutation?: number) => {
    const reader: Reader = { kind: 'points', points: 50, channels: 3, normalize: 'none', order: 'stored', permutation };
    const loader = createLoader(set, { reader, batchSize: 2, shuffle: false, key: keyFrom(0), workers: 0 });
    const batch = await loader.next();
    await loader.close();
    return batch?.signals.points as Float32Array;
  };
  const [plain, moved] = [await read(), await read(5)];
  const place = (example: number, i: number) => {
    const row = moved.subarray((example * 50 + i) * 3, (example * 50 + i) * 3 + 3).join();
    for (let j = 0; j < 50; j++)
      if (plain.subarray((example * 50 + j) * 3, (example * 50 + j) * 3 + 3).join() === row) return j;
    return -1;
  };
  const order = Array.from({ length: 50 }, (_, i) => place(0, i));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.notDeepEqual(
    order,
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.deepEqual(
    Array.from({ length: 50 }, (_, i) => place(1, i)),
    order,
  );
});

test('parts of a file that cannot be used are counted and told, each file once', async () => {
  const holed = Float32Array.from(normal(keyFrom(1), 150));
  holed[4] = Number.NaN;
  holed[99] = Infinity;
  const points = await openData(
    await folderOf({
      'a.npy': Buffer.from(formatNpy({ shape: [50, 3], data: holed })),
      'b.npy': cloud(2),
    }),
  );
  const told = async (set: typeof points, reader: Reader) => {
    const loader = createLoader(set, { reader, batchSize: 4, shuffle: true, key: keyFrom(0), workers: 0 });
    for (let step = 0; step < 3; step++) await loader.next();
    await loader.close();
    assert.deepEqual(loader.skipped, []);
    return loader.flawed;
  };
  const [cloudFlaw, ...none] = await told(points, { kind: 'points', points: 40, channels: 3 });
  assert.deepEqual(none, []);
  assert.match(cloudFlaw.file, /a\.npy$/);
  assert.equal(cloudFlaw.reason, '2 of its points lack a finite x, y or z and are left out');

  const colours = Uint8Array.from([255, 0, 0, 0, 255, 0, 9, 9, 9, 255, 0, 0]);
  const pairs = await openData(
    await folderOf({
      'images/a.png': await picture(1, 2, 2),
      'labels/a.png': await encoded(colours, 2, 2),
      'label_colors.txt': '255 0 0 sky\n0 255 0 tree\n',
    }),
  );
  const reader = { imageSize: [2, 2], channels: 3, crop: 'none', flip: false, mean: [0], std: [1] } as const;
  const [mapFlaw] = await told(pairs, { kind: 'segmentation', ...reader, colors: pairs.dense?.colors, ignore: [] });
  assert.match(mapFlaw.reason, /^1 of 4 pixels have a colour or number that is no class/);
});

test('too many unreadable files are called what they are', async () => {
  const set = await openData(await folderOf({ 'a.wav': Buffer.from('RIFF'), 'b.wav': Buffer.from('RIFF') }));
  const loader = createLoader(set, { reader: sound, batchSize: 2, shuffle: true, key: keyFrom(0), workers: 0 });
  await assert.rejects(loader.next(), /2 of 2 sounds tried of .* cannot be read/);
});

test('a reader of another kind, and a folder of nothing readable, are refused in a sentence', async () => {
  const folder = await folderOf({ 'a.wav': tone(100) });
  const set = await openData(folder);
  const reader: Reader = { kind: 'points', points: 5, channels: 3 };
  assert.throws(
    () => createLoader(set, { reader, batchSize: 1, shuffle: false, key: keyFrom(0) }),
    (error) =>
      error instanceof HiperceiverError && /holds sounds, and the reader is for point clouds/.test(error.message),
  );
  const broken = await openData(await folderOf({ 'a.wav': Buffer.from('RIFF'), 'b.wav': Buffer.alloc(0) }));
  await assert.rejects(sampleOf(broken, 'sound'), /None of 2 sounds .* can be read/);
});
