import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeFileAtomic } from '../../src/checkpoint/index.js';
import { formatNpy, type NpyArray, parseNpy, readNpy } from '../../src/data/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import { folderOf, needsShared } from './fixtures.js';

const arrays: NpyArray[] = [
  { dtype: '|u1', shape: [2, 3], data: Uint8Array.of(0, 1, 2, 253, 254, 255) },
  { dtype: '|b1', shape: [4], data: Uint8Array.of(1, 0, 0, 1) },
  { dtype: '<u2', shape: [2], data: Uint16Array.of(1, 65535) },
  { dtype: '<i4', shape: [3, 1], data: Int32Array.of(-1, 0, 2147483647) },
  { dtype: '<i8', shape: [2], data: BigInt64Array.of(-5n, 2n ** 40n) },
  { dtype: '<f4', shape: [2, 1, 2], data: Float32Array.of(1.5, -0, Infinity, 1e-38) },
  { dtype: '<f8', shape: [], data: Float64Array.of(Math.PI) },
  { dtype: '<f4', shape: [0, 7], data: new Float32Array(0) },
];

test('an array written to npy reads back the same, of every type and rank', async () => {
  const folder = await folderOf({});
  for (const array of arrays) {
    await writeFileAtomic(join(folder, 'a.npy'), formatNpy(array));
    assert.deepEqual(await readNpy(join(folder, 'a.npy')), array);
  }
  assert.deepEqual(await readdir(folder), ['a.npy'], 'no temporary file is left');
});

test('data start at a multiple of 64 bytes, as NumPy writes them', () => {
  const bytes = formatNpy({ shape: [1000, 10], data: new Float32Array(10000) });
  assert.equal((bytes.length - 40000) % 64, 0);
  assert.equal(bytes[bytes.length - 40001], 10, 'the header ends in a newline');
});

test('version 2 headers and data off the natural alignment are read', () => {
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } \n";
  const header = Buffer.concat([
    Buffer.from('\x93NUMPY\x02\x00', 'latin1'),
    Buffer.from(Uint32Array.of(text.length).buffer),
    Buffer.from(text),
  ]);
  const file = Buffer.concat([header, Buffer.from(Float32Array.of(3, 4).buffer)]);
  assert.deepEqual([...parseNpy(file).data], [3, 4]);
});

test('what is not a C-order npy of a known type is refused in one sentence', () => {
  const good = formatNpy({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
  const changed = (from: string, to: string) =>
    Buffer.from(Buffer.from(good).toString('latin1').replace(from, to), 'latin1');
  const cases: [Uint8Array, RegExp][] = [
    [good.subarray(0, good.length - 1), /truncated/],
    [good.subarray(0, 40), /truncated inside its header/],
    [good.subarray(0, 5), /not an npy file/],
    [new Uint8Array(0), /not an npy file/],
    [changed('False', 'True '), /Fortran order/],
    [changed('<f4', '>f4'), />f4.*not read/],
    [changed('<f4', '|O8'), /\|O8.*not read/],
    [changed('(2, 3)', '(2, 9)'), /truncated/],
    [changed('(2, 3)', '(2, 1)'), /too long/],
    [changed('(2, 3)', '(2,-3)'), /invalid shape/],
    [changed("'shape'", "'shake'"), /no valid npy header/],
    [changed('\x01\x00', '\x07\x00'), /version 7/],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(
      () => parseNpy(bytes, 'x.npy'),
      (error: Error) =>
        error instanceof HiperceiverError && message.test(error.message) && error.message.includes('x.npy'),
    );
  }
  assert.throws(() => formatNpy({ shape: [2, 2], data: new Float32Array(3) }), /does not fill the shape/);
});

test("NumPy's own files are read", async (context) => {
  const folder = needsShared('satellite', context);
  if (!folder) return;
  const bands = await readNpy(join(folder, 'landsat5_para/bands.npy'));
  assert.deepEqual([bands.dtype, bands.shape.length, bands.shape[0]], ['|u1', 3, 7]);
  const reflectance = await readNpy(join(folder, 'sentinel2_para/bands.npy'));
  assert.equal(reflectance.dtype, '<u2');
});
