/** RandAugment, colours and erased rectangles: what their definitions promise, drawn by a key alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colorJitter, randomGrayscale } from '../../../src/data/augment/colorJitter.js';
import { eraseRectangle } from '../../../src/data/augment/erase.js';
import { sharpness, transform } from '../../../src/data/augment/neighbours.js';
import type { Pixels } from '../../../src/data/augment/pixels.js';
import { brightness, posterize, solarize } from '../../../src/data/augment/pointwise.js';
import { operations, randAugment } from '../../../src/data/augment/randAugment.js';
import { transformImage } from '../../../src/data/index.js';
import { writeFrames } from '../../../src/data/transform.js';
import { fold, keyFrom } from '../../../src/random/index.js';
import { noise, smooth } from '../fixtures.js';

const key = keyFrom(8);
const fill = [1, 2, 3];
const pixels = (seed = 1): Pixels => ({ height: 12, width: 10, channels: 3, data: smooth(seed, 12, 10) });

function after(change: (own: Pixels) => void): Uint8Array {
  const own = pixels();
  change(own);
  return own.data;
}

test('the fifteen operations of the published set are there, each as its magnitude defines it', () => {
  assert.equal(Object.keys(operations).length, 15);
  const at = (name: string, strength: number, sign: 1 | -1 = 1) =>
    after((own) => operations[name](own, { strength, sign, fill }));
  assert.deepEqual(
    at('posterize', 0.9),
    after((own) => posterize(own, 1)),
  );
  assert.deepEqual(
    at('solarize', 0.5),
    after((own) => solarize(own, 128)),
  );
  assert.deepEqual(
    at('brightness', 0.5),
    after((own) => brightness(own, 1.45)),
  );
  assert.deepEqual(
    at('sharpness', 1, -1),
    after((own) => sharpness(own, 0.1)),
  );
  assert.deepEqual(
    at('translateX', 0.5, -1),
    after((own) => transform(own, [1, 0, -2.25, 0, 1, 0], fill)),
  );
  assert.deepEqual(
    at('shearY', 1),
    after((own) => transform(own, [1, 0, 0, 0.3, 1, 0], fill)),
  );
});

test('without magnitude nothing changes but what has none, and posterize', () => {
  const constant = ['autoContrast', 'equalize', 'invert', 'posterize'];
  for (const [name, operation] of Object.entries(operations)) {
    for (const sign of [1, -1] as const) {
      const data = after((own) => operation(own, { strength: 0, sign, fill }));
      if (!constant.includes(name)) assert.deepEqual(data, pixels().data, name);
    }
  }
});

test('RandAugment is a function of its key, applies half of what it draws, and all operations in turn', () => {
  let unchanged = 0;
  const results = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const [one, two] = [pixels(), pixels()];
    randAugment(one, { magnitude: 9, layers: 2 }, fill, fold(key, i));
    randAugment(two, { magnitude: 9, layers: 2 }, fill, fold(key, i));
    assert.deepEqual(one, two);
    if (Buffer.from(one.data).equals(Buffer.from(pixels().data))) unchanged++;
    results.add(Buffer.from(one.data).toString('base64'));
  }
  // Neither of two operations is applied to a quarter of the images.
  assert.ok(unchanged > 70 && unchanged < 150, `${unchanged}`);
  assert.ok(results.size > 200, `${results.size}`);
  const still = pixels();
  randAugment(still, { magnitude: 9, layers: 0 }, fill, key);
  assert.deepEqual(still, pixels());
});

test('colours change within their bounds, in all orders', () => {
  const means: number[] = [];
  for (let i = 0; i < 300; i++) {
    const own = { height: 4, width: 4, channels: 3, data: new Uint8Array(48).fill(100) };
    colorJitter(own, [0.4, 0, 0, 0], fold(key, i));
    means.push(own.data[0]);
  }
  assert.ok(Math.min(...means) >= 60 && Math.min(...means) < 65, `${Math.min(...means)}`);
  assert.ok(Math.max(...means) <= 140 && Math.max(...means) > 135, `${Math.max(...means)}`);
  assert.deepEqual(
    after((own) => colorJitter(own, [0, 0, 0, 0], key)),
    pixels().data,
  );
  const varied = new Set(
    Array.from({ length: 20 }, (_, i) => after((own) => colorJitter(own, [0.8, 0.8, 0.8, 0.2], fold(key, i))).join()),
  );
  assert.equal(varied.size, 20);
});

test('a share of the images becomes grey', () => {
  let grey = 0;
  for (let i = 0; i < 500; i++) {
    const data = after((own) => randomGrayscale(own, 0.2, fold(key, i)));
    if (data[0] === data[1] && data[1] === data[2]) grey++;
    else assert.deepEqual(data, pixels().data);
  }
  assert.ok(grey > 70 && grey < 130, `${grey}`);
});

test('one rectangle is erased, of the published size and shape, the same of all frames', () => {
  const [frames, height, width, channels] = [2, 40, 50, 3];
  let erased = 0;
  let area = 0;
  for (let i = 0; i < 400; i++) {
    const values = new Float32Array(frames * height * width * channels).fill(7);
    eraseRectangle(values, [height, width], channels, { probability: 0.5, fill: 'mean' }, fold(key, i));
    const hit = [...values.keys()].filter((at) => values[at] === 0);
    if (hit.length === 0) continue;
    erased++;
    const half = values.length / 2;
    assert.deepEqual(values.subarray(0, half), values.subarray(half));
    const places = hit.filter((at) => at < half).map((at) => Math.floor(at / channels));
    const rows = new Set(places.map((at) => Math.floor(at / width)));
    const columns = new Set(places.map((at) => at % width));
    assert.equal(hit.length, frames * channels * rows.size * columns.size, 'a full rectangle');
    const share = (rows.size * columns.size) / (height * width);
    assert.ok(share > 0.015 && share < 0.36, `${share}`);
    assert.ok(rows.size / columns.size < 4 && columns.size / rows.size < 4);
    area += share;
  }
  assert.ok(erased > 160 && erased < 240, `${erased}`);
  assert.ok(Math.abs(area / erased - 0.17) < 0.03, `${area / erased}`);
});

test('noise that fills a rectangle is standard normal', () => {
  const values = new Float32Array(200 * 200 * 3).fill(100);
  eraseRectangle(values, [200, 200], 3, { probability: 1, fill: 'noise' }, key);
  const drawn = values.filter((value) => value !== 100);
  const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
  const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / drawn.length;
  assert.ok(drawn.length > 2000 && Math.abs(mean) < 0.1 && Math.abs(variance - 1) < 0.1, `${mean} ${variance}`);
});

test('an image is augmented before it is normalised, whatever its channels, and nothing is drawn without being asked', () => {
  for (const [from, channels] of [
    [1, 1],
    [1, 3],
    [3, 3],
    [3, 1],
    [4, 3],
  ]) {
    const image = { height: 9, width: 9, channels: from, data: noise(3, 9, 9, from) };
    const plain = { imageSize: [9, 9], channels, crop: 'none', flip: false, mean: [0.5], std: [0.25] } as const;
    const before = image.data.slice();
    const augment = {
      randAugment: { magnitude: 9 },
      colorJitter: [0.4, 0.4, 0.4, 0.1],
      grayscale: 0.2,
      erase: { probability: 0.5, fill: 'noise' },
    } as const;
    let differing = 0;
    for (let i = 0; i < 10; i++) {
      const out = transformImage(image, { ...plain, augment }, fold(key, i));
      assert.deepEqual(out, transformImage(image, { ...plain, augment }, fold(key, i)));
      assert.ok(out.length === 81 * channels && out.every(Number.isFinite));
      if (out.some((value, at) => value !== transformImage(image, plain, key)[at])) differing++;
    }
    assert.ok(differing > 7);
    assert.deepEqual(image.data, before, 'what is stored is not written to');
    // Operations that change nothing leave what a plain image is.
    const nothing = { randAugment: { magnitude: 9, layers: 0 }, colorJitter: [0, 0, 0, 0] } as const;
    assert.deepEqual(transformImage(image, { ...plain, augment: nothing }, key), transformImage(image, plain, key));
  }
});

test('moves, mirroring and augmentation go together as moves and mirroring alone', () => {
  const image = { height: 16, width: 16, channels: 3, data: noise(3, 16, 16, 3) };
  const options = { imageSize: [16, 16], channels: 3, crop: 'random', flip: true, mean: [0.5], std: [0.25] } as const;
  for (let i = 0; i < 20; i++) {
    const augment = { randAugment: { magnitude: 1, layers: 0 } };
    assert.deepEqual(
      transformImage(image, { ...options, augment }, fold(key, i)),
      transformImage(image, options, fold(key, i)),
    );
  }
});

test('all frames of a clip are augmented by one draw', () => {
  const frame = { height: 16, width: 16, channels: 3, data: smooth(3, 16, 16) };
  const options = { imageSize: [16, 16], channels: 3, crop: 'none', flip: false, mean: [0.5], std: [0.25] } as const;
  const augment = { randAugment: { magnitude: 9 }, colorJitter: [0.4, 0.4, 0.4, 0.1], grayscale: 0.5 } as const;
  const still = { shiftY: 0, shiftX: 0, flip: false };
  for (let i = 0; i < 20; i++) {
    const out = new Float32Array(3 * 768);
    writeFrames([frame, frame, frame], still, { ...options, augment }, fold(key, i), out);
    assert.deepEqual(out.subarray(0, 768), out.subarray(768, 1536));
    assert.deepEqual(out.subarray(0, 768), out.subarray(1536));
  }
});
