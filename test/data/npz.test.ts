import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { zipSync } from 'fflate';
import { formatNpy } from '../../src/data/npy.js';
import { formatNpz, readNpz } from '../../src/data/npz.js';
import { survives } from './damaged.js';
import { needsShared } from './fixtures.js';

const ARRAYS = new Map<string, any>([
  ['images', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['labels', { shape: [2], data: BigInt64Array.of(4n, 5n) }],
  ['bands', { shape: [1, 2], data: Int16Array.of(-7, 9) }],
]);

test('arrays come back, stored or deflated, from private and shared memory', () => {
  for (const compress of [true, false]) {
    const bytes = formatNpz(ARRAYS, { compress });
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    for (const copy of [bytes, shared]) {
      const arrays = readNpz(copy);
      assert.deepEqual([...arrays.keys()], ['images', 'labels', 'bands']);
      for (const [name, { shape, data }] of ARRAYS) {
        assert.deepEqual(arrays.get(name)?.shape, shape);
        assert.deepEqual(arrays.get(name)?.data, data);
      }
    }
  }
  assert.deepEqual(formatNpz(ARRAYS), formatNpz(ARRAYS));
});

test('members that are no numbers are left out', () => {
  const text = Buffer.from(formatNpy({ shape: [1], data: Float32Array.of(1) })).toString('latin1');
  const bytes = zipSync({
    'readme.txt': Buffer.from('hello'),
    'names.npy': Buffer.from(text.replace('<f4', '<U1'), 'latin1'),
    'x.npy': formatNpy({ shape: [1], data: Float32Array.of(1) }),
  });
  assert.deepEqual([...readNpz(bytes).keys()], ['x']);
});

test('no archives, and bombs, before memory is touched', () => {
  assert.throws(() => readNpz(Buffer.from('PK no archive'), 'a.npz'), /"a.npz" is no intact zip archive/);
  assert.throws(() => readNpz(new Uint8Array(0)), /no intact zip archive/);
  const zeros = zipSync({ 'zeros.npy': new Uint8Array(1 << 20) });
  const directory = Buffer.from(zeros).lastIndexOf(Buffer.from('PK\x01\x02'));
  const lying = Buffer.from(zeros);
  lying.writeUInt32LE(4e9, directory + 24);
  assert.throws(() => readNpz(lying), /claims that "zeros.npy" inflates from \d+ to 4000000000 bytes, which cannot be/);
  lying.writeUInt32LE(2 ** 20 + 1, directory + 24);
  assert.throws(() => readNpz(lying), /truncated inside "zeros.npy"/);
});

test('damaged archives are read or refused', async () => {
  for (const compress of [true, false]) await survives(formatNpz(ARRAYS, { compress }), 200, (copy) => readNpz(copy));
});

test('what NumPy wrote', (context) => {
  const folder = needsShared('modelnet10', context);
  if (!folder) return;
  const arrays = readNpz(readFileSync(join(folder, 'voxels_train.npz')));
  assert.deepEqual(arrays.get('voxels')?.shape, [3991, 3375]);
  assert.deepEqual(arrays.get('labels')?.shape, [3991]);
});
