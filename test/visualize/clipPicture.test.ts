/** Strips of frames. */
import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { clipFigure } from '../../src/visualize/clipPicture.js';

const SHAPE = [4, 8, 8, 3] as const;
const VALUES = 4 * 8 * 8 * 3;

test('rows of visible, reconstructed and original frames', async () => {
  const input = new Float32Array(VALUES).fill(1);
  const reconstruction = new Float32Array(VALUES).fill(0);
  const mask = Uint8Array.from({ length: 4 * 64 }, (_, p) => (p % 64 < 32 ? 1 : 0)); // the upper half of each frame
  const figure = clipFigure({ input, mask, reconstruction, shape: SHAPE, frameRate: 2, title: 'Strips' });
  const { data, info } = await sharp(await figure.toPng(1))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.width, figure.width);
  // Down through the first column of frames: grey, white, black, white, white.
  const column: number[] = [];
  for (let y = 0; y < info.height; y++) {
    const value = data[(y * info.width + 160) * info.channels];
    if (column.at(-1) !== value) column.push(value);
  }
  const plain = column.filter((value) => [0, 128, 255].includes(value));
  assert.ok(plain.includes(128) && plain.indexOf(0) > plain.indexOf(128), `${plain}`);
});

test('long clips show frames spread from the first to the last', () => {
  const input = new Float32Array(64 * 4 * 4 * 3);
  const svg = clipFigure({ input, shape: [64, 4, 4, 3], maxFrames: 8 }).toSvg();
  assert.equal(svg.match(/<image/g)?.length, 8);
});

test('sizes that do not agree are named', () => {
  const input = new Float32Array(VALUES);
  const fails = (more: object, message: RegExp) =>
    assert.throws(() => clipFigure({ input, shape: SHAPE, ...more }), { name: 'HiperceiverError', message });
  fails({ shape: [4, 8, 8, 1] }, /has 256 values, not 768/);
  fails({ mask: new Uint8Array(5) }, /but the mask 5/);
  fails({ reconstruction: input }, /needs a mask/);
  fails({ mask: new Uint8Array(256), reconstruction: new Float32Array(3) }, /not 3/);
});
