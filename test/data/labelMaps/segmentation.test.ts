/** An image and its label map keep together through every crop and mirroring. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  alignedView,
  checkSegmentation,
  cutLabels,
  type LabelMap,
  readSegmentation,
  type SegmentationOptions,
} from '../../../src/data/labelMaps/index.js';
import { keyFrom } from '../../../src/random/index.js';
import { needsShared } from '../fixtures.js';
import { pngFile } from './pngFile.js';

const plain: SegmentationOptions = {
  imageSize: [16, 16],
  channels: 1,
  crop: 'none',
  flip: false,
  mean: [0],
  std: [1],
};
/** A grey image whose values are also its labels. */
const grey = (height: number, width: number, samples: ArrayLike<number>) =>
  pngFile({ height, width, type: 0, depth: 8, samples });
const numbered = (height: number, width: number) =>
  grey(
    height,
    width,
    Array.from({ length: height * width }, (_, i) => (7 * (i % width) + 31 * Math.floor(i / width)) % 255),
  );

test('without resizing, the label of every pixel is its value, whatever the draw', async () => {
  const bytes = numbered(16, 16);
  for (const crop of ['none', 'center', 'random'] as const)
    for (const flip of [false, true])
      for (let seed = 0; seed < 6; seed++) {
        const { image, labels, unknown } = await readSegmentation(
          bytes,
          bytes,
          { ...plain, crop, flip, padding: 4 },
          keyFrom(seed),
        );
        assert.equal(unknown, 0);
        let uncovered = 0;
        for (let i = 0; i < 256; i++) {
          if (labels[i] === -1) uncovered++;
          assert.equal(Math.max(0, labels[i]), Math.abs(Math.round(image[i] * 255)));
        }
        if (crop !== 'random') assert.equal(uncovered, 0);
      }
});

test('with resizing, labels stay within a pixel of their image', async () => {
  // Left half dark, right half bright, labels 0 and 200.
  const halves = Array.from({ length: 60 * 80 }, (_, i) => (i % 80 < 40 ? 0 : 200));
  const bytes = grey(60, 80, halves);
  for (let seed = 0; seed < 20; seed++) {
    const options: SegmentationOptions = { ...plain, crop: 'randomResized', flip: true };
    const { image, labels } = await readSegmentation(bytes, bytes, options, keyFrom(seed));
    for (let y = 0; y < 16; y++) {
      let wrong = 0;
      for (let x = 0; x < 16; x++) if (Math.abs(image[y * 16 + x] * 255 - labels[y * 16 + x]) > 100) wrong++;
      assert.ok(wrong <= 1, `row ${y} of draw ${seed} has ${wrong} labels on the wrong side`);
    }
  }
});

test('void, remapped and excess numbers', () => {
  const map: LabelMap = { height: 1, width: 6, ids: Uint8Array.of(0, 1, 2, 8, 100, 255), unknown: 0 };
  const view = { top: 0, left: 0, height: 1, width: 6, shiftY: 0, shiftX: 0, flip: false };
  const labels = (options: object, of = map) => {
    const { labels, unknown } = alignedView(of, view, [1, 6], options);
    return [...labels, unknown];
  };
  assert.deepEqual(labels({}), [0, 1, 2, 8, 100, -1, 0]);
  assert.deepEqual(labels({ ignore: [0, 255], classes: 9 }), [-1, 1, 2, 8, -1, -1, 1]);
  assert.deepEqual(labels({ ignore: 0, ids: [1, 2, 8] }), [-1, 0, 1, 2, -1, -1, 2]);
  assert.deepEqual(labels({}, { ...map, voidId: 100 }), [0, 1, 2, 8, -1, -1, 1], 'unknown colours are void');
  const wide = { ...map, ids: Uint16Array.of(0, 1, 2, 8, 1000, 65535) };
  assert.deepEqual(labels({ ignore: [65535] }, wide), [0, 1, 2, 8, 1000, -1, 0]);
  const cut = cutLabels({ ...map, voidId: 255, unknown: 1 }, { top: 0, left: 1, height: 1, width: 4 });
  assert.deepEqual([[...cut.ids], cut.unknown], [[1, 2, 8, 100], 0]);
});

test('a map of another size, and damaged files, are named', async () => {
  await assert.rejects(
    readSegmentation(numbered(16, 16), numbered(16, 12), plain, keyFrom(0)),
    /label map has 12x16 pixels where the image has 16x16/,
  );
  await assert.rejects(
    readSegmentation(numbered(16, 16), numbered(16, 16).subarray(0, 60), plain, keyFrom(0)),
    /truncated|damaged|missing|no pixels/,
  );
  await assert.rejects(readSegmentation(numbered(16, 16).subarray(0, 60), numbered(16, 16), plain, keyFrom(0)));
});

test('options that make no sense are named', () => {
  const refused = (options: Partial<SegmentationOptions>, reason: RegExp) =>
    assert.throws(() => checkSegmentation({ ...plain, ...options }), reason);
  checkSegmentation({ ...plain, ignore: [0, 255], ids: [1, 2], classes: 2, colors: [[1, 2, 3]] });
  refused({ imageSize: [0, 4] }, /imageSize/);
  refused({ ignore: -1 }, /ignore is -1/);
  refused({ classes: 0 }, /classes is 0/);
  refused({ ids: [1, 1] }, /ids is \[1,1\]/);
  refused({ ids: [1, 2], classes: 3 }, /classes is 3, but ids has 2/);
  refused({ colors: [[1, 2, 256]] }, /colors holds \[1,2,256\]/);
  refused(
    {
      colors: [
        [1, 2, 3],
        [1, 2, 3],
      ],
    },
    /some alike/,
  );
});

test('real road scenes', async (context) => {
  const folder = needsShared('camvid', context);
  if (!folder) return;
  const pairs = readFileSync(join(folder, 'test.txt'), 'utf8').trim().split('\n').slice(0, 4);
  for (const pair of pairs) {
    const [image, map] = pair.split(/\s+/).map((name) => readFileSync(join(folder, name)));
    const options: SegmentationOptions = {
      ...plain,
      ...{ imageSize: [60, 80], channels: 3, crop: 'randomResized', flip: true, ignore: 11, classes: 11 },
    };
    const { image: pixels, labels, unknown } = await readSegmentation(image, map, options, keyFrom(1));
    assert.deepEqual([pixels.length, labels.length, unknown], [60 * 80 * 3, 60 * 80, 0]);
    assert.ok(labels.every((label) => label >= -1 && label < 11));
    assert.ok(new Set(labels).size > 3);
  }
});
