/** TIFF of every layout, arrays of every order: the same numbers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { type BandStack, decodeBands } from '../../../src/data/bands/index.js';
import { formatNpy } from '../../../src/data/npy.js';
import { formatNpz } from '../../../src/data/npz.js';
import { inSharedMemory, survives } from '../damaged.js';
import { needsShared, noise } from '../fixtures.js';
import { type TiffPageParts, tiffFile } from './tiffFile.js';

const decode = (bytes: Uint8Array): Promise<BandStack> => decodeBands(inSharedMemory(bytes), 'raster');
const refuses = (bytes: Uint8Array, reason: RegExp) => assert.rejects(decode(bytes), reason);
const sized = (width: number, height: number, samples: number) => ({ width, height, samples });

test('TIFF: strips and tiles, chunky and planar, every compression, both byte orders', async () => {
  const values = Array.from(noise(1, 37, 21, 4), (x, i) => (i % 3 === 0 ? 7 : x)); // runs for PackBits
  for (const big of [false, true])
    for (const compression of [1, 5, 8, 32773] as const)
      for (const planar of [false, true])
        for (const blocks of [{ tile: 16 }, { rows: 10 }, {}])
          for (const predictor of [1, 2] as const) {
            const page: TiffPageParts = {
              ...sized(21, 37, 4),
              bits: 8,
              values,
              compression,
              planar,
              predictor,
              ...blocks,
            };
            const stack = await decode(tiffFile([page], big));
            assert.deepEqual([stack.height, stack.width, stack.bands], [37, 21, 4]);
            assert.deepEqual(
              Array.from(stack.data),
              values,
              JSON.stringify({ big, compression, planar, blocks, predictor }),
            );
          }
});

test('TIFF: every type of numbers', async () => {
  const values = Array.from(noise(2, 9, 8, 2));
  for (const [bits, format, type, scale] of [
    [8, 1, Uint8Array, 1],
    [8, 2, Float32Array, 0.5],
    [16, 1, Uint16Array, 250],
    [16, 2, Int16Array, 100],
    [32, 1, Float32Array, 1000],
    [32, 2, Float32Array, 1000],
    [32, 3, Float32Array, 0.25],
    [64, 3, Float32Array, 0.25],
  ] as const) {
    const scaled = values.map((x) => (format === 2 ? Math.floor(x * scale) - 100 : x * scale));
    for (const big of [false, true]) {
      const { data } = await decode(
        tiffFile([{ ...sized(8, 9, 2), bits, format, values: scaled, compression: 8 }], big),
      );
      assert.equal(data.constructor, type, `${bits} bits of format ${format}`);
      assert.deepEqual(Array.from(data), scaled);
    }
  }
  const deep = Array.from(values, (x) => x * 200);
  for (const big of [false, true])
    for (const [bits, predictor, format] of [
      [16, 2, 1],
      [32, 2, 1],
      [32, 3, 3],
      [64, 3, 3],
    ] as const) {
      const page = { ...sized(8, 9, 2), bits, values: deep, compression: 5, predictor, format } as const;
      assert.deepEqual(
        Array.from((await decode(tiffFile([page], big))).data),
        deep,
        JSON.stringify({ big, bits, predictor }),
      );
    }
  const halves = tiffFile([{ ...sized(3, 2, 1), bits: 16, format: 3, values: [0x3c00, 0xc000, 1, 0x7bff, 0x3555, 0] }]);
  assert.deepEqual(Array.from((await decode(halves)).data), [1, -2, 2 ** -24, 65504, 1365 / 4096, 0]);
});

test('LZW over many codes', async () => {
  const values = Array.from(noise(3, 120, 100, 1), (x, i) => (i % 50 < 30 ? x & 3 : x));
  const { data } = await decode(tiffFile([{ ...sized(100, 120, 1), bits: 8, values, compression: 5, tile: 64 }]));
  assert.deepEqual(Array.from(data), values);
  const flat = new Array(200 * 200).fill(5);
  const even = await decode(tiffFile([{ ...sized(200, 200, 1), bits: 8, values: flat, compression: 5 }]));
  assert.deepEqual(Array.from(even.data), flat);
});

test('pages of one size are bands; overviews, masks and thumbnails are left out; no-data is read', async () => {
  const page = (seed: number, more: Partial<TiffPageParts> = {}): TiffPageParts => ({
    ...sized(6, 5, 1),
    bits: 16,
    values: Array.from(noise(seed, 5, 6, 1)),
    ...more,
  });
  const pages = [
    page(1, { noData: '-9999 ' }),
    page(2, { subfile: 1 }),
    page(3),
    page(4, { ...sized(3, 2, 1) }),
    page(5),
  ];
  const stack = await decode(tiffFile(pages));
  assert.deepEqual([stack.bands, stack.noData], [3, -9999]);
  const expected = Array.from(
    { length: 90 },
    (_, i) => [1, 3, 5].map((s) => noise(s, 5, 6, 1))[i % 3][Math.floor(i / 3)],
  );
  assert.deepEqual(Array.from(stack.data), expected);
  await refuses(tiffFile([page(1), page(2, { bits: 8 })]), /numbers of different types/);
});

test('TIFF as an image library writes it', async () => {
  const pixels = noise(4, 40, 30, 3);
  for (const options of [
    { compression: 'lzw', predictor: 'horizontal' },
    { compression: 'deflate', predictor: 'horizontal', tile: true, tileWidth: 16, tileHeight: 16 },
    { compression: 'packbits' },
    { compression: 'none', bigtiff: true },
  ] as const) {
    const bytes = await sharp(pixels, { raw: { height: 40, width: 30, channels: 3 } })
      .tiff(options)
      .toBuffer();
    assert.deepEqual(Array.from((await decode(bytes)).data), Array.from(pixels), JSON.stringify(options));
  }
  const jpeg = await sharp(pixels, { raw: { height: 40, width: 30, channels: 3 } })
    .tiff({ compression: 'jpeg' })
    .toBuffer();
  await refuses(jpeg, /compressed by method 7/);
});

/** The file with one tag's value replaced. */
function withTag(bytes: Uint8Array, tag: number, value: number): Uint8Array {
  const copy = Buffer.from(bytes);
  const directory = copy.readUInt32LE(4);
  for (let i = 0; i < copy.readUInt16LE(directory); i++) {
    const entry = directory + 2 + 12 * i;
    if (copy.readUInt16LE(entry) === tag) copy.writeUInt32LE(value, entry + 8);
  }
  return copy;
}

