/** Examples made as small as a recipe reads them are read as the originals are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { formatWav } from '../../../src/data/audio/index.js';
import { type Reader, readExample } from '../../../src/data/kinds/index.js';
import { decodeLabelMap } from '../../../src/data/labelMaps/index.js';
import { checkSmaller, smaller } from '../../../src/data/shards/smaller.js';
import { keyFrom } from '../../../src/random/index.js';
import { noise } from '../fixtures.js';
import { clipFile, greyClip, tone } from '../media/fixtures.js';

const PLAIN = { crop: 'none', flip: false, mean: [0], std: [1] } as const;

test('a video keeps the pixels that a reader of this size and rate sees, and its sound', async () => {
  const sound = tone(2, 16000, 2, 0.5);
  const original = await clipFile('mp4', greyClip(20), { frameRate: 10, sound });
  const options = { imageSize: [10, 15] as const, frameRate: 5, sampleRate: 8000 };
  const small = await smaller('video', { mp4: original }, options);
  assert.deepEqual(Object.keys(small), ['npz']);
  assert.deepEqual(await smaller('video', { mp4: original }, options), small, 'the same bytes each time');

  const reader: Reader = {
    ...PLAIN,
    ...{ kind: 'video', frames: 6, frameRate: 5, start: 'center', imageSize: [10, 15] },
    sound: { rate: 8000, channels: 1 },
  };
  const read = (video: Uint8Array) => readExample({ parts: { video } }, reader, keyFrom(1));
  const [one, other] = [await read(original), await read(small['npz'])];
  assert.deepEqual(other.signals.video, one.signals.video);
  assert.equal(other.signals.audio.length, one.signals.audio.length);
  let largest = 0;
  other.signals.audio.forEach((value, i) => (largest = Math.max(largest, Math.abs(value - one.signals.audio[i]))));
  assert.ok(largest < 0.02, `sound differs by ${largest}`);
});

test('an image and its label map are read as before, without loss where that is asked for', async () => {
  const [height, width] = [36, 50];
  const image = await sharp(noise(1, height, width, 3), { raw: { height, width, channels: 3 } })
    .png()
    .toBuffer();
  const ids = Uint8Array.from({ length: height * width }, (_, i) => (i * 7) % 5);
  const map = sharp(ids, { raw: { height, width, channels: 1 } }).toColourspace('b-w');
  const parts = { png: image, 'labels.png': await map.png().toBuffer() };
  const small = await smaller('segmentation', parts, { imageSize: [12, 20], quality: 100 });
  assert.deepEqual(Object.keys(small), ['png', 'labels.png']);
  const reader: Reader = { ...PLAIN, kind: 'segmentation', imageSize: [12, 20], channels: 3 };
  const read = (own: Record<string, Uint8Array>) =>
    readExample({ parts: { image: own['png'], labels: own['labels.png'] } }, reader, keyFrom(1));
  const [one, other] = [await read(parts), await read(small)];
  assert.deepEqual(other.signals, one.signals);
  assert.deepEqual(other.targets, one.targets);
  assert.deepEqual((await sharp(small['png']).metadata()).height, 12);
});

test('a label map that shows classes by colour becomes one of their numbers', async () => {
  const colors = [[255, 0, 0] as const, [0, 0, 255] as const];
  const rgb = Uint8Array.from([255, 0, 0, 0, 0, 255, 9, 9, 9, 255, 0, 0].flatMap((v) => [v]));
  const map = await sharp(rgb, { raw: { height: 2, width: 2, channels: 3 } })
    .png()
    .toBuffer();
  const image = await sharp(noise(1, 2, 2, 3), { raw: { height: 2, width: 2, channels: 3 } })
    .png()
    .toBuffer();
  const own = { png: image, 'mask.png': map };
  const small = await smaller('segmentation', own, { imageSize: [4, 2], quality: 100 }, { colors });
  const { ids, height, width } = await decodeLabelMap(small['mask.png']);
  assert.deepEqual([height, width, ...ids], [4, 2, 0, 1, 0, 1, 255, 0, 255, 0]);
});

test('a sound gets another rate; what a kind does not take is refused', async () => {
  const sound = tone(1, 16000, 1, 0.25);
  const small = await smaller('audio', { wav: formatWav(sound) }, { sampleRate: 4000 });
  assert.ok(Math.abs(small['wav'].length - (44 + 2 * (sound.samples.length / 4))) <= 2);
  assert.throws(() => checkSmaller('audio', 'set', { imageSize: 8 }), /imageSize makes nothing smaller/);
  assert.throws(() => checkSmaller('points', 'set', { sampleRate: 8 }), /sampleRate makes nothing smaller/);
  assert.throws(() => checkSmaller('video', 'set', { frameRate: 0 }), /frameRate is 0/);
});
