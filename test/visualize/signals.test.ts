/** Pictures of points, dense labels and rasters of many bands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { keyFrom, normal } from '../../src/random/index.js';
import { oklab } from '../../src/visualize/color.js';
import {
  bandComposite,
  bandReconstructionFigure,
  bandStretch,
  classColors,
  type Figure,
  iouChart,
  labelImage,
  naturalBands,
  overlayLabels,
  pointCloudImage,
  pointReconstructionFigure,
  type RgbImage,
  segmentationFigure,
} from '../../src/visualize/index.js';

const svgOf = (figure: Figure): string => {
  const svg = figure.toSvg();
  // Letters of an embedded file may spell anything.
  assert.doesNotMatch(svg.replace(/base64,[^"]*/g, ''), /="[^"]*(NaN|Infinity|undefined)/);
  return svg;
};

/** The embedded images of a figure, in drawing order. */
async function imagesOf(figure: Figure): Promise<RgbImage[]> {
  const uris = [...svgOf(figure).matchAll(/href="data:image\/png;base64,([^"]+)"/g)];
  return Promise.all(
    uris.map(async ([, data]) => {
      const raw = await sharp(Buffer.from(data, 'base64')).raw().toBuffer({ resolveWithObject: true });
      return { width: raw.info.width, height: raw.info.height, rgb: raw.data };
    }),
  );
}

/** Pixels that are not the background of the first. */
const drawn = ({ rgb }: RgbImage) => {
  let count = 0;
  for (let p = 3; p < rgb.length; p += 3)
    if (rgb[p] !== rgb[0] || rgb[p + 1] !== rgb[1] || rgb[p + 2] !== rgb[2]) count++;
  return count;
};
const at = ({ rgb, width }: RgbImage, y: number, x: number) => [
  ...rgb.slice(3 * (y * width + x), 3 * (y * width + x) + 3),
];

test('points: what is up is up, what is near hides what is far', () => {
  const points = Float32Array.from([0, 0, 1, 1, 0, 0, -1, 0, 0, 0, 0, -1]);
  const colored = (p: number, color: readonly number[]) => [...points.subarray(3 * p, 3 * p + 3), ...color];
  const cloud = {
    points: [colored(0, [1, 0, 0]), colored(1, [0, 1, 0]), colored(2, [0, 0, 1]), colored(3, [0, 1, 1])].flat(),
    channels: 6,
  };
  // From the x axis at the horizon: the point at +x hides the one at -x in the middle.
  const image = pointCloudImage(cloud, { color: [3, 4, 5], azimuth: 0, elevation: 0 }, 101);
  const middle = at(image, 50, 50);
  assert.ok(middle[1] > middle[2] + 50, `${middle}`);
  const reddest = (from: number, to: number) => {
    let most = -255;
    for (let y = from; y < to; y++)
      for (let x = 0; x < 101; x++) most = Math.max(most, at(image, y, x)[0] - at(image, y, x)[1]);
    return most;
  };
  assert.ok(reddest(0, 40) > 80 && reddest(60, 101) < 20);
});

test('points: any number of points, none, NaN and a single place make a picture', () => {
  for (const points of [normal(keyFrom(1), 6000), new Float32Array(0), Float32Array.of(1, 2, 3), new Float32Array(30)])
    assert.equal(pointCloudImage({ points, channels: 3 }, {}, 64).rgb.length, 64 * 64 * 3);
  const broken = Float32Array.of(0, 0, 0, 1, Number.NaN, 0, 0, 1, Infinity, 1, 1, 1);
  const image = pointCloudImage({ points: broken, channels: 3 }, {}, 64);
  assert.ok(drawn(image) > 0);
  assert.equal(drawn(pointCloudImage({ points: new Float32Array(0), channels: 3 }, {}, 64)), 0);
  assert.throws(() => pointCloudImage({ points: [1, 2], channels: 2 }), /no points of 2 channels/);
});

test('point reconstruction: visible ones alone, all together, the original; padding is not shown', async () => {
  const input = normal(keyFrom(2), 2 * 60 * 3);
  const mask = Array.from({ length: 120 }, (_, i) => (i % 4 === 0 ? 0 : 1));
  const options = { input, mask, reconstruction: input, shape: [60, 3] as const, captions: ['a', 'b'] };
  const images = await imagesOf(pointReconstructionFigure(options));
  assert.equal(images.length, 6);
  const [visible, reconstruction, original] = images.map(drawn);
  assert.ok(visible < 0.5 * original);
  assert.ok(Math.abs(reconstruction - original) < 0.02 * original);
  const padded = await imagesOf(pointReconstructionFigure({ ...options, lengths: [10, 60] }));
  assert.ok(drawn(padded[2]) < 0.6 * original);
  assert.throws(() => pointReconstructionFigure({ ...options, shape: [61, 3] }), /check the shape/);
  assert.throws(() => pointReconstructionFigure({ ...options, mask: [1] }), /mask has 1 values/);
  const one = pointReconstructionFigure({
    ...options,
    input: input.subarray(0, 180),
    reconstruction: input.subarray(0, 180),
    mask: mask.slice(0, 60),
    captions: [],
    colorName: 'time',
  });
  assert.equal((await imagesOf(one)).length, 4, 'one cloud has a colour bar');
});