test('TIFF headers that lie are refused before memory is touched', async () => {
  const bytes = tiffFile([{ ...sized(64, 64, 1), bits: 8, values: new Uint8Array(4096), compression: 8, rows: 64 }]);
  await decode(withTag(bytes, 278, 2 ** 32 - 1)); // "all rows in one strip", as some encoders write it
  await refuses(withTag(bytes, 256, 4e9), /more than 1073741824 numbers/);
  await refuses(withTag(bytes, 257, 1e6), /lists 1 of its 15625 blocks/);
  await refuses(withTag(withTag(bytes, 257, 1e6), 278, 1e6), /64x1000000 pixels cannot come from \d+ bytes/);
  await refuses(withTag(bytes, 256, 0), /size is 0x64/);
  await refuses(withTag(bytes, 256, 63), /holds more than its size/);
  await refuses(withTag(bytes, 273, 1e9), /block 1 of 1 lies beyond its end/);
  const sparse = await decode(withTag(bytes, 279, 0));
  assert.ok(sparse.data.every((x) => x === 0));
  await refuses(withTag(withTag(withTag(bytes, 279, 0), 257, 1e7), 278, 1e7), /has no data for/);
  const circular = Buffer.from(bytes);
  const directory = circular.readUInt32LE(4);
  circular.writeUInt32LE(directory, directory + 2 + 12 * circular.readUInt16LE(directory));
  await refuses(circular, /round in a circle/);
  await refuses(bytes.subarray(0, 7), /truncated/);
  await refuses(Buffer.from('GIF89a'), /none of TIFF, npy or npz/);
  await refuses(new Uint8Array(0), /empty/);
});

