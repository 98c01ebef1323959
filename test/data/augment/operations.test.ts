/** Each operation beside what Pillow makes of the same image, and by what defines it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saturation, turnHue } from '../../../src/data/augment/color.js';
import { rotation, sharpness, transform } from '../../../src/data/augment/neighbours.js';
import { movedPixels, type Pixels } from '../../../src/data/augment/pixels.js';
import {
  autoContrast,
  brightness,
  contrast,
  equalize,
  invert,
  posterize,
  solarize,
  solarizeAdd,
} from '../../../src/data/augment/pointwise.js';
import { noise } from '../fixtures.js';
import { image, large, made, madeOfLarge } from './pillow.js';

const FILL = [10, 20, 30];
const SIZE = { height: 7, width: 9, channels: 3 };
const LARGE = { height: 16, width: 20, channels: 3 };

const operations: Record<string, (pixels: Pixels, argument: number) => void> = {
  ...{ autoContrast, equalize, invert, posterize, solarize, solarizeAdd },
  ...{ brightness, contrast, saturation, sharpness },
  rotate: (pixels, degrees) => transform(pixels, rotation(degrees, pixels), FILL),
  shearX: (pixels, by) => transform(pixels, [1, by, 0, 0, 1, 0], FILL),
  shearY: (pixels, by) => transform(pixels, [1, 0, 0, by, 1, 0], FILL),
  translateX: (pixels, by) => transform(pixels, [1, 0, by, 0, 1, 0], FILL),
  translateY: (pixels, by) => transform(pixels, [1, 0, 0, 0, 1, by], FILL),
};

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

function after(name: string, argument: number, from: string, size: Omit<Pixels, 'data'>): Uint8Array {
  const pixels = { ...size, data: bytesOf(from) };
  operations[name](pixels, argument);
  return pixels.data;
}

for (const [call, expected] of Object.entries(made)) {
  const [name, argument] = call.split(' ');
  test(`${call} gives Pillow's bytes`, () => {
    assert.deepEqual(after(name, Number(argument), image, SIZE), bytesOf(expected));
  });
}

for (const [name, expected] of Object.entries(madeOfLarge)) {
  test(`${name} of more pixels gives Pillow's bytes`, () => {
    assert.deepEqual(after(name, 0, large, LARGE), bytesOf(expected));
  });
}

test('arguments that stand for nothing change nothing', () => {
  for (const [name, argument] of Object.entries({
    ...{ posterize: 8, solarize: 256, solarizeAdd: 0, brightness: 1, contrast: 1, saturation: 1, sharpness: 1 },
    ...{ rotate: 0, shearX: 0, shearY: 0, translateX: 0, translateY: 0 },
  }))
    assert.deepEqual(after(name, argument, image, SIZE), bytesOf(image), name);
  assert.deepEqual(
    after('invert', 0, Buffer.from(after('invert', 0, image, SIZE)).toString('base64'), SIZE),
    bytesOf(image),
  );
});

test('a channel of one value has no contrast to stretch', () => {
  for (const operation of [autoContrast, equalize]) {
    const pixels = { height: 20, width: 20, channels: 1, data: new Uint8Array(400).fill(77) };
    operation(pixels);
    assert.ok(pixels.data.every((value) => value === 77));
  }
});

test('equalised values are spread evenly', () => {
  const data = noise(4, 64, 64, 1).map((value) => value >> 2);
  const pixels = { height: 64, width: 64, channels: 1, data };
  equalize(pixels);
  const mean = pixels.data.reduce((a, b) => a + b, 0) / 4096;
  assert.ok(Math.abs(mean - 127.5) < 8 && Math.max(...pixels.data) > 250, `${mean}`);
});

test('hue turns red to green to blue, leaves grey, saturation and value, and comes back', () => {
  const turned = (turn: number, ...data: number[]) => {
    const pixels = { height: 1, width: data.length / 3, channels: 3, data: Uint8Array.from(data) };
    turnHue(pixels, turn);
    return [...pixels.data];
  };
  assert.deepEqual(turned(1 / 3, 255, 0, 0, 9, 9, 9), [0, 255, 0, 9, 9, 9]);
  assert.deepEqual(turned(-1 / 3, 255, 0, 0), [0, 0, 255]);
  assert.deepEqual(turned(0.5, 200, 50, 50), [50, 200, 200]);
  assert.deepEqual(turned(1 / 12, 200, 0, 0), [200, 100, 0]);
  const colours = [...noise(2, 10, 10, 3)];
  const there = turned(0.2, ...colours);
  turned(-0.2, ...there).forEach((value, i) => {
    assert.ok(Math.abs(value - colours[i]) <= 2, `${value} was ${colours[i]}`);
  });
  for (let at = 0; at < there.length; at += 3) {
    const [old, now] = [colours.slice(at, at + 3), there.slice(at, at + 3)];
    assert.equal(Math.max(...now), Math.max(...old));
    assert.equal(Math.min(...now), Math.min(...old));
  }
});

test('grey images have no colours to change', () => {
  const pixels = { height: 3, width: 3, channels: 1, data: noise(1, 3, 3, 1) };
  const before = pixels.data.slice();
  saturation(pixels, 0.2);
  turnHue(pixels, 0.3);
  assert.deepEqual(pixels.data, before);
});

test('an image is moved and mirrored as the view says, black coming in, and floats become bytes', () => {
  const source = { height: 1, width: 4, channels: 1, data: Uint8Array.of(1, 2, 3, 4) };
  const still = { shiftY: 0, shiftX: 0, flip: false };
  assert.deepEqual([...movedPixels(source, still).data], [1, 2, 3, 4]);
  assert.deepEqual([...movedPixels(source, { ...still, shiftX: 1 }).data], [2, 3, 4, 0]);
  assert.deepEqual([...movedPixels(source, { ...still, shiftX: 1, flip: true }).data], [0, 4, 3, 2]);
  assert.deepEqual([...movedPixels(source, { ...still, shiftY: 1 }).data], [0, 0, 0, 0]);
  const floats = { ...source, data: Float32Array.of(-1, 0.5, 1, 7) };
  assert.deepEqual([...movedPixels(floats, still).data], [0, 128, 255, 255]);
});