test('class colours differ from each other for any number of classes, and stay as classes are added', () => {
  assert.deepEqual(classColors(7), classColors(30).slice(0, 7));
  for (const [count, least] of [
    [2, 0.15],
    [11, 0.11],
    [40, 0.05],
  ] as const) {
    const spots = classColors(count).map(oklab);
    for (let i = 0; i < count; i++)
      for (let j = 0; j < i; j++) {
        const distance = Math.hypot(...[0, 1, 2].map((c) => spots[i][c] - spots[j][c]));
        assert.ok(distance > least, `${i} and ${j} of ${count}: ${distance}`);
      }
  }
  assert.deepEqual(classColors(0), []);
});

test('overlays: class colours inside, full at borders; void keeps the picture', () => {
  const grey: RgbImage = { width: 4, height: 1, rgb: new Uint8Array(12).fill(100) };
  const colors = [
    [200, 0, 0],
    [0, 200, 0],
  ] as const;
  const shown = overlayLabels(grey, [0, 0, 1, -1], colors);
  assert.deepEqual(at(shown, 0, 0), [155, 45, 45]);
  assert.deepEqual(at(shown, 0, 1), [200, 0, 0]);
  assert.deepEqual(at(shown, 0, 2), [0, 200, 0]);
  assert.ok(at(shown, 0, 3).every((x) => x > 70 && x < 100));
  assert.deepEqual(at(labelImage([1, 0, 7, -1], [2, 2], colors), 0, 0), [0, 200, 0]);
  assert.throws(() => labelImage([1], [2, 2], colors), /2x2 has 4 labels, not 1/);
});

test('segmentation: columns for what is given, errors where truth has a class, a legend of what occurs', async () => {
  const options = {
    images: new Float32Array(2 * 4 * 6 * 3),
    shape: [4, 6, 3] as const,
    truth: Int32Array.from({ length: 48 }, (_, i) => (i % 6 === 0 ? -1 : 0)),
    prediction: new Int32Array(48).fill(2),
    classNames: ['road', 'sky', 'car'],
    captions: ['a', 'b'],
  };
  const all = await imagesOf(segmentationFigure(options));
  assert.equal(all.length, 8);
  const errors = all[3];
  assert.deepEqual(at(errors, 0, 1), [200, 46, 32]);
  assert.notDeepEqual(at(errors, 0, 0), [200, 46, 32], 'void is never wrong');
  assert.equal((await imagesOf(segmentationFigure({ ...options, truth: undefined }))).length, 4);
  const swatches = svgOf(segmentationFigure(options)).match(/rx="2"/g);
  assert.equal(swatches?.length, 3, 'road, car, void');
  const pictures = [0, 1].map((): RgbImage => ({ width: 6, height: 4, rgb: new Uint8Array(72) }));
  assert.equal((await imagesOf(segmentationFigure({ ...options, images: pictures }))).length, 8);
  assert.throws(() => segmentationFigure({ ...options, truth: new Int32Array(5) }), /truth has 5 labels/);
  const many = segmentationFigure({
    ...options,
    classNames: Array.from({ length: 150 }, (_, i) => `a long class name ${i}`),
    prediction: Int32Array.from({ length: 48 }, (_, i) => i + 100),
  });
  assert.ok(many.width < 1400 && many.height < 1400);
});

test('intersection over union: classes without pixels are named and left out of the mean', () => {
  const svg = svgOf(iouChart([0.5, Number.NaN, 1], ['a', 'b', 'c']));
  assert.ok(!svg.includes('#ff00ff'));
  assert.equal(
    iouChart([0.5, 0.2, 1], ['a', 'b', 'c']).height - iouChart([0.5, Number.NaN, 1], ['a', 'b', 'c']).height,
    34 - 20,
  );
  svgOf(iouChart([Number.NaN], ['a']));
  assert.throws(() => iouChart([1], ['a', 'b']), /1 scores do not go with 2 class names/);
});

test('bands: 2 to 98 % become black to full, per band; gaps are magenta', () => {
  const values = Float32Array.from({ length: 400 }, (_, i) =>
    i % 4 === 3 ? Number.NaN : (i % 4) * 1000 + Math.floor(i / 4),
  );
  assert.deepEqual(bandStretch(values, 4, [2, 1, 0]), [
    [2002, 2097],
    [1002, 1097],
    [2, 97],
  ]);
  const image = bandComposite(values, [10, 10, 4]);
  assert.deepEqual(
    [at(image, 0, 0), at(image, 9, 9)],
    [
      [0, 0, 0],
      [255, 255, 255],
    ],
  );
  assert.deepEqual(at(bandComposite(values, [10, 10, 4], { bands: [0, 1, 3] }), 5, 5), [255, 0, 255]);
  assert.deepEqual(at(bandComposite(new Uint8Array(4).fill(9), [2, 2, 1]), 0, 0), [128, 128, 128]);
  assert.deepEqual(
    [naturalBands(1), naturalBands(7), naturalBands(13)],
    [
      [0, 0, 0],
      [2, 1, 0],
      [3, 2, 1],
    ],
  );
  assert.throws(() => bandComposite(values, [10, 10, 4], { bands: [0, 1, 4] }), /Band 4 does not exist among 4/);
  assert.throws(() => bandComposite(values, [10, 10, 3]), /check the shape/);
});

test('band reconstruction: the stretch of the input everywhere', async () => {
  const input = normal(keyFrom(3), 2 * 64 * 5);
  const figure = bandReconstructionFigure({
    input,
    reconstruction: input,
    mask: new Uint8Array(64).fill(1),
    shape: [8, 8, 5],
  });
  const images = await imagesOf(figure);
  assert.deepEqual(images[0].rgb, images[2].rgb);
  assert.ok(
    images[3].rgb.every((x, i) => x === images[3].rgb[i % 3]),
    'no difference',
  );
});
