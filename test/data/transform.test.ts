import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { drawView, type RawImage, resample, transformImage, type ViewOptions } from '../../src/data/index.js';
import { checkWindow } from '../../src/data/view.js';
import { fold, keyFrom } from '../../src/random/index.js';
import { noise, smooth } from './fixtures.js';

const key = keyFrom(3);
const image = (
  height: number,
  width: number,
  channels: number,
  data = noise(1, height, width, channels),
): RawImage => ({ height, width, channels, data });
const plain = { crop: 'none', flip: false, mean: [0], std: [1] } as const;

test('without a crop the pixels come out as they are, normalised per channel', () => {
  const source = image(4, 5, 3);
  const out = transformImage(
    source,
    { ...plain, imageSize: [4, 5], channels: 3, mean: [0.1, 0.2, 0.3], std: [0.5, 1, 2] },
    key,
  );
  for (let i = 0; i < out.length; i++) {
    const c = i % 3;
    assert.ok(Math.abs(out[i] - (source.data[i] / 255 - [0.1, 0.2, 0.3][c]) / [0.5, 1, 2][c]) < 1e-6);
  }
});

test('grey and colour turn into each other; other numbers of channels are refused', () => {
  const grey = transformImage(image(1, 1, 1, Uint8Array.of(51)), { ...plain, imageSize: [1, 1], channels: 3 }, key);
  assert.deepEqual([...grey], Array(3).fill(Math.fround(0.2)));
  const [luma] = transformImage(
    image(1, 1, 3, Uint8Array.of(255, 0, 255)),
    { ...plain, imageSize: [1, 1], channels: 1 },
    key,
  );
  assert.ok(Math.abs(luma - 0.413) < 1e-6);
  assert.throws(
    () => transformImage(image(2, 2, 7), { ...plain, imageSize: [2, 2], channels: 3 }, key),
    /7 channels where 3 are asked for/,
  );
});

test('a window is all that is seen of an image', () => {
  const source = image(8, 10, 3);
  const options = { ...plain, window: [0.5, 0.2, 0.5, 0.4] as const, imageSize: [4, 4] as const, channels: 3 };
  const rows = [4, 5, 6, 7].flatMap((y) => [...source.data.subarray((y * 10 + 2) * 3, (y * 10 + 6) * 3)]);
  const out = transformImage(source, options, key);
  assert.deepEqual([...out], [...Float32Array.from(rows, (value) => value / 255)]);
  for (const crop of ['none', 'center', 'random', 'randomResized'] as const)
    for (let i = 0; i < 32; i++) {
      const view = drawView(fold(key, i), 80, 100, { ...options, crop });
      assert.ok(view.top >= 40 && view.left >= 20 && view.top + view.height <= 80 && view.left + view.width <= 60);
    }
  assert.throws(() => checkWindow([0.5, 0, 0.6, 1]), /give top, left, height and width as shares/);
});

test('a view is a pure function of its key and lies inside the image', () => {
  for (const crop of ['none', 'center', 'random', 'randomResized'] as const) {
    for (const [height, width] of [
      [1, 1],
      [3, 50],
      [64, 64],
      [500, 333],
    ]) {
      const options: ViewOptions = { imageSize: [32, 24], crop, flip: true, cropScale: [0.1, 1] };
      let flips = 0;
      for (let i = 0; i < 64; i++) {
        const view = drawView(fold(key, i), height, width, options);
        assert.deepEqual(view, drawView(fold(key, i), height, width, options));
        assert.ok(view.top >= 0 && view.left >= 0 && view.height > 0 && view.width > 0);
        assert.ok(
          view.top + view.height <= height && view.left + view.width <= width,
          `${crop} ${JSON.stringify(view)}`,
        );
        assert.ok(Math.abs(view.shiftY) <= 4 && Math.abs(view.shiftX) <= 3);
        flips += Number(view.flip);
      }
      assert.ok(flips > 16 && flips < 48);
    }
  }
});

test('random resized windows cover the asked share of the area', () => {
  const options: ViewOptions = { imageSize: [32, 32], crop: 'randomResized', flip: false, cropScale: [0.2, 0.5] };
  let total = 0;
  for (let i = 0; i < 200; i++) {
    const { height, width } = drawView(fold(key, i), 300, 400, options);
    const share = (height * width) / 120000;
    assert.ok(share > 0.19 && share < 0.51);
    total += share;
  }
  assert.ok(Math.abs(total / 200 - 0.35) < 0.02);
});

test('a moved image shows black where nothing is, and the flip mirrors it', () => {
  const source = image(8, 8, 1, new Uint8Array(64).fill(255));
  const options = { ...plain, imageSize: [8, 8] as [number, number], channels: 1, crop: 'random' as const };
  const seen = new Set<number>();
  for (let i = 0; i < 100; i++) {
    const { shiftY, shiftX } = drawView(fold(key, i), 8, 8, options);
    const out = transformImage(source, options, fold(key, i));
    const lit = out.reduce((sum, x) => sum + x, 0);
    assert.equal(lit, (8 - Math.abs(shiftY)) * (8 - Math.abs(shiftX)));
    seen.add(shiftY * 3 + shiftX);
  }
  assert.equal(seen.size, 9, 'all nine moves by up to an eighth');
  const ramp = image(1, 4, 1, Uint8Array.of(0, 51, 102, 255));
  const flipped = Array.from(
    { length: 20 },
    (_, i) => transformImage(ramp, { ...plain, flip: true, imageSize: [1, 4], channels: 1 }, fold(key, i))[0],
  );
  assert.deepEqual([...new Set(flipped)].sort(), [0, 1]);
});

test("resizing agrees with sharp's and keeps constants and floats", async () => {
  const source = image(40, 60, 3, smooth(1, 40, 60));
  for (const [height, width] of [
    [20, 30],
    [13, 17],
    [80, 90],
  ]) {
    const ours = resample(source, { top: 0, left: 0, height: 40, width: 60 }, height, width).data;
    const theirs = await sharp(source.data as Uint8Array, { raw: { height: 40, width: 60, channels: 3 } })
      .resize(width, height, { fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer();
    const worst = Math.max(...Array.from(ours, (x, i) => Math.abs(x - theirs[i])));
    assert.ok(worst <= 4, `${height} x ${width}: ${worst}`);
  }
  const constant: RawImage = { height: 9, width: 7, channels: 2, data: new Float32Array(126).fill(-2.5) };
  for (const x of resample(constant, { top: 1, left: 2, height: 5, width: 4 }, 11, 3).data)
    assert.ok(Math.abs(x + 2.5) < 1e-5);
});
