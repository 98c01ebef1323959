import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { encodePng, Figure, type RgbImage, writePng } from '../../src/visualize/index.js';
import { fitText, textPath, textWidth, wrapText } from '../../src/visualize/text.js';

const checker: RgbImage = {
  width: 2,
  height: 2,
  rgb: Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]),
};

test('a PNG has the figure’s size times the scale', async () => {
  for (const scale of [1, 2, 3]) {
    const { width, height, channels } = await sharp(await new Figure(101, 57).toPng(scale)).metadata();
    assert.deepEqual([width, height, channels], [101 * scale, 57 * scale, 3]);
  }
});

test('enlarged pixels are sharp squares of the exact colour', async () => {
  const png = await new Figure(40, 40).image(checker, 10, 10, 20, 20).toPng(1);
  const { data } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] => [...data.subarray(3 * (y * 40 + x), 3 * (y * 40 + x) + 3)];
  for (const [x, y, color] of [
    [9, 9, [255, 255, 255]],
    [10, 10, [255, 0, 0]],
    [19, 19, [255, 0, 0]],
    [20, 19, [0, 255, 0]],
    [19, 20, [0, 0, 255]],
    [29, 19, [0, 255, 0]],
  ] as const) {
    assert.deepEqual(at(x, y), color, `pixel ${x}, ${y}`);
  }
});

test('encodePng is read back to the same pixels', async () => {
  const rgb = Uint8Array.from({ length: 7 * 5 * 3 }, (_, i) => (i * 37) % 256);
  const { data, info } = await sharp(encodePng({ width: 7, height: 5, rgb }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, info.channels], [7, 5, 3]);
  assert.deepEqual([...data], [...rgb]);
});

test('text becomes outlines, so no font of the machine is asked for', () => {
  const svg = new Figure(200, 40).text('Loss 0.25 → 0.1, α ≤ 3, naïve Ж', 10, 20, { weight: 'bold' }).toSvg();
  assert.doesNotMatch(svg, /<text|font-family/);
  assert.match(svg, /<path d="M/);
  assert.doesNotMatch(svg, /NaN|undefined|e-/);
});

test('anchors place text by its width; letters that kern stand closer', () => {
  const width = textWidth('Perceiver', 20);
  assert.ok(width > 80 && width < 110, `${width}`);
  assert.ok(Math.abs(textWidth('Perceiver', 40) - 2 * width) < 1e-6);
  assert.ok(textWidth('AV', 20) < textWidth('A', 20) + textWidth('V', 20));
  assert.ok(textPath('I', 100, 10, 20).startsWith('M10'));
});

test('long text is cut with an ellipsis or wrapped', () => {
  assert.equal(fitText('short', 100, 12), 'short');
  const cut = fitText('a very long class name indeed', 80, 12);
  assert.ok(cut.endsWith('…') && textWidth(cut, 12) <= 80, cut);
  const lines = wrapText('one two three four five six', 60, 12);
  assert.ok(lines.length > 1 && lines.every((line) => textWidth(line, 12) <= 60));
  assert.equal(lines.join(' '), 'one two three four five six');
});

test('writePng leaves the picture and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'visualize-'));
  try {
    await writePng(join(folder, 'a.png'), new Figure(10, 10));
    assert.deepEqual(await readdir(folder), ['a.png']);
    assert.equal((await readFile(join(folder, 'a.png'))).readUInt32BE(0), 0x89504e47);
    await assert.rejects(writePng(join(folder, 'a.png', 'b.png'), new Figure(10, 10)), /b\.png cannot be written/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an image of the wrong length is refused with its size', () => {
  assert.throws(() => new Figure(10, 10).image({ ...checker, width: 3 }, 0, 0, 10, 10), /3x2 has 18 bytes, not 12/);
});
