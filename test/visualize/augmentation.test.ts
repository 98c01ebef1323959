/** Pictures of augmentation show what training does, mixed examples included. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openImages, type Reader } from '../../src/data/index.js';
import { augmentationPictures } from '../../src/visualize/index.js';
import { pictureFolder } from '../training/tiny.js';

const size = { imageSize: [8, 8], channels: 3 } as const;
const reader: Reader = { kind: 'image', ...size, crop: 'center', flip: false, mean: [0.5], std: [0.25] };

test('nothing random is told; random operations and mixed examples are seen', async () => {
  const set = await openImages(await pictureFolder());
  const varies = async (own: Reader, options = {}) =>
    (await augmentationPictures(set, own, { count: 4, draws: 3, ...options })).image.varies;
  assert.equal(await varies(reader), false);
  assert.equal(await varies({ ...reader, augment: { randAugment: { magnitude: 9 } } }), true);
  assert.equal(await varies(reader, { mix: { mixup: 1 } }), true);
  assert.equal(await varies(reader, { mix: { cutmix: 1 } }), true);
});