test('arrays: bands first, last, with dates, alone; open cases are refused', async () => {
  const data = Uint16Array.from({ length: 24 }, (_, i) => i);
  const npy = (shape: number[], layout?: 'bands-first' | 'bands-last') =>
    decodeBands(formatNpy({ shape, data }), 'a', { layout });
  const last = await npy([3, 4, 2]);
  assert.deepEqual([last.height, last.width, last.bands], [3, 4, 2]);
  assert.deepEqual(last.data, data);
  const first = await npy([2, 3, 4]);
  assert.deepEqual([first.height, first.width, first.bands], [3, 4, 2]);
  assert.deepEqual([...first.data.subarray(0, 6)], [0, 12, 1, 13, 2, 14]);
  assert.deepEqual((await npy([4, 3, 2], 'bands-first')).bands, 4);
  const dates = await decodeBands(
    formatNpy({ shape: [2, 2, 3, 4], data: Uint16Array.from({ length: 48 }, (_, i) => i) }),
    'a',
  );
  assert.deepEqual([dates.bands, dates.dates, [...dates.data.subarray(0, 4)]], [4, 2, [0, 12, 24, 36]]);
  const late = await decodeBands(
    formatNpy({ shape: [2, 3, 4, 2], data: Uint16Array.from({ length: 48 }, (_, i) => i) }),
    'a',
  );
  assert.deepEqual([late.bands, late.dates, [...late.data.subarray(0, 4)]], [4, 2, [0, 1, 24, 25]]);
  assert.deepEqual((await npy([4, 6])).bands, 1);
  await assert.rejects(npy([4, 2, 3]), /leaves open which axis is the bands/);
  await assert.rejects(npy([24]), /leaves open/);
  await assert.rejects(decodeBands(formatNpy({ shape: [0, 4], data: new Float32Array(0) }), 'a'), /size is 4x0/);
  const archive = formatNpz(
    new Map<string, any>([
      ['y', { shape: [1], data: Int32Array.of(1) }],
      ['x', { shape: [2, 3, 4], data }],
    ]),
  );
  assert.equal((await decode(archive)).bands, 2);
  assert.equal(
    (await decode(formatNpy({ shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) }))).data.constructor,
    Float32Array,
  );
});

test('damaged rasters are read or refused', async () => {
  for (const compression of [1, 5, 8, 32773] as const)
    for (const blocks of [{ tile: 16 }, { rows: 8 }])
      await survives(
        tiffFile([
          { ...sized(40, 30, 3), bits: 16, values: noise(6, 30, 40, 3), compression, predictor: 2, ...blocks },
        ]),
        120,
        decode,
      );
  await survives(formatNpy({ shape: [3, 8, 9], data: noise(1, 8, 9, 3) }), 100, decode);
  await survives(formatNpz(new Map([['x', { shape: [3, 8, 9], data: noise(1, 8, 9, 3) }]])), 100, decode);
});

test('real satellite rasters, whole and damaged', async (context) => {
  const folder = needsShared('satellite', context);
  if (!folder) return;
  const bytes = readFileSync(join(folder, 'landsat7_olinda/L7_ETMs.tif'));
  const landsat = await decode(bytes);
  assert.deepEqual([landsat.height, landsat.width, landsat.bands, landsat.data.constructor], [352, 349, 6, Uint8Array]);
  assert.ok(Array.from(landsat.data).reduce((a, b) => a + b, 0) / landsat.data.length > 20);
  await survives(bytes, 40, decode);
  const sizes: number[][] = [];
  for (const name of ['landsat5_para', 'sentinel2_para', 'sentinel2_slovenia']) {
    const stack = await decode(readFileSync(join(folder, name, 'bands.npy')));
    sizes.push([stack.height, stack.width, stack.bands, stack.dates ?? 1]);
  }
  assert.deepEqual(sizes, [
    [217, 287, 7, 1],
    [237, 160, 12, 1],
    [101, 75, 65, 5],
  ]);
});
