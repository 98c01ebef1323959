/** Whatever a picture's encoding, the pixels come out upright, 8-bit, grey or RGB. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodeImage, imageHeader, resample } from '../../src/data/index.js';
import { encoded, noise, smooth } from './fixtures.js';

const whole = (height: number, width: number) => ({ top: 0, left: 0, height, width });
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i])));

test('every format gives the same picture', async () => {
  const pixels = smooth(1, 32, 24);
  for (const [format, tolerance] of [
    ['png', 0],
    ['tiff', 12],
    ['webp', 40],
    ['jpeg', 40],
    ['gif', 40],
    ['avif', 40],
  ] as const) {
    const { data, channels } = await decodeImage(await encoded(pixels, 32, 24, format), [32, 24], whole);
    assert.equal(channels, 3, format);
    assert.ok(difference(data, pixels) <= tolerance, `${format}: ${difference(data, pixels)}`);
  }
});

test('CMYK, 16-bit, grey, alpha', async () => {
  const flat = { create: { width: 6, height: 4, channels: 3, background: { r: 200, g: 100, b: 50 } } } as const;
  const first = async (bytes: Uint8Array) => {
    const { data, channels } = await decodeImage(bytes, [4, 6], whole);
    return [...data.subarray(0, channels)];
  };
  assert.deepEqual(await first(await sharp(flat).toColourspace('rgb16').png().toBuffer()), [200, 100, 50]);
  assert.ok(
    difference(await first(await sharp(flat).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()), [200, 100, 50]) <
      40,
  );
  assert.equal((await first(await sharp(flat).greyscale().toColourspace('grey16').png().toBuffer())).length, 1);
  const half = await sharp(Buffer.from([0, 0, 0, 127]), { raw: { width: 1, height: 1, channels: 4 } })
    .resize(6, 4)
    .png()
    .toBuffer();
  assert.ok(difference(await first(half), [128, 128, 128]) <= 1, 'transparency is laid on white');
  const greyAlpha = await sharp(Buffer.from([10, 255]), { raw: { width: 1, height: 1, channels: 2 } })
    .resize(6, 4)
    .toColourspace('b-w')
    .png()
    .toBuffer();
  assert.deepEqual(await first(greyAlpha), [10]);
});

test('EXIF orientation is applied before windows are cut', async () => {
  const pixels = smooth(2, 12, 20);
  const upright = await encoded(pixels, 12, 20);
  const window = () => ({ top: 2, left: 3, height: 5, width: 11 });
  const expected = (await decodeImage(upright, [5, 11], window)).data;
  for (let orientation = 1; orientation <= 8; orientation++) {
    // Stored so that the orientation turns it upright: the inverse of the turn, then the tag.
    const stored = sharp(upright);
    if (orientation === 2) stored.flop();
    if (orientation === 3) stored.rotate(180);
    if (orientation === 4) stored.flip();
    if (orientation === 6) stored.rotate(270);
    if (orientation === 8) stored.rotate(90);
    if (orientation === 5 || orientation === 7) continue;
    const tagged = await stored.withMetadata({ orientation }).png().toBuffer();
    assert.deepEqual(await imageHeader(tagged), { height: 12, width: 20, channels: 3 });
    assert.equal(
      difference((await decodeImage(tagged, [5, 11], window)).data, expected),
      0,
      `orientation ${orientation}`,
    );
  }
});

test('windows of large photographs show what they would show of the decoded pixels, whatever the orientation', async () => {
  const pixels = smooth(4, 300, 420);
  const image = { height: 300, width: 420, channels: 3, data: pixels };
  const windows = [
    { top: 0, left: 0, height: 200, width: 300 },
    { top: 37, left: 111, height: 81, width: 97 },
    { top: 101, left: 121, height: 199, width: 299 },
    { top: 0, left: 7, height: 300, width: 413 },
  ];
  for (const [orientation, turn] of [
    [1, 0],
    [3, 180],
    [6, 270],
    [8, 90],
  ]) {
    const stored = sharp(await encoded(pixels, 300, 420)).rotate(turn);
    const tagged = await stored.withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    for (const window of windows) {
      const found = await decodeImage(tagged, [37, 45], () => window);
      assert.deepEqual([found.height, found.width, found.channels], [37, 45, 3]);
      const apart = difference(found.data, resample(image, window, 37, 45).data);
      // Half a pixel of the result is up to 3 steps of these gradients; JPEG adds its own.
      assert.ok(apart <= 8, `orientation ${orientation}, window ${JSON.stringify(window)}: ${apart}`);
    }
  }
});

test('a header that promises a huge picture is refused before memory is touched', async () => {
  const png = Buffer.from(await encoded(noise(1, 4, 4, 3), 4, 4));
  png.writeUInt32BE(200000, 16);
  png.writeUInt32BE(200000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  const before = process.memoryUsage.rss();
  await assert.rejects(decodeImage(png, [4, 4], whole), /pixel limit/);
  assert.ok(process.memoryUsage.rss() - before < 2 ** 28);
});

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
