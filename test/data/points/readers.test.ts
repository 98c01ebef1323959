/** OFF, PLY, tables, npy and npz: the same points whatever the file. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatNpy } from '../../../src/data/npy.js';
import { formatNpz } from '../../../src/data/npz.js';
import { decodePoints, type PointSet } from '../../../src/data/points/index.js';
import { inSharedMemory, survives } from '../damaged.js';
import { needsShared } from '../fixtures.js';

const decode = (content: string | Uint8Array, name = 'cloud'): Promise<PointSet> =>
  decodePoints(inSharedMemory(typeof content === 'string' ? Buffer.from(content) : content), name);
const rows = ({ points, channels }: PointSet) =>
  Array.from({ length: points.length / channels }, (_, i) => [...points.subarray(i * channels, (i + 1) * channels)]);
const refuses = (content: string | Uint8Array, reason: RegExp) => assert.rejects(decode(content), reason);

const SQUARE = [
  [0, 0, 0],
  [1, 0, 0],
  [1, 1, 0],
  [0, 1, 0.5],
];
const TRIANGLES = [0, 1, 2, 0, 2, 3];
const lines = SQUARE.map((p) => p.join(' ')).join('\n');

test('OFF: counts on their own line or the header, comments, polygons as fans', async () => {
  for (const head of ['OFF\n4 1 0\n', 'OFF4 1 0\n', 'OFF 4 1\n', '# made by hand\nOFF # x\n\n4 1 0 # counts\n']) {
    const set = await decode(`${head}${lines}\n4 0 1 2 3 255 0 0\n`);
    assert.deepEqual(rows(set), SQUARE);
    assert.deepEqual([...(set.faces ?? [])], TRIANGLES);
    assert.equal(set.dropped, 0);
  }
  const windows = await decode(`OFF\r\n4 2 0\r\n${lines.replaceAll('\n', '\r\n')}\r\n3 0 1 2\r\n3 0 2 3\r\n`);
  assert.deepEqual([...(windows.faces ?? [])], TRIANGLES);
  const none = await decode(`OFF\n4 0 0\n${lines}`);
  assert.equal(none.faces, undefined);
});

test('COFF, NOFF and STOFF name their channels; colours become 0 … 1', async () => {
  const bytes = await decode('COFF\n2 0 0\n0 0 0 255 0 51 255\n1 2 3 0 0 0 255\n');
  assert.deepEqual(bytes.columns, ['x', 'y', 'z', 'red', 'green', 'blue', 'alpha']);
  assert.ok(Math.abs(rows(bytes)[0][5] - 0.2) < 1e-6);
  const shares = await decode('COFF\n2 0 0\n0 0 0 1 0 0.5\n1 2 3 0 0 0\n');
  assert.deepEqual(rows(shares)[0], [0, 0, 0, 1, 0, 0.5]);
  assert.deepEqual((await decode('NOFF\n1 0 0\n0 0 0 0 0 1\n')).columns, ['x', 'y', 'z', 'nx', 'ny', 'nz']);
  assert.deepEqual((await decode('STOFF\n1 0 0\n0 0 0 .5 .5\n')).columns, ['x', 'y', 'z', 's', 't']);
});

test('OFF that is damaged or lies', async () => {
  await refuses('OFF\n4 1 0\n0.000 0.000 0.000\n', /ends before its vertex 2 of 4/);
  await refuses('OFF\n4000000000 1 0\n0 0 0\n', /claims 4000000000 vertices/);
  await refuses('OFF\n0 0 0\n', /holds no points/);
  await refuses('OFF\n1 1 0\n0 0 0\n3 0 1 2\n', /names point 1 of 1/);
  await refuses('OFF\n1 0 0\n0 zero 0\n', /"zero", no number/);
  await refuses('4OFF\n1 0 0\n0 0 0 0\n', /three dimensions/);
  await refuses('OFF BINARY\n', /binary OFF/);
});

const header = (format: string, more = '') =>
  `ply\nformat ${format} 1.0\ncomment a square\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n${more}element face 1\nproperty list uchar int vertex_indices\nend_header\n`;

function binaryPly(little: boolean): Buffer {
  const body = Buffer.alloc(4 * (12 + 4) + 1 + 16);
  let at = 0;
  const float = (x: number) => (at = little ? body.writeFloatLE(x, at) : body.writeFloatBE(x, at));
  const int = (x: number) => (at = little ? body.writeInt32LE(x, at) : body.writeInt32BE(x, at));
  for (const point of SQUARE) {
    point.forEach(float);
    for (const color of [255, 51, 0]) at = body.writeUInt8(color, at);
    at = body.writeUInt8(7, at);
  }
  at = body.writeUInt8(4, at);
  [0, 1, 2, 3].forEach(int);
  const more = ['red', 'green', 'blue', 'label'].map((name) => `property uchar ${name}\n`).join('');
  return Buffer.concat([Buffer.from(header(`binary_${little ? 'little' : 'big'}_endian`, more)), body]);
}

test('PLY as text and binary of both byte orders', async () => {
  const text = await decode(`${header('ascii')}${lines}\n4 0 1 2 3\n`);
  assert.deepEqual(rows(text), SQUARE);
  assert.deepEqual([...(text.faces ?? [])], TRIANGLES);
  for (const little of [true, false]) {
    const set = await decode(binaryPly(little));
    assert.deepEqual(set.columns, ['x', 'y', 'z', 'red', 'green', 'blue', 'label']);
    assert.deepEqual(
      rows(set).map((row) => row.slice(0, 3)),
      SQUARE,
    );
    assert.ok(Math.abs(rows(set)[2][4] - 0.2) < 1e-6, 'colours of bytes become shares');
    assert.equal(rows(set)[2][6], 7, 'other bytes stay');
    assert.deepEqual([...(set.faces ?? [])], TRIANGLES);
  }
});

test('PLY with lists of vertices, further elements, any types and order', async () => {
  const set = await decode(
    [
      'ply\nformat ascii 1.0\nelement camera 1\nproperty double focal\nelement face 2\nproperty uchar flags',
      'property list uint8 uint vertex_index\nproperty list uchar float texcoord\nelement vertex 3',
      'property int16 quality\nproperty list uchar uint seen\nproperty double z\nproperty double y\nproperty double x\nend_header',
      '3.5\n1 3 0 1 2 2 .5 .5\n0 2 0 1 0\n9 2 1 1 3 2 1\n8 0 6 5 4\n7 1 0 9 8 7\n',
    ].join('\n'),
  );
  assert.deepEqual(set.columns, ['x', 'y', 'z', 'quality']);
  assert.deepEqual(rows(set), [
    [1, 2, 3, 9],
    [4, 5, 6, 8],
    [7, 8, 9, 7],
  ]);
  assert.deepEqual([...(set.faces ?? [])], [0, 1, 2]);
});

test('PLY that is damaged or lies', async () => {
  await refuses('ply\nformat ascii 1.0\n', /does not end in "end_header"/);
  await refuses('ply\nformat morse 1.0\nelement vertex 1\nproperty float x\nend_header\n', /format is "morse"/);
  await refuses('ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1', /no "y"/);
  await refuses('ply\nformat ascii 1.0\nelement vertex 1\nproperty toString x\nend_header\n1', /"toString"/);
  await refuses(header('ascii').replace('vertex 4', 'vertex 4000000000'), /claims 4000000000 of "vertex"/);
  await refuses(binaryPly(true).subarray(0, -3), /list "vertex_indices" claims 4 numbers/);
  await refuses(binaryPly(true).subarray(0, 300), /claims 4 of "vertex"/);
  await refuses(`${header('ascii')}${lines}\n4 0 1 2 4\n`, /names point 4 of 4/);
});

test('tables: blanks, commas, headers, comments, counts', async () => {
  for (const text of [
    lines,
    lines.replaceAll(' ', ','),
    lines.replaceAll(' ', ' ;\t'),
    `# a comment\n\n${lines}\n`,
    `4\n${lines}`,
    `x,y,z\r\n${lines.replaceAll(' ', ',').replaceAll('\n', ',\r\n')}`,
    `// by hand\n! too\n% and so\n${lines.replaceAll('\n', '\n#\n')}`,
  ])
    assert.deepEqual(rows(await decode(text)), SQUARE, text);
  const named = await decode('intensity,"Z",Y,X\n9,3,2,1\n8,6,5,4\n');
  assert.deepEqual(named.columns, ['x', 'y', 'z', 'intensity']);
  assert.deepEqual(rows(named), [
    [1, 2, 3, 9],
    [4, 5, 6, 8],
  ]);
  const marked = await decode(Buffer.from('\uFEFF"Points:0","Points:1","Points:2"\n"1","2","3"\n'));
  assert.deepEqual([rows(marked), marked.columns], [[[1, 2, 3]], ['points:0', 'points:1', 'points:2']]);
  assert.deepEqual((await decode('#X Y Z I\n1 2 3 4\n')).columns, ['x', 'y', 'z', 'i']);
});

test('tables that are damaged, and files of something else', async () => {
  await refuses('1 2 3\n4 5\n', /line 2 has 2 columns where the first has 3/);
  await refuses('1 2\n', /line 1 has 2 columns/);
  await refuses('1 2 3\n1 two 3\n', /line 2 holds "two"/);
  await refuses('a story of a cat\n', /holds no points/);
  await refuses('a story of a cat\nand more of that\n', /line 2 holds "and", no number/);
  await refuses('', /empty/);
  await refuses('\n\n', /holds no points/);
  await refuses(Uint8Array.of(0xff, 0xd8, 0xff, 0, 0, 1), /none of OFF, PLY/);
});

test('points without a place are dropped and counted, with the faces that used them', async () => {
  const set = await decode('OFF\n4 2 0\n0 0 0\nnan 0 0\n1 1 0\n0 1 0\n3 0 1 2\n3 0 2 3\n');
  assert.deepEqual([set.dropped, set.points.length], [1, 9]);
  assert.deepEqual([...(set.faces ?? [])], [0, 1, 2]);
  const table = await decode('0 0 0 nan\n1 -inf 0 1\n1 1 -nan(ind) 3\n');
  assert.deepEqual([table.dropped, table.points.length], [2, 4]);
  await refuses('nan 0 0\n1e99 0 0\n', /none of its 2 points has finite x, y and z/);
});

test('npy and npz: [N, C] of any type of numbers', async () => {
  const flat = SQUARE.flat();
  for (const data of [Float32Array.from(flat), Float64Array.from(flat)])
    assert.deepEqual(rows(await decode(formatNpy({ shape: [4, 3], data }))), SQUARE);
  const integers = await decode(formatNpy({ shape: [2, 3], data: Int16Array.of(1, -2, 3, 4, 5, 6) }));
  assert.deepEqual(rows(integers)[0], [1, -2, 3]);
  const archive = formatNpz(
    new Map<string, any>([
      ['label', { shape: [1], data: Int32Array.of(3) }],
      ['cloud', { shape: [4, 3], data: Float32Array.from(flat) }],
    ]),
  );
  assert.deepEqual(rows(await decode(archive)), SQUARE);
  await refuses(formatNpy({ shape: [3, 4, 3], data: new Float32Array(36) }), /shape is \[3,4,3\]/);
  await refuses(formatNpz(new Map([['label', { shape: [1], data: Int32Array.of(3) }]])), /label \[1\]/);
});

test('damaged files of every kind are read or refused', async () => {
  const ascii = `${header('ascii')}${lines}\n4 0 1 2 3\n`;
  const npy = formatNpy({ shape: [4, 3], data: Float32Array.from(SQUARE.flat()) });
  const npz = formatNpz(new Map([['p', { shape: [4, 3], data: Float32Array.from(SQUARE.flat()) }]]));
  const originals = [
    Buffer.from(`COFF\n4 1 0\n${lines.replaceAll('\n', ' 1 1 0\n')} 1 0 0\n4 0 1 2 3\n`),
    ...[Buffer.from(ascii), binaryPly(true), binaryPly(false), Buffer.from(lines), npy, npz],
  ];
  for (const original of originals) await survives(original, 150, (bytes) => decodePoints(bytes, 'damaged'));
});

test('real clouds, whole and damaged', async (context) => {
  const folder = needsShared('modelnet10', context);
  if (!folder) return;
  const bytes = readFileSync(join(folder, 'chair/test', firstOf(folder)));
  const set = await decodePoints(bytes, 'chair');
  assert.deepEqual([set.points.length, set.channels, set.dropped], [3072, 3, 0]);
  await survives(bytes, 100, (copy) => decodePoints(copy, 'damaged'));
});

function firstOf(folder: string): string {
  return readFileSync(join(folder, 'index.csv'), 'utf8')
    .split('\n')
    .find((line) => line.startsWith('chair/test'))!
    .split(',')[0]
    .replace('chair/test/', '');
}
