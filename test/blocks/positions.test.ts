import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fourierFeatures, fourierFeaturesAt, gridPositions, sincos1d, sincos2d } from '../../src/nn/positionTables.js';
import { type InterpolationMode, interpolate, resizePositions } from '../../src/nn/resizeTable.js';
import { keyFrom, normal } from '../../src/random/index.js';
import { assertClose, goldenCase, repositoryRoot } from './goldenCase.js';

const shared = join(repositoryRoot, '..', 'shared', 'golden');
const needsShared = existsSync(shared) ? {} : { skip: 'needs ../shared/golden' };
const modes: InterpolationMode[] = ['nearest', 'nearest-exact', 'linear', 'cubic'];

test('sine-cosine tables equal the reference', () => {
  const {
    json: { config },
    expectClose,
  } = goldenCase('sincos_tables');
  const table = sincos2d(config.dim, config.grid);
  assert.deepEqual([table.rows, table.channels], [12, 16]);
  expectClose('output.sincos_2d_mae', table.data);
  expectClose('output.sincos_1d', sincos1d(7, config.dim).data);
  assert.deepEqual(sincos1d([0, 1, 2], 8), sincos1d(3, 8));
  assert.throws(() => sincos2d(18, [2, 2]), /divisible by 4, not 18/);
});

test('sine-cosine tables of long grids and table resizing equal the references', needsShared, () => {
  const audio = goldenCase('sincos_pos_embed', join(shared, 'audio_mae'));
  audio.expectClose('output.mae_table_8x64_dim32', withClassRow(sincos2d(32, [8, 64]).data, 32));
  audio.expectClose('output.table_64x8_dim32', withClassRow(sincos2d(32, [64, 8]).data, 32));
  const mae = goldenCase('position_tables', join(shared, 'mae'));
  const table = mae.floats('input.posEmbed');
  mae.expectClose('output.resize7', resizePositions(table, [4, 4], [7, 7], 'cubic', 1));
  mae.expectClose('output.resize3', resizePositions(table, [4, 4], [3, 3], 'cubic', 1));
});

test('Fourier features equal the Perceiver reference', needsShared, () => {
  const {
    json: { config },
    floats,
    expectClose,
  } = goldenCase('fourier_features', join(shared, 'perceiver'));
  for (const { name, index_dims, num_bands, max_resolution, concat_pos, sine_only, pos } of config.variants) {
    const resolution = max_resolution ?? undefined;
    const { data } = pos
      ? fourierFeaturesAt(floats(`input.${pos}`), index_dims.length, num_bands, resolution, concat_pos, sine_only)
      : fourierFeatures(index_dims, num_bands, resolution, concat_pos, sine_only);
    expectClose(`output.${name}`, data);
  }
});

test('Fourier features: channel order, size, symmetric grid', () => {
  const { data, rows, channels } = fourierFeatures([3, 5], 2, [4, 6]);
  assert.deepEqual([rows, channels, data.length], [15, 10, 150]);
  const [y, x] = [-1, -0.5];
  const angles = [y, 2 * y, x, 3 * x].map((cycles) => Math.PI * cycles);
  assertClose(data.subarray(10, 20), [y, x, ...angles.map(Math.sin), ...angles.map(Math.cos)], 0, 1e-6, 'point (0, 1)');
  assert.deepEqual([...gridPositions([2, 3])], [-1, -1, -1, 0, -1, 1, 1, -1, 1, 0, 1, 1]);
  assert.equal(fourierFeatures([224, 224], 64).channels, 258);
  assert.throws(() => fourierFeatures([3, 5], 2, [4]), /one resolution for each of 2 axes/);
});

test('interpolation equals the reference', () => {
  const { tensors, floats, expectClose } = goldenCase('interpolate');
  const { shape } = tensors['input.x'];
  const resize = (height: number, width: number, mode: InterpolationMode) => {
    const result = interpolate(floats('input.x'), shape, { 2: height, 3: width }, mode);
    assert.deepEqual(result.shape, [1, 6, height, width]);
    return result.data;
  };
  expectClose('output.bicubic_7x5', resize(7, 5, 'cubic'));
  expectClose('output.bilinear_7x5', resize(7, 5, 'linear'));
  expectClose('output.bicubic_down_3x2', resize(3, 2, 'cubic'));
  expectClose('output.nearest_8x8', resize(8, 8, 'nearest'));
});

test('resizing to the same size is the identity, and constants stay constant', () => {
  const table = normal(keyFrom(3), 2 * 3 * 4 * 5);
  for (const mode of modes) {
    assert.deepEqual(resizePositions(table, [2, 3, 4], [2, 3, 4], mode), table);
    const constant = interpolate(new Float32Array(24).fill(2.5), [2, 3, 4], { 0: 5, 1: 2, 2: 9 }, mode);
    assert.deepEqual(constant.shape, [5, 2, 9]);
    assertClose(constant.data, new Array(90).fill(2.5), 0, 1e-6, mode);
  }
});

test('the axes do not depend on each other', () => {
  const volume = normal(keyFrom(4), 3 * 4 * 5);
  for (const mode of modes) {
    const together = interpolate(volume, [3, 4, 5], { 0: 6, 1: 2, 2: 7 }, mode).data;
    const width = interpolate(volume, [3, 4, 5], { 2: 7 }, mode);
    const height = interpolate(width.data, width.shape, { 1: 2 }, mode);
    assertClose(interpolate(height.data, height.shape, { 0: 6 }, mode).data, together, 1e-5, 1e-6, mode);
  }
});

test('linear resizing keeps a ramp, and nearest differs from nearest-exact as documented', () => {
  const ramp = Float32Array.from([0, 1, 2, 3]);
  assert.deepEqual([...interpolate(ramp, [4], { 0: 8 }, 'linear').data], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]);
  assert.deepEqual([...interpolate(ramp, [4], { 0: 2 }, 'nearest').data], [0, 2]);
  assert.deepEqual([...interpolate(ramp, [4], { 0: 2 }, 'nearest-exact').data], [1, 3]);
});

test('a class row is copied, and impossible sizes are refused', () => {
  const table = normal(keyFrom(5), (1 + 4) * 3);
  const resized = resizePositions(table, [2, 2], [3, 5], 'cubic', 1);
  assert.equal(resized.length, (1 + 15) * 3);
  assert.deepEqual(resized.subarray(0, 3), table.subarray(0, 3));
  assert.throws(() => resizePositions(table, [3, 3], [5, 5]), /does not divide into 9 rows/);
  assert.throws(() => resizePositions(table, [2, 2], [4], 'cubic', 1), /the same number of axes/);
  assert.throws(() => interpolate(table, [15], { 1: 2 }, 'cubic'), /axis 1 does not exist/);
  assert.throws(() => interpolate(table, [15], { 0: 0 }, 'linear'), /cannot be resized to 0/);
  assert.throws(() => interpolate(table, [15], { 0: 4 }, 'cubik' as InterpolationMode), /did you mean "cubic"\?/);
});

function withClassRow(table: Float32Array, dim: number): Float32Array {
  const out = new Float32Array(dim + table.length);
  out.set(table, dim);
  return out;
}
