import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import {
  accuracyOf,
  attentionFigure,
  attentionRollout,
  confusionFigure,
  type Figure,
  galleryFigure,
  type RgbImage,
  reconstructionFigure,
} from '../../src/visualize/index.js';

const svgOf = (figure: Figure): string => {
  const svg = figure.toSvg();
  assert.doesNotMatch(svg, /="[^"]*(NaN|Infinity|undefined)/);
  return svg;
};

/** The embedded images of a figure, in drawing order. */
async function imagesOf(figure: Figure): Promise<{ width: number; height: number; data: Buffer }[]> {
  const uris = [...svgOf(figure).matchAll(/href="data:image\/png;base64,([^"]+)"/g)];
  return Promise.all(
    uris.map(async ([, data]) => {
      const raw = await sharp(Buffer.from(data, 'base64')).raw().toBuffer({ resolveWithObject: true });
      return { width: raw.info.width, height: raw.info.height, data: raw.data };
    }),
  );
}

test('confusion of three classes: accuracy, colours by row, empty class', () => {
  const counts = [50, 2, 1, 4, 40, 9, 0, 0, 0];
  assert.equal(accuracyOf(counts, 3), 90 / 106);
  const figure = confusionFigure({ counts, classNames: ['cat', 'dog', 'none'], title: 'Pets' });
  assert.equal(figure.label, 'Pets: 84.9 % accurate');
  const cells = [...svgOf(figure).matchAll(/<rect [^>]*rx="3" fill="(#[0-9a-f]{6})"/g)].map((m) => m[1]);
  assert.equal(cells.length, 9);
  assert.equal(new Set(cells.slice(6)).size, 1, 'a class without samples is blank');
  assert.notEqual(cells[0], cells[1]);
});

test('confusion from 2 to 100 classes has a sane size, and refuses what does not fit', async () => {
  for (const classes of [2, 25, 100]) {
    const figure = confusionFigure({
      counts: new Float32Array(classes * classes).fill(3),
      classNames: Array.from({ length: classes }, (_, i) => `a long class name ${i}`),
    });
    assert.ok(figure.width < 1400 && figure.height < 1400);
    const { width } = await sharp(await figure.toPng(1)).metadata();
    assert.ok(Math.abs((width ?? 0) - figure.width) <= 1);
  }
  assert.throws(() => confusionFigure({ counts: [1, 2], classNames: ['a', 'b'] }), /2 class names need 4 counts/);
  assert.throws(() => confusionFigure({ counts: [1], classNames: ['a'] }), /at least 2 classes/);
});

test('reconstruction: masked is grey, visible pixels are pasted in, their difference is black', async () => {
  const input = Float32Array.from([0, 1, 0.5, 1, 1, 1, 0, 0]); // two images of 2x2
  const prediction = new Float32Array(8).fill(0.25);
  const figure = reconstructionFigure({
    input,
    mask: [1, 0, 1, 0],
    reconstruction: prediction,
    shape: [2, 2, 1],
    rawPrediction: true,
    captions: ['first'],
  });
  const rows = (await imagesOf(figure)).slice(0, 10).map(({ data }) => [0, 1, 2, 3].map((p) => data[3 * p]));
  assert.deepEqual(rows[0], [0, 255, 128, 255], 'input');
  assert.deepEqual(rows[1], [128, 255, 128, 255], 'visible');
  assert.deepEqual(rows[2], [64, 255, 64, 255], 'reconstruction');
  assert.ok(rows[3][1] === rows[3][3] && rows[3][0] > rows[3][1], 'difference');
  assert.deepEqual(rows[4], [64, 64, 64, 64], 'raw prediction');
  assert.deepEqual(rows[6], [128, 255, 128, 0], 'second image');
});

test('reconstruction takes colour, one mask per image, and names a wrong length', () => {
  const values = new Float32Array(3 * 16 * 3).fill(0.1);
  svgOf(
    reconstructionFigure({
      input: values,
      mask: new Uint8Array(48).fill(1),
      reconstruction: values,
      shape: [4, 4, 3],
      mean: [0.4, 0.5, 0.6],
      std: 0.2,
    }),
  );
  svgOf(
    reconstructionFigure({
      input: values,
      mask: new Uint8Array(16),
      reconstruction: values.map(() => Number.NaN),
      shape: [4, 4, 3],
      maxSamples: 2,
    }),
  );
  assert.throws(
    () => reconstructionFigure({ input: values, mask: [1], reconstruction: values, shape: [4, 4, 3] }),
    /mask has 1 values, not 16 .* or 48/,
  );
  assert.throws(
    () => reconstructionFigure({ input: values, mask: new Uint8Array(16), reconstruction: [1], shape: [4, 4, 3] }),
    /reconstruction has 1 values and the input 144/,
  );
  assert.throws(
    () => reconstructionFigure({ input: [1, 2], mask: [1], reconstruction: [1, 2], shape: [4, 4, 3] }),
    /check the shape/,
  );
});

test('attention maps are laid over the image and are bright where attention is', async () => {
  const image: RgbImage = { width: 8, height: 8, rgb: new Uint8Array(192).fill(90) };
  const attention = new Float32Array(2 * 16);
  attention[0] = 1;
  attention[31] = 1;
  const [shown, first, second] = await imagesOf(attentionFigure({ attention, shape: [4, 4], image }));
  assert.ok(shown.data.every((v) => v === 90));
  assert.deepEqual([first.width, first.height], [8, 8]);
  assert.ok(first.data[0] > 150 && first.data[189] < 90 && second.data[189] > 150 && second.data[0] < 90);
  svgOf(attentionFigure({ attention: new Float32Array(16), shape: [4, 4] }));
  assert.throws(() => attentionFigure({ attention: new Float32Array(10), shape: [4, 4] }), /4x4 have 16 values/);
});

test('attention rollout: rows sum to 1; without residual it is the matrix product', () => {
  const first = [0.5, 0.5, 0.1, 0.9];
  const second = [1, 0, 0.3, 0.7];
  const product = attentionRollout([first, second], 0);
  [0.5, 0.5, 0.3 * 0.5 + 0.7 * 0.1, 0.3 * 0.5 + 0.7 * 0.9].forEach((v, i) =>
    assert.ok(Math.abs(product[i] - v) < 1e-6),
  );
  const rolled = attentionRollout([first, second, first]);
  for (const row of [0, 2]) assert.ok(Math.abs(rolled[row] + rolled[row + 1] - 1) < 1e-6);
  assert.throws(() => attentionRollout([first, [1]]), /layer 1 has 1 values, not 2x2/);
});

test('a gallery has a cell for each image, with marked predictions', async () => {
  const image: RgbImage = { width: 4, height: 6, rgb: new Uint8Array(72) };
  const figure = galleryFigure({
    items: Array.from({ length: 11 }, (_, i) => ({ image, caption: `image ${i}`, correct: i % 2 === 0 })),
    title: 'Test',
    columns: 5,
  });
  assert.equal((await imagesOf(figure)).length, 11);
  assert.match(svgOf(figure), /#00875f[\s\S]*#c8400a/);
  svgOf(galleryFigure({ items: [] }));
});
