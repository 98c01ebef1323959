/** Bands to inputs: views, symmetries, units, gaps, tiles, labels beside. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type BandStack,
  type BandsOptions,
  checkBandsOptions,
  decodeBands,
  tileBands,
  tileWindows,
  transformBands,
  transformBandsWithLabels,
} from '../../../src/data/bands/index.js';
import { decodeLabelMap, type LabelMap } from '../../../src/data/labelMaps/index.js';
import { keyFrom } from '../../../src/random/index.js';
import { needsShared, noise } from '../fixtures.js';

const plain: BandsOptions = { imageSize: [8, 8], bands: 2, crop: 'none', flip: false, mean: [0], std: [1] };
const stack = (height = 8, width = 8, bands = 2): BandStack => ({
  height,
  width,
  bands,
  data: noise(1, height, width, bands),
});
const key = keyFrom(1);

test('units follow the type of the numbers, or the option; statistics apply after', () => {
  const bytes = stack();
  assert.equal(transformBands(bytes, plain, key)[5], Math.fround(bytes.data[5] / 255));
  const deep: BandStack = { ...bytes, data: Uint16Array.from(bytes.data) };
  assert.equal(transformBands(deep, plain, key)[5], Math.fround(bytes.data[5] / 10000));
  const floats: BandStack = { ...bytes, data: Float32Array.from(bytes.data) };
  assert.equal(transformBands(floats, plain, key)[5], bytes.data[5]);
  const out = transformBands(floats, { ...plain, scale: 100, mean: [1, 2], std: [3, 4] }, key);
  assert.ok(Math.abs(out[5] - (bytes.data[5] / 100 - 2) / 4) < 1e-6);
  assert.ok(Math.abs(out[4] - (bytes.data[4] / 100 - 1) / 3) < 1e-6);
});

test('bands by number or list, dates all, one, or any', () => {
  const data = Uint8Array.from({ length: 6 }, (_, i) => i);
  const dated: BandStack = { height: 1, width: 1, bands: 6, dates: 2, data };
  const chosen = (options: Partial<BandsOptions>, seed = 1) => [
    ...transformBands(dated, { ...plain, imageSize: [1, 1], scale: 1, ...options }, keyFrom(seed)),
  ];
  assert.deepEqual(chosen({ bands: 3 }), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(chosen({ bands: [2, 0] }), [2, 0, 5, 3]);
  assert.deepEqual(chosen({ bands: [2, 0], dates: 1 }), [5, 3]);
  const drawn = new Set(Array.from({ length: 40 }, (_, i) => chosen({ bands: 1, dates: 'random' }, i)[0]));
  assert.deepEqual([...drawn].sort(), [0, 3]);
  assert.throws(() => chosen({ bands: 4 }), /has 3 bands where 4 are asked for/);
  assert.throws(() => chosen({ bands: [7] }), /up to number 7/);
  assert.throws(() => chosen({ dates: 2 }), /has 2 dates where number 2/);
});

test('gaps are the mean, 0 after normalisation, and do not spread as garbage', () => {
  const data = new Float32Array(8 * 8).fill(0.5);
  data[9] = Number.NaN;
  data[20] = -3.4e38;
  const gappy: BandStack = { height: 8, width: 8, bands: 1, data, noData: -3.4e38 };
  const options: BandsOptions = { ...plain, bands: 1, mean: [0.4], std: [0.1] };
  const out = transformBands(gappy, options, key);
  assert.deepEqual([out[9], out[20]], [0, 0]);
  assert.ok(Math.abs(out[0] - 1) < 1e-6);
  const small = transformBands(gappy, { ...options, imageSize: [4, 4] }, key);
  assert.ok(small.every((x) => x > -0.2 && x < 1.3));
});

test('resizing keeps a linear ramp', () => {
  const data = Float32Array.from({ length: 32 * 32 }, (_, i) => (i % 32) / 32);
  const out = transformBands({ height: 32, width: 32, bands: 1, data }, { ...plain, bands: 1 }, key);
  for (let x = 1; x < 7; x++) assert.ok(Math.abs(out[8 * 3 + x] - ((x + 0.5) * 4 - 0.5) / 32) < 0.01);
});

test('the eight symmetries all come up, and nothing else', () => {
  const square = stack(8, 8, 1);
  const options: BandsOptions = { ...plain, bands: 1, flip: 'dihedral', scale: 1 };
  const seen = new Map<string, number>();
  for (let seed = 0; seed < 400; seed++) {
    const text = transformBands(square, options, keyFrom(seed)).join();
    seen.set(text, (seen.get(text) ?? 0) + 1);
  }
  const views = new Set<string>();
  const at = (y: number, x: number) => square.data[y * 8 + x];
  for (const mirror of [0, 1, 2, 3, 4, 5, 6, 7])
    views.add(
      Array.from({ length: 64 }, (_, i) => {
        const [a, b] = mirror & 4 ? [i % 8, i >> 3] : [i >> 3, i % 8];
        return at(mirror & 1 ? 7 - a : a, mirror & 2 ? 7 - b : b);
      }).join(),
    );
  assert.deepEqual(new Set(seen.keys()), views);
  for (const count of seen.values()) assert.ok(count > 25 && count < 80, `${count} of 400`);
  const wide = new Set<string>();
  for (let seed = 0; seed < 60; seed++)
    wide.add(transformBands(stack(4, 8, 1), { ...options, imageSize: [4, 8] }, keyFrom(seed)).join());
  assert.equal(wide.size, 4);
});

test('labels go through the same view as their bands, whatever the draw', () => {
  // The label of each pixel is its value.
  const data = Uint8Array.from({ length: 256 }, (_, i) => i);
  const raster: BandStack = { height: 16, width: 16, bands: 1, data };
  const map: LabelMap = { height: 16, width: 16, ids: data, unknown: 0 };
  for (const crop of ['none', 'center', 'random'] as const)
    for (let seed = 0; seed < 20; seed++) {
      const options = {
        ...plain,
        imageSize: [16, 16] as [number, number],
        bands: 1,
        crop,
        flip: 'dihedral' as const,
        scale: 1,
        ignore: [],
      };
      const { image, labels } = transformBandsWithLabels(raster, map, { ...options, mean: [-1] }, keyFrom(seed));
      for (let i = 0; i < 256; i++) assert.equal(labels[i], image[i] - 1, 'uncovered pixels are 0 and void');
    }
  const shown = transformBandsWithLabels(
    raster,
    map,
    { ...plain, bands: 1, crop: 'randomResized', ignore: 3, classes: 100 },
    key,
  );
  assert.ok(shown.labels.every((label) => label >= -1 && label < 100 && label !== 3));
  assert.throws(
    () => transformBandsWithLabels(raster, { ...map, width: 8, height: 32 }, { ...plain, bands: 1 }, key),
    /label map has 8x32 pixels where the raster has 16x16/,
  );
});

test('the same key gives the same input; without augmentation every key does', () => {
  const options: BandsOptions = { ...plain, crop: 'randomResized', flip: 'dihedral' };
  assert.deepEqual(
    transformBands(stack(20, 30), options, keyFrom(3)),
    transformBands(stack(20, 30), options, keyFrom(3)),
  );
  assert.notDeepEqual(
    transformBands(stack(20, 30), options, keyFrom(3)),
    transformBands(stack(20, 30), options, keyFrom(4)),
  );
  const still: BandsOptions = { ...plain, crop: 'center' };
  assert.deepEqual(transformBands(stack(20, 30), still, keyFrom(3)), transformBands(stack(20, 30), still, keyFrom(4)));
});

test('tiles cover the raster and end at its edges', () => {
  for (const [height, width, size, stride] of [
    [100, 75, 32, 32],
    [64, 64, 32, 16],
    [10, 90, 32, 20],
    [5, 5, 8, 8],
  ]) {
    const covered = new Uint8Array(height * width);
    const windows = tileWindows(height, width, size, stride);
    for (const window of windows) {
      assert.equal(window.height, Math.min(size, height));
      for (let y = 0; y < window.height; y++)
        covered.fill(1, (window.top + y) * width + window.left, (window.top + y) * width + window.left + window.width);
    }
    assert.ok(covered.every((x) => x === 1));
    assert.equal(new Set(windows.map((w) => `${w.top} ${w.left}`)).size, windows.length, 'none twice');
  }
  assert.equal(tileWindows(64, 64, 32).length, 4);
  assert.throws(() => tileWindows(4, 4, 0), /tiles' size is 0/);
});

test('tiles hold their own pixels and labels; unlabelled ones can be left out', () => {
  const raster = stack(6, 9, 2);
  const labels: LabelMap = { height: 6, width: 9, ids: new Uint8Array(54), unknown: 0 };
  labels.ids[0] = 4;
  const tiles = [...tileBands(raster, 3, 3, { labels })];
  assert.equal(tiles.length, 6);
  for (const { window, stack: tile } of tiles)
    for (let y = 0; y < 3; y++)
      for (let x = 0; x < 6; x++)
        assert.equal(tile.data[y * 6 + x], raster.data[((window.top + y) * 9 + window.left) * 2 + x]);
  assert.deepEqual([...tiles[0].labels!.ids], [4, 0, 0, 0, 0, 0, 0, 0, 0]);
  const labelled = [...tileBands(raster, 3, 3, { labels, minLabelled: 0.1, ignore: [0] })];
  assert.deepEqual(
    labelled.map(({ window }) => [window.top, window.left]),
    [[0, 0]],
  );
  assert.throws(() => [...tileBands(raster, 3, 3, { labels: { ...labels, width: 6, height: 9 } })], /6x9 pixels/);
});

test('options that make no sense are named', () => {
  const refused = (options: Partial<BandsOptions>, reason: RegExp) =>
    assert.throws(() => checkBandsOptions({ ...plain, ...options }), reason);
  checkBandsOptions({ ...plain, bands: [3, 2, 1], mean: [1, 2, 3], std: [1, 1, 1], flip: 'dihedral' });
  checkBandsOptions({ ...plain, mean: [1, 2, 3, 4], std: [1] }); // two dates
  refused({ imageSize: [0, 8] }, /imageSize is \[0,8\]/);
  refused({ bands: [] }, /bands is \[\]/);
  refused({ bands: [-1] }, /bands is \[-1\]/);
  refused({ crop: 'centre' as 'center' }, /crop is "centre"/);
  refused({ flip: 'both' as 'dihedral' }, /flip is "both"/);
  refused({ dates: -1 }, /dates is "-1"/);
  refused({ scale: -1 }, /scale is -1/);
  refused({ mean: [1, 2, 3] }, /mean has 3 numbers for 2 bands/);
  refused({ std: [0] }, /std is \[0\]/);
});

test('a real raster as labelled tiles', async (context) => {
  const folder = needsShared('satellite', context);
  if (!folder) return;
  const read = (name: string) => readFileSync(join(folder, 'sentinel2_slovenia', name));
  const raster = await decodeBands(read('bands.npy'), 'bands');
  const labels = await decodeLabelMap(read('labels.npy'));
  const tiles = [...tileBands(raster, 32, 16, { labels, minLabelled: 0.5, ignore: [0] })];
  assert.ok(tiles.length > 10);
  const options = {
    ...plain,
    imageSize: [32, 32] as [number, number],
    bands: [3, 2, 1],
    dates: 'random' as const,
    ignore: 0,
    ids: [1, 2, 3, 4, 8],
  };
  for (const { stack: tile, labels: map } of tiles) {
    const { image, labels: classes, unknown } = transformBandsWithLabels(tile, map!, options, key);
    assert.equal(image.length, 32 * 32 * 3);
    assert.ok(image.every((x) => x >= -0.05 && x < 2) && unknown === 0);
    assert.ok(classes.every((label) => label >= -1 && label < 5));
  }
});
