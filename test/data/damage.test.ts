/** Bad data: one clear sentence, or skipped and listed; never a crash, never silence. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLoader, formatNpy, materialize, openImages, requireClasses } from '../../src/data/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import { keyFrom, uniform } from '../../src/random/index.js';
import { encoded, FASHION, folderOf, gzip, idx, noise, picture, plainOptions, tarOf } from './fixtures.js';

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HiperceiverError, String(error));
  assert.match(error.message, pattern);
  assert.ok(!error.message.includes('\n'));
  return true;
};

test('missing, empty and foreign paths', async () => {
  await assert.rejects(openImages('/nowhere/at/all'), refused(/There is no file or folder "\/nowhere\/at\/all"/));
  await assert.rejects(openImages(await folderOf({})), refused(/holds no images/));
  const text = await folderOf({ 'notes.txt': 'hello', 'sub/more.txt': 'x' });
  await assert.rejects(openImages(text), refused(/holds no images/));
  await assert.rejects(openImages(join(text, 'notes.txt')), refused(/holds no images/));
  await assert.rejects(openImages(FASHION, { limit: 0 }), refused(/limit is 0/));
});

test('one class only opens, and is refused where classes are needed', async () => {
  const set = await openImages(await folderOf({ 'cats/1.png': await picture(1), 'cats/2.png': await picture(2) }));
  assert.deepEqual(set.classes, ['cats']);
  assert.throws(() => requireClasses(set), refused(/has only one class \("cats"\)/));
});

test('idx files that contradict themselves', async () => {
  const images = idx([3, 4, 4], noise(1, 12, 4, 1));
  const labels = idx([3], Uint8Array.of(0, 1, 2));
  const open = async (i: Uint8Array, l: Uint8Array, more: Record<string, string> = {}) =>
    openImages(await folderOf({ 'train-images-idx3-ubyte': i, 'train-labels-idx1-ubyte': l, ...more }));
  await assert.rejects(open(images.subarray(0, 40), labels), refused(/train-images.*truncated/));
  await assert.rejects(open(images.subarray(0, 9), labels), refused(/truncated inside its idx header/));
  await assert.rejects(open(Buffer.alloc(0), labels), refused(/not an idx file/));
  await assert.rejects(open(Buffer.concat([images, images]), labels), refused(/too long/));
  await assert.rejects(open(images, idx([2], Uint8Array.of(0, 1))), refused(/holds 3 images.*holds 2 labels/));
  await assert.rejects(open(images, labels, { 'classes.txt': 'a\nb' }), refused(/holds the label 2, outside 0 … 1/));
  await assert.rejects(open(idx([4294967295, 4, 4], noise(1, 12, 4, 1)), labels), refused(/truncated/));
  await assert.rejects(open(idx([0, 4, 4], new Uint8Array(0)), labels), refused(/empty shape/));
  const packed = gzip(idx([100, 4, 4], noise(1, 400, 4, 1)));
  await assert.rejects(
    openImages(await folderOf({ 'train-images-idx3-ubyte.gz': packed.subarray(0, packed.length - 50) })),
    refused(/could not be read to its end/),
  );
});

test('CIFAR batches that are cut or hold impossible labels', async () => {
  const record = (label: number) => Buffer.concat([Buffer.of(label), noise(1, 32, 32, 3)]);
  await assert.rejects(openImages(await folderOf({ 'data_batch_1.bin': record(1).subarray(1) })), refused(/truncated/));
  await assert.rejects(
    openImages(await folderOf({ 'data_batch_1.bin': record(77) })),
    refused(/label 77, outside 0 … 9/),
  );
  await assert.rejects(openImages(await folderOf({ 'data_batch_1.bin': '' })), refused(/truncated/));
});

test('npy sets of the wrong type, shape, count or channels', async () => {
  const npy = (shape: number[], data = new Uint8Array(shape.reduce((a, b) => a * b, 1))) => formatNpy({ shape, data });
  const open = async (images: Uint8Array, labels?: Uint8Array) =>
    openImages(await folderOf({ 'images.npy': images, ...(labels && { 'labels.npy': labels }) }));
  await assert.rejects(open(formatNpy({ shape: [1, 2, 2], data: new Float64Array(4) })), refused(/<f8 images/));
  await assert.rejects(open(npy([4, 4])), refused(/shape \[4,4\]/));
  await assert.rejects(open(npy([2, 3, 8, 8])), refused(/channels first/));
  await assert.rejects(open(npy([2, 8, 8, 3]).subarray(0, 300)), refused(/truncated/));
  await assert.rejects(open(npy([2, 8, 8, 3]), npy([3])), refused(/holds 2 images.*3 labels/));
  await assert.rejects(
    open(npy([2, 8, 8, 3]), formatNpy({ shape: [2], data: Float32Array.of(0, 1) })),
    refused(/labels are integers/),
  );
  await assert.rejects(
    open(npy([2, 8, 8, 3]), formatNpy({ shape: [2], data: Int32Array.of(0, -1) })),
    refused(/label -1/),
  );
  await assert.rejects(
    open(npy([2, 8, 8, 3]), formatNpy({ shape: [2], data: BigInt64Array.of(0n, 2n ** 32n) })),
    refused(/outside 0/),
  );
  const bands = await open(npy([2, 8, 8, 7]));
  assert.throws(() => createLoader(bands, plainOptions([8, 8], 3)), refused(/images\.npy|7 channels where 3/));
  assert.ok(createLoader(bands, plainOptions([8, 8], 7)), 'all seven channels may be asked for');
});

test('a damaged archive is refused', async () => {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 20; i++) files[`a/${i}.png`] = await encoded(noise(i, 16, 16, 3), 16, 16);
  const tarred = await tarOf(files);
  for (const [name, bytes] of [
    ['train.tar.gz', gzip(tarred).subarray(0, 4000)],
    ['train.tar', tarred.subarray(0, 5000)],
    ['train.tgz', Buffer.from('no gzip')],
  ] as const) {
    await assert.rejects(
      openImages(await folderOf({ [name]: bytes })),
      refused(/could not be read to its end|holds no images/),
      name,
    );
  }
});

test('mutated and truncated real files are decoded or listed, whatever the damage', async () => {
  const originals = {
    jpg: await picture(1, 40, 40, 'jpeg'),
    png: await encoded(noise(1, 24, 24, 3), 24, 24),
    webp: await encoded(noise(2, 24, 24, 3), 24, 24, 'webp'),
    gif: await encoded(noise(3, 24, 24, 3), 24, 24, 'gif'),
    tif: await encoded(noise(4, 24, 24, 3), 24, 24, 'tiff'),
  };
  const files: Record<string, Buffer> = {};
  for (const [ending, bytes] of Object.entries(originals)) {
    for (let i = 0; i < 24; i++) {
      const draws = uniform(keyFrom(i), 12);
      const damaged = Buffer.from(bytes);
      if (i % 3 === 0) for (const draw of draws) damaged[Math.floor(draw * damaged.length)] ^= 1 << (i % 8);
      else if (i % 3 === 1) damaged.fill(0, Math.floor(draws[0] * damaged.length));
      files[`${i}.${ending}`] = i % 3 === 2 ? damaged.subarray(0, Math.floor(draws[0] * damaged.length)) : damaged;
      files[`good-${i}.${ending}`] = bytes;
    }
  }
  const set = await openImages(await folderOf(files));
  const { size, ids, values, skipped } = await materialize(set, { ...plainOptions([12, 12], 3), workers: 0 });
  assert.equal(size + skipped.length, set.size);
  assert.ok(size >= set.size / 2 && skipped.length > 20);
  assert.ok(values.every((x) => x >= 0 && x <= 1));
  for (const { file, reason } of skipped) {
    assert.doesNotMatch(file, /good-/);
    assert.ok(reason.length > 0 && !reason.includes('\n'));
  }
  assert.equal(new Set(ids).size, size);
});

test('mutated idx and npy headers are refused or read, never crash', async () => {
  const raw = {
    'images.npy': Buffer.from(formatNpy({ shape: [2, 8, 8, 3], data: noise(1, 16, 8, 3) })),
    'train-images-idx3-ubyte': idx([2, 8, 8], noise(1, 16, 8, 1)),
  };
  for (const [name, bytes] of Object.entries(raw)) {
    for (let i = 0; i < 40; i++) {
      const [where, bit] = uniform(keyFrom(i), 2);
      const damaged = Buffer.from(bytes);
      damaged[Math.floor(where * 100)] ^= 1 << Math.floor(bit * 8);
      const path = await folderOf({ [name]: damaged });
      await openImages(path).catch((error) =>
        assert.ok(error instanceof HiperceiverError, `${name} ${i}: ${error.stack}`),
      );
    }
  }
});

test('the shipped gz cut short is refused', async () => {
  const real = readFileSync(join(FASHION, 't10k-images-idx3-ubyte.gz'));
  await assert.rejects(
    openImages(await folderOf({ 't10k-images-idx3-ubyte.gz': real.subarray(0, 100000) })),
    refused(/could not be read to its end/),
  );
});
