/** Label maps: class numbers exactly as they are stored. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { type Color, decodeLabelMap, parseColorList, readPng } from '../../../src/data/labelMaps/index.js';
import { formatNpy } from '../../../src/data/npy.js';
import { keyFrom, uniform } from '../../../src/random/index.js';
import { tiffFile } from '../bands/tiffFile.js';
import { inSharedMemory, survives } from '../damaged.js';
import { needsShared, noise } from '../fixtures.js';
import { pngFile } from './pngFile.js';

const below = (most: number, count: number) => Array.from(uniform(keyFrom(most), count), (x) => Math.floor(x * most));

test('PNG: every colour type, depth, filter and interlacing', () => {
  for (const [type, depths, channels] of [
    [0, [1, 2, 4, 8, 16], 1],
    [2, [8, 16], 3],
    [3, [1, 2, 4, 8], 1],
    [4, [8, 16], 2],
    [6, [8, 16], 4],
  ] as const)
    for (const depth of depths)
      for (const interlaced of [false, true])
        for (const [height, width] of [
          [13, 21],
          [1, 1],
          [2, 9],
        ]) {
          const samples = below(2 ** depth, height * width * channels);
          const palette = type === 3 ? noise(1, 1, 2 ** depth, 3) : undefined;
          const parts = { height, width, type, depth, samples, palette, interlaced, filter: (y: number) => y % 5 };
          const read = readPng(pngFile(parts));
          assert.deepEqual([read.height, read.width, read.channels, read.depth], [height, width, channels, depth]);
          assert.deepEqual(
            Array.from(read.samples),
            samples,
            JSON.stringify({ type, depth, interlaced, height, width }),
          );
        }
});

test('PNG as an image library writes it', async () => {
  const pixels = noise(1, 30, 40, 3);
  for (const options of [{}, { progressive: true }, { adaptiveFiltering: true, compressionLevel: 9 }]) {
    const bytes = await sharp(pixels, { raw: { height: 30, width: 40, channels: 3 } })
      .png(options)
      .toBuffer();
    assert.deepEqual(Array.from(readPng(bytes).samples), Array.from(pixels));
  }
  const deep = Uint16Array.from(below(65536, 1200));
  const grey = await sharp(deep, { raw: { height: 30, width: 40, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  assert.deepEqual(Array.from(readPng(grey).samples), Array.from(deep));
});

test('palette maps give indices, grey maps values, whatever colours they show', async () => {
  const ids = below(21, 60);
  for (const palette of [noise(1, 1, 21, 3), new Uint8Array(63)]) {
    const file = pngFile({ height: 6, width: 10, type: 3, depth: 8, samples: ids, palette });
    const map = await decodeLabelMap(inSharedMemory(file));
    assert.deepEqual([map.height, map.width, Array.from(map.ids), map.unknown], [6, 10, ids, 0]);
  }
  const grey = (type: 0 | 4, depth: 1 | 2 | 4 | 8 | 16, samples: number[]) =>
    decodeLabelMap(pngFile({ height: 6, width: 10, type, depth, samples }));
  assert.deepEqual(Array.from((await grey(0, 4, below(16, 60))).ids), below(16, 60));
  assert.deepEqual(Array.from((await grey(0, 16, below(60000, 60))).ids), below(60000, 60));
  assert.deepEqual(
    Array.from(
      (
        await grey(
          4,
          8,
          ids.flatMap((id) => [id, 255]),
        )
      ).ids,
    ),
    ids,
  );
  const same = pngFile({ height: 6, width: 10, type: 2, depth: 8, samples: ids.flatMap((id) => [id, id, id]) });
  assert.deepEqual(Array.from((await decodeLabelMap(same)).ids), ids);
});

const COLORS: Color[] = [
  [64, 128, 64],
  [192, 0, 128],
  [0, 128, 192],
];

test('colour maps by a list of colours; other colours are void and counted', async () => {
  const classes = below(4, 60);
  const shown = [...COLORS, [1, 2, 3]];
  const samples = classes.flatMap((c) => shown[c]);
  const bytes = pngFile({ height: 6, width: 10, type: 2, depth: 8, samples });
  const map = await decodeLabelMap(bytes, { colors: COLORS });
  assert.deepEqual(
    Array.from(map.ids),
    classes.map((c) => (c === 3 ? 255 : c)),
  );
  assert.deepEqual([map.unknown, map.voidId], [classes.filter((c) => c === 3).length, 255]);
  await assert.rejects(decodeLabelMap(bytes), /shows classes by colour.*label_colors.txt/);
  // The same colours in a palette of another order, and with alpha.
  const palette = [3, 2, 1, 0].flatMap((c) => shown[c]);
  const indexed = pngFile({ height: 6, width: 10, type: 3, depth: 2, samples: classes.map((c) => 3 - c), palette });
  assert.deepEqual((await decodeLabelMap(indexed, { colors: COLORS })).ids, map.ids);
  const alpha = pngFile({
    height: 6,
    width: 10,
    type: 6,
    depth: 8,
    samples: classes.flatMap((c) => [...shown[c], 255]),
  });
  assert.deepEqual((await decodeLabelMap(alpha, { colors: COLORS })).ids, map.ids);
  const many = Array.from({ length: 300 }, (_, i): Color => [i & 255, i >> 8, 7]);
  const large = pngFile({ height: 1, width: 2, type: 2, depth: 8, samples: [...many[299], 9, 9, 9] });
  assert.deepEqual(Array.from((await decodeLabelMap(large, { colors: many })).ids), [299, 65535]);
});

test('lists of colours in the layouts of public sets', () => {
  const expected = { names: ['Animal', 'Archway', 'Sky'], colors: COLORS };
  for (const text of [
    '64 128 64\tAnimal\n192 0 128\tArchway\n0 128 192\t\tSky\n',
    'name,r,g,b\r\nAnimal, 64, 128, 64\r\nArchway, 192, 0, 128\r\nSky, 0, 128, 192\r\n',
    '# label:color_rgb:parts:actions\nAnimal:64,128,64::\nArchway:192,0,128:door,key:\nSky:0,128,192::\n',
    'class_name,r,g,b\n"Animal",64,128,64\n"Archway",192,0,128\n"Sky",0,128,192',
  ])
    assert.deepEqual(parseColorList(text), expected, text);
  assert.deepEqual(parseColorList('1 2 3\n4 5 6').names, ['class 0', 'class 1']);
  assert.deepEqual(parseColorList('Road Sign,1,2,3').names, ['Road Sign']);
  assert.throws(() => parseColorList('1 2 300 x', 'colors.txt'), /Line 1 of colors.txt is "1 2 300 x"/);
  assert.throws(
    () => parseColorList('1 2 3 a\n\n1 2 3 b', 'colors.txt'),
    /Line 3 of colors.txt repeats the colour of line 1/,
  );
  assert.throws(() => parseColorList('name,r,g,b\n'), /holds no colours/);
});

test('arrays and TIFF of class numbers; what is no class number is void and counted', async () => {
  const npy = await decodeLabelMap(formatNpy({ shape: [2, 2], data: Int32Array.of(0, 3, -1, 70000) }));
  assert.deepEqual([Array.from(npy.ids), npy.unknown, npy.voidId], [[0, 3, 65535, 65535], 2, 65535]);
  const bytes = await decodeLabelMap(formatNpy({ shape: [1, 2, 2], data: Uint8Array.of(0, 3, 255, 1) }));
  assert.deepEqual([Array.from(bytes.ids), bytes.unknown, bytes.height], [[0, 3, 255, 1], 0, 2]);
  const floats = await decodeLabelMap(formatNpy({ shape: [2, 2, 1], data: Float32Array.of(0, 1.5, 2, Number.NaN) }));
  assert.deepEqual([Array.from(floats.ids), floats.unknown], [[0, 65535, 2, 65535], 2]);
  const page = { height: 3, width: 2, samples: 1, bits: 16, values: [0, 1, 2, 3, 4, 500] };
  assert.deepEqual(Array.from((await decodeLabelMap(tiffFile([page]))).ids), page.values);
  await assert.rejects(
    decodeLabelMap(tiffFile([{ ...page, samples: 3, values: new Array(18).fill(1) }])),
    /3 bands where a label map has one/,
  );
  await assert.rejects(
    decodeLabelMap(formatNpy({ shape: [2, 2, 2], data: new Uint8Array(8) })),
    /label map is \[H, W\]/,
  );
  await assert.rejects(
    decodeLabelMap(
      await sharp(noise(1, 8, 8, 3), { raw: { height: 8, width: 8, channels: 3 } })
        .jpeg()
        .toBuffer(),
    ),
    /none of PNG, npy or TIFF/,
  );
});

test('PNG headers that lie are refused before memory is touched', async () => {
  const bytes = pngFile({ height: 64, width: 64, type: 0, depth: 8, samples: new Uint8Array(4096) });
  const lying = (at: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32BE(value, at);
    return decodeLabelMap(copy);
  };
  await assert.rejects(lying(16, 4e9), /more than 134217728/);
  await assert.rejects(lying(16, 0), /size is 0x64/);
  await assert.rejects(lying(20, 1e6), /pixels are truncated/);
  await assert.rejects(lying(20, 8), /more pixels than its header says/);
  await assert.rejects(decodeLabelMap(bytes.subarray(0, -20)), /truncated|damaged/);
  await assert.rejects(decodeLabelMap(bytes.subarray(0, 20)), /truncated|header is missing/);
});

test('damaged label maps are read or refused', async () => {
  const ids = below(16, 400);
  const common = { height: 20, width: 20, samples: ids, filter: (y: number) => y % 5 };
  for (const interlaced of [false, true]) {
    await survives(pngFile({ ...common, type: 3, depth: 4, palette: noise(1, 1, 16, 3), interlaced }), 200, (b) =>
      decodeLabelMap(b),
    );
    await survives(pngFile({ ...common, type: 0, depth: 8, interlaced }), 100, (b) => decodeLabelMap(b));
  }
});

test('real label maps, whole and damaged', async (context) => {
  const folder = needsShared('camvid', context);
  if (!folder) return;
  const seen = new Set<number>();
  const files = readdirSync(join(folder, 'testannot')).filter((name) => name.endsWith('.png'));
  for (const file of files) {
    const bytes = readFileSync(join(folder, 'testannot', file));
    const map = await decodeLabelMap(bytes);
    assert.deepEqual([map.height, map.width, map.unknown], [360, 480, 0]);
    for (const id of map.ids) seen.add(id);
    const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual(map.ids.length * (data.length / map.ids.length), data.length);
    for (let p = 0; p < map.ids.length; p += 97) assert.equal(map.ids[p], data[(p * data.length) / map.ids.length]);
  }
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
  await survives(readFileSync(join(folder, 'testannot', files[0])), 40, (bytes) => decodeLabelMap(bytes));
});
