/** Mixup and CutMix: what is mixed, by how much, and what becomes of the labels. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mixBatch, softLabels } from '../../../src/data/index.js';
import { elementOrder } from '../../../src/data/kinds/index.js';
import { fold, type Key, keyFrom, normal } from '../../../src/random/index.js';

const key = keyFrom(12);
const shapes = [{ name: 'image', indexShape: [8, 10], channels: 2 }];
const LENGTH = 160;
const batch = { size: 4, signals: { image: normal(key, 4 * LENGTH) } };

/** The key of the first draw that is as wanted. */
function drawWhere(wanted: (share: number) => boolean, options: Parameters<typeof mixBatch>[2]): Key {
  for (let i = 0; ; i++) if (wanted(mixBatch(batch, shapes, options, fold(key, i)).share)) return fold(key, i);
}

test('mixup: every example is a straight line between itself and its partner', () => {
  const before = batch.signals.image.slice();
  const { signals, share } = mixBatch(batch, shapes, { mixup: 0.8 }, key);
  for (let i = 0; i < 4; i++) {
    for (let at = 0; at < LENGTH; at++) {
      const expected = share * before[i * LENGTH + at] + (1 - share) * before[(3 - i) * LENGTH + at];
      assert.ok(Math.abs(signals.image[i * LENGTH + at] - expected) < 1e-6);
    }
  }
  assert.deepEqual(batch.signals.image, before, 'the batch itself is left alone');
  assert.deepEqual(mixBatch(batch, shapes, { mixup: 0.8 }, key), { signals, share, lengths: undefined });
});

test('CutMix: a box of the partner, and the share that is left', () => {
  for (let i = 0; i < 50; i++) {
    const { signals, share } = mixBatch(batch, shapes, { cutmix: 1 }, fold(key, i));
    for (let e = 0; e < 4; e++) {
      const own = batch.signals.image.subarray(e * LENGTH, (e + 1) * LENGTH);
      const other = batch.signals.image.subarray((3 - e) * LENGTH, (4 - e) * LENGTH);
      const made = signals.image.subarray(e * LENGTH, (e + 1) * LENGTH);
      const places = [...made.keys()].filter((at) => made[at] !== own[at]);
      assert.ok(places.every((at) => made[at] === other[at]));
      const pixels = [...new Set(places.map((at) => at >> 1))];
      assert.equal(places.length, 2 * pixels.length, 'all channels of a pixel');
      const [rows, columns] = [new Set(pixels.map((p) => Math.floor(p / 10))), new Set(pixels.map((p) => p % 10))];
      assert.equal(pixels.length, rows.size * columns.size, 'a full rectangle');
      assert.ok(Math.abs(share - (1 - pixels.length / 80)) < 1e-12);
    }
  }
});

test('shares follow Beta(alpha, alpha), and with both a coin decides', () => {
  const shares = Array.from({ length: 2000 }, (_, i) => mixBatch(batch, shapes, { mixup: 0.4 }, fold(key, i)).share);
  const mean = shares.reduce((a, b) => a + b) / shares.length;
  const variance = shares.reduce((a, b) => a + (b - mean) ** 2, 0) / shares.length;
  assert.ok(Math.abs(mean - 0.5) < 0.04 && Math.abs(variance - 0.25 / 1.8) < 0.015, `${mean} ${variance}`);
  let cuts = 0;
  for (let i = 0; i < 400; i++) {
    const { signals } = mixBatch(batch, shapes, { mixup: 0.8, cutmix: 1 }, fold(key, i));
    // Of a box each value is one example's or the other's.
    const isCut = signals.image.every((x, at) => {
      const [e, place] = [Math.floor(at / LENGTH), at % LENGTH];
      return x === batch.signals.image[at] || x === batch.signals.image[(3 - e) * LENGTH + place];
    });
    if (isCut) cuts++;
  }
  assert.ok(cuts > 160 && cuts < 240, `${cuts}`);
});

test('labels are shared out as the signals are, then smoothed', () => {
  const soft = softLabels(Int32Array.of(0, 1, 2, 2), 3, 0.75);
  assert.deepEqual([...soft], [0.75, 0, 0.25, 0, 0.75, 0.25, 0, 0.25, 0.75, 0.25, 0, 0.75]);
  const smooth = softLabels(Int32Array.of(0, 1), 4, 0.75, 0.1);
  [0.7, 0.25, 0.025, 0.025].forEach((value, c) => void assert.ok(Math.abs(smooth[c] - value) < 1e-6));
});

test('clips get one box through all frames; shuffled elements are cut where they lie', () => {
  const clip = { size: 2, signals: { video: Float32Array.from({ length: 2 * 3 * 36 }, (_, i) => i) } };
  const cutKey = drawWhere((share) => share > 0.3 && share < 0.7, { cutmix: 1 });
  const video = [{ name: 'video', indexShape: [3, 6, 6], channels: 1 }];
  const { signals, share } = mixBatch(clip, video, { cutmix: 1 }, cutKey);
  const changed = Array.from({ length: 108 }, (_, at) => signals.video[at] !== at);
  assert.deepEqual(changed.slice(0, 36), changed.slice(36, 72));
  assert.deepEqual(changed.slice(0, 36), changed.slice(72));
  assert.ok(Math.abs(changed.filter(Boolean).length / 108 - (1 - share)) < 1e-9);

  const order = elementOrder(5, 108);
  const shuffled = { size: 2, signals: { video: Float32Array.from({ length: 216 }, (_, i) => i) } };
  const moved = mixBatch(shuffled, video, { cutmix: 1 }, cutKey, 5).signals.video;
  for (let i = 0; i < 108; i++) assert.equal(moved[i] !== i, changed[order[i]]);
});

test('a mixed example is as long as the longer of the two; boxes need a plane', () => {
  const sounds = { size: 2, signals: { audio: new Float32Array(20).fill(1) }, lengths: { audio: Int32Array.of(3, 9) } };
  const audio = [{ name: 'audio', indexShape: [10], channels: 1 }];
  assert.deepEqual([...mixBatch(sounds, audio, { mixup: 1 }, key).lengths!.audio], [9, 9]);
  assert.throws(() => mixBatch(sounds, audio, { cutmix: 1 }, key), /one axis: use augment\.mixup/);
});
