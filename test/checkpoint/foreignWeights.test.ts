import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  matchNames,
  matchRemarks,
  openForeignWeights,
  readFloat32,
  readMatched,
  readSafetensors,
  renamed,
  type StoredTensor,
  writeRenamed,
  writeSafetensors,
} from '../../src/checkpoint/index.js';
import { archive, dictionary, made, path, ramp, refused, tensor, written } from './madeFiles.js';

const f32 = (...values: number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const config = { model_type: 'vit', architectures: ['ViTModel'], hidden_size: 2 };
const run = made('run.pth')[0];

/** A new folder with files in it. */
function folderOf(name: string, files: Record<string, string | Uint8Array>): string {
  mkdirSync(path(name));
  for (const [file, content] of Object.entries(files)) writeFileSync(path(name, file), content);
  return path(name);
}

test('a folder from the hub, in safetensors or in PyTorch’s format, with its config', async () => {
  const safe = folderOf('safe', { 'config.json': JSON.stringify(config) });
  await writeSafetensors(join(safe, 'model.safetensors'), [['a', f32(1, 2)]]);
  for (const place of [safe, join(safe, 'model.safetensors')]) {
    const weights = await openForeignWeights(place);
    assert.equal(weights.format, 'safetensors');
    assert.deepEqual(weights.config, config);
    assert.deepEqual(await readFloat32(weights.tensors.get('a')!), Float32Array.of(1, 2));
  }
  const torch = folderOf('torch', { 'config.json': JSON.stringify(config), 'pytorch_model.bin': readFileSync(run) });
  const weights = await openForeignWeights(torch);
  assert.deepEqual([weights.format, weights.tensors.size, weights.config], ['PyTorch zip', 6, config]);
  // Of several formats safetensors comes first; a file of another name has no config of its own.
  copyFileSync(run, join(safe, 'pytorch_model.bin'));
  assert.equal((await openForeignWeights(safe)).format, 'safetensors');
  copyFileSync(run, join(safe, 'other.pth'));
  assert.equal((await openForeignWeights(join(safe, 'other.pth'))).config, undefined);
});

test('a folder with one file of weights under any name, and one with several', async () => {
  const folder = folderOf('any', { 'mae_pretrain.pth': readFileSync(run), 'README.md': '' });
  assert.equal((await openForeignWeights(folder)).tensors.size, 6);
  writeFileSync(join(folder, 'other.pt'), readFileSync(run));
  await refused(
    openForeignWeights(folder),
    /holds several files of weights \(mae_pretrain\.pth, other\.pt\): name one/,
  );
  await refused(openForeignWeights(folderOf('empty', {})), /empty holds no weights: neither model\.safetensors, /);
  await refused(openForeignWeights(path('absent')), /absent does not exist/);
});

test('shards of either format, and indices that lie', async () => {
  const shards = folderOf('shards', { 'config.json': JSON.stringify(config) });
  await writeSafetensors(join(shards, 'one.safetensors'), [['a', f32(1)]]);
  await writeSafetensors(join(shards, 'two.safetensors'), [
    ['b', f32(2)],
    ['c', f32(3)],
  ]);
  const index = (places: object, name = 'model.safetensors.index.json') =>
    writeFileSync(join(shards, name), JSON.stringify({ metadata: {}, weight_map: places }));
  index({ b: 'two.safetensors', a: 'one.safetensors' });
  const weights = await openForeignWeights(shards);
  assert.deepEqual([[...weights.tensors.keys()], weights.config], [['b', 'a'], config]);
  assert.deepEqual(weights.remarks, ['two.safetensors holds 1 more tensors, which the index does not name.']);
  index({ a: 'one.safetensors', b: 'three.safetensors', c: 'four.safetensors' });
  await refused(
    openForeignWeights(shards),
    /three\.safetensors, one of the 3 shards that .* names, does not exist: download it and the 1 others/,
  );
  index({ a: 'two.safetensors' });
  await refused(openForeignWeights(shards), /two\.safetensors lacks the tensor "a" that .*index\.json places there/);
  index({ a: '../one.safetensors' });
  await refused(openForeignWeights(shards), /no file of weights of its folder/);
  index({});
  await refused(openForeignWeights(shards), /names no tensors/);
  writeFileSync(join(shards, 'model.safetensors.index.json'), '{"weight_map":[]}');
  await refused(openForeignWeights(shards), /no index of shards/);

  rmSync(join(shards, 'model.safetensors.index.json'));
  copyFileSync(run, join(shards, 'pytorch_model-1.bin'));
  index({ 'head.bias': 'pytorch_model-1.bin' }, 'pytorch_model.bin.index.json');
  const pickled = await openForeignWeights(shards);
  assert.deepEqual([...(await readFloat32(pickled.tensors.get('head.bias')!))], ramp(2));
});

test('files that are something else are called by their name', async () => {
  const html = written('page.pth', '<!DOCTYPE html><html><body>Not found</body></html>');
  await refused(openForeignWeights(html), /page\.pth is no safetensors file/);
  await refused(openForeignWeights(written('lfs.bin', 'version https://git-lfs.github.com/spec/v1\noid')), /Git LFS/);
  await refused(openForeignWeights(written('zero.pth', '')), /zero\.pth is empty/);
  await refused(openForeignWeights(written('h5.bin', '\x89HDF\r\n\x1a\n0000')), /safetensors file/);
  const { zipSync } = await import('fflate');
  const plain = zipSync({ 'notes.txt': Buffer.from('a') });
  await refused(openForeignWeights(written('notes.pt', plain)), /zip archive without data\.pkl/);
  const script = archive(dictionary({}), {}, { 'a/constants.pkl': Buffer.from('') });
  await refused(openForeignWeights(written('script.pt', script)), /TorchScript program/);
});

test('a safetensors file whose header’s length looks like a pickle is read as what it is', async () => {
  const file = path('length.safetensors');
  for (let padding = 0; padding < 2000; padding++) {
    await writeSafetensors(file, [['a', f32(4)]], { note: 'x'.repeat(padding) });
    if (readFileSync(file)[0] === 0x80) break;
  }
  assert.equal(readFileSync(file)[0], 0x80);
  assert.deepEqual([...(await readFloat32((await openForeignWeights(file)).tensors.get('a')!))], [4]);
});

test('names are matched by a table; what does not fit is listed', async () => {
  const content = dictionary({
    'enc.w': tensor({ elements: 4, shape: [2, 2], stride: [2, 1] }),
    'enc.b': tensor({ elements: 4, shape: [3], stride: [1] }),
    extra: tensor({ elements: 4, shape: [1], stride: [1] }),
  });
  const file = written('names.pth', archive(content, { 0: Buffer.from(Float32Array.of(1, 2, 3, 4).buffer) }));
  const { tensors } = await openForeignWeights(file);
  const expected = new Map([
    ['encoder/w', [2, 2]],
    ['encoder/b', [2]],
    ['head/w', [2]],
    ['ours/only', [1]],
  ]);
  const table = (name: string) =>
    name.startsWith('ours') ? undefined : name.replace('encoder/', 'enc.').replace('/', '.');
  const match = matchNames(expected, tensors, table);
  assert.deepEqual([...match.taken], [['encoder/w', 'enc.w']]);
  assert.deepEqual(match.missing, ['head/w', 'ours/only']);
  assert.deepEqual(match.unexpected, ['extra']);
  assert.deepEqual(match.wrongShape, [{ name: 'encoder/b', foundAs: 'enc.b', expected: [2], found: [3] }]);
  assert.deepEqual(matchRemarks(match), [
    '2 parameters not found: head/w, ours/only.',
    '1 tensor not used: extra.',
    '1 tensor of another shape: enc.b [3] where [2] is needed.',
  ]);
  assert.deepEqual(await readMatched(match, tensors, file), new Map([['encoder/w', Float32Array.of(1, 2, 3, 4)]]));
});

test('NaN and infinite values are refused, each tensor listed with its count', async () => {
  const file = path('nan.safetensors');
  const half: StoredTensor = { dtype: 'F16', shape: [2], data: Uint16Array.of(0x7e00, 0x3c00) };
  await writeSafetensors(file, [
    ['good', f32(1)],
    ['bad', f32(Number.NaN, 1, Number.POSITIVE_INFINITY)],
    ['half', half],
  ]);
  const { tensors } = await openForeignWeights(file);
  const expected = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  await refused(
    readMatched(matchNames(expected, tensors), tensors, file),
    /holds NaN or infinite values in 2 tensors: bad \(2 of 3 values\), half \(1 of 2 values\): use another/,
  );
});

test('ours under other names and back is the same byte for byte', async () => {
  const ours = new Map<string, StoredTensor>([
    [
      'blocks/0/w',
      {
        dtype: 'F32',
        shape: [2, 2],
        data: new Float32Array(Uint32Array.of(0x7fc12345, 1, 0x80000000, 0x3f800001).buffer),
      },
    ],
    ['blocks/0/b', { dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) }],
    ['steps', { dtype: 'I64', shape: [], data: BigInt64Array.of(2n ** 60n) }],
    ['half', { dtype: 'BF16', shape: [2], data: Uint16Array.of(1, 0xffff) }],
  ]);
  const names = new Map([
    ['blocks/0/w', 'layer.0.weight'],
    ['blocks/0/b', 'layer.0.bias'],
    ['steps', 'z'],
    ['half', 'a'],
  ]);
  const table = (name: string) => names.get(name);
  const [first, theirs, back] = ['first', 'theirs', 'back'].map((name) => path(`${name}.safetensors`));
  await writeRenamed(first, ours, (name) => name);
  await writeRenamed(theirs, (await readSafetensors(first)).tensors, table);
  const found = (await openForeignWeights(theirs)).tensors;
  assert.deepEqual([...found.keys()].sort(), ['a', 'layer.0.bias', 'layer.0.weight', 'z']);
  const match = matchNames(new Map([...ours].map(([name, { shape }]) => [name, shape])), found, table);
  assert.deepEqual([match.missing, match.unexpected, match.wrongShape], [[], [], []]);
  await writeRenamed(
    back,
    new Map([...match.taken].map(([name, foundAs]) => [name, found.get(foundAs)!])),
    (name) => name,
  );
  assert.deepEqual(readFileSync(back), readFileSync(first));
  assert.throws(() => renamed(ours, () => 'same'), /"blocks\/0\/w" and "blocks\/0\/b" would both be called "same"/);
  assert.throws(() => renamed(ours, () => undefined), /"blocks\/0\/w" has no name in the layout/);
});
