import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LazyTensor, readFloat32, readPickledWeights } from '../../src/checkpoint/index.js';
import { openPickledWeights } from '../../src/checkpoint/torch/readPickledWeights.js';
import { archive, dictionary, made, pickle, ramp, refused, tensor, wide, written } from './madeFiles.js';

/** All values as float32, by name, with shapes. */
async function floats(tensors: ReadonlyMap<string, LazyTensor>): Promise<Record<string, [number[], number[]]>> {
  const all: Record<string, [number[], number[]]> = {};
  for (const [name, t] of tensors) all[name] = [t.shape, [...(await readFloat32(t))]];
  return all;
}

test('every element type, from both formats and both versions of PyTorch, converts to float32', async (t) => {
  const files = made('types');
  assert.ok(files.length >= 6);
  const small = ramp(6);
  const whole = small.map((value) => value * 8);
  const absolute = whole.map(Math.abs);
  for (const file of files) {
    const { tensors, remarks } = await openPickledWeights(file);
    assert.deepEqual(
      Object.fromEntries([...tensors].map(([name, { dtype }]) => [name, dtype])),
      {
        float64: 'F64',
        float32: 'F32',
        float16: 'F16',
        bfloat16: 'BF16',
        int64: 'I64',
        int32: 'I32',
        int16: 'I16',
        int8: 'I8',
        uint8: 'U8',
        bool: 'BOOL',
        scalar: 'F32',
        empty: 'F32',
      },
      file,
    );
    assert.deepEqual(
      await floats(tensors),
      {
        float64: [[2, 3], small],
        float32: [[2, 3], small],
        float16: [[2, 3], small],
        bfloat16: [[2, 3], small],
        int64: [[2, 3], whole],
        int32: [[2, 3], whole],
        int16: [[2, 3], whole],
        int8: [[2, 3], whole],
        uint8: [[2, 3], absolute],
        bool: [[2, 3], absolute.map((value) => Math.min(1, value))],
        scalar: [[], [3.5]],
        empty: [[0, 4], []],
      },
      file,
    );
    assert.deepEqual(remarks, ['"complex" is left out: numbers of type complex64 are not read.']);
  }
  t.diagnostic(`${files.length} files`);
});

test('views of shared storages come out in row-major order', async () => {
  const files = made('views');
  assert.ok(files.length >= 6);
  const base = ramp(24);
  const at = (...rows: number[][]) => rows.flatMap((row) => row.map((i) => base[i]));
  for (const file of files) {
    const found = await floats(await readPickledWeights(file));
    const permuted = [0, 1, 2, 3].flatMap((k) => [0, 1].flatMap((i) => [0, 1, 2].map((j) => base[i * 12 + j * 4 + k])));
    assert.deepEqual(
      found,
      {
        whole: [[6, 4], base],
        transposed: [[4, 6], [0, 1, 2, 3].flatMap((c) => [0, 1, 2, 3, 4, 5].map((r) => base[r * 4 + c]))],
        rows: [[2, 4], base.slice(8, 16)],
        columns: [[6, 2], [0, 1, 2, 3, 4, 5].flatMap((r) => [base[4 * r + 1], base[4 * r + 2]])],
        strided: [[3, 2], at([0, 3], [8, 11], [16, 19])],
        expanded: [[3, 4], at([0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3])],
        permuted: [[4, 2, 3], permuted],
        first: [[8], ramp(12).slice(0, 8)],
        second: [[8], ramp(12).slice(4)],
        parameter: [[4], base.slice(4, 8)],
      },
      file,
    );
  }
});

test("the model is found among a training run's belongings, its wrapper's prefix taken off", async () => {
  const files = made('run');
  assert.ok(files.length >= 6);
  for (const file of files) {
    const { tensors, remarks, args } = await openPickledWeights(file);
    assert.deepEqual(await floats(tensors), {
      'embed.weight': [[4, 3], ramp(12)],
      'embed.bias': [[4], ramp(4)],
      'norm.weight': [[4], ramp(4)],
      'norm.bias': [[4], ramp(4)],
      'head.weight': [[2, 4], ramp(8)],
      'head.bias': [[2], ramp(2)],
    });
    assert.deepEqual(args, { model: 'tiny', lr: 1.5e-4, out: '/runs/a', low: -5, text: 'ä' });
    assert.match(remarks.join(' '), /under "model"\..*others under "model_ema".*prefix "module\."/);
    const average = (await openPickledWeights(file, { part: 'model_ema' })).tensors;
    assert.deepEqual((await floats(average))['norm.bias'], [[4], ramp(4).map((value) => 2 * value)]);
    await refused(openPickledWeights(file, { part: 'model_emma' }), /Unknown part .* did you mean "model_ema"\?/);
  }
});

test('attributes of parameters and types that are not read are told apart', async () => {
  const [file] = made('newer');
  const { tensors, remarks } = await openPickledWeights(file);
  assert.deepEqual(await floats(tensors), { attributed: [[3], ramp(3).map(Math.fround)], half: [[4], ramp(4)] });
  assert.deepEqual(remarks, ['"uint16" is left out: numbers of type uint16 are not read.']);
});

test('bytes in either order, and deflated archives', async () => {
  const content = dictionary({ w: tensor({ elements: 4, offset: 1, shape: [3], stride: [1] }) });
  const storage = Buffer.alloc(16);
  [9, 1.5, -2, 1e-3].forEach((value, i) => storage.writeFloatBE(value, 4 * i));
  const big = written('big.pth', archive(content, { 0: storage }, { 'a/byteorder': Buffer.from('big') }));
  assert.deepEqual((await floats(await readPickledWeights(big))).w, [[3], [1.5, -2, 1e-3].map(Math.fround)]);
  const little = Buffer.from(Float32Array.of(9, 1.5, -2, 1e-3).buffer);
  const packed = written('packed.pth', archive(content, { 0: little }, {}, 9));
  assert.deepEqual((await floats(await readPickledWeights(packed))).w, [[3], [1.5, -2, 1e-3].map(Math.fround)]);
  const odd = written('odd.pth', archive(content, { 0: little }, { 'a/byteorder': Buffer.from('middle') }));
  await refused(readPickledWeights(odd), /byte order is neither little nor big/);
});

test('archives with zip64 fields, as those above 4 GiB have', async () => {
  const content = dictionary({ w: tensor({ elements: 2, shape: [2], stride: [1] }) });
  const zip = wide(archive(content, { 0: Buffer.from(Float32Array.of(3, 4).buffer) }));
  assert.deepEqual((await floats(await readPickledWeights(written('wide.pth', zip)))).w, [[2], [3, 4]]);
  for (let cut = 1; cut < 120; cut += 7)
    await refused(readPickledWeights(written('cut.pth', zip.subarray(0, zip.length - cut))), /cut off or damaged/);
});

test('globals that nobody calls do no harm', async () => {
  const content = dictionary({
    callback: pickle('cpytorch_lightning.callbacks\nModelCheckpoint\n'),
    state_dict: pickle(
      '}(',
      ...[Buffer.of(0x58, 1, 0, 0, 0), 'w', tensor({ elements: 1, shape: [1], stride: [1] })],
      'u',
    ),
  });
  const file = written('callback.ckpt', archive(content, { 0: Buffer.from(Float32Array.of(2).buffer) }));
  assert.deepEqual((await floats(await readPickledWeights(file))).w, [[1], [2]]);
});

test('files without weights under names are told so', async () => {
  const one = archive(pickle(0x80, 2, tensor({ elements: 1, shape: [1], stride: [1] }), '.'), { 0: Buffer.alloc(4) });
  await refused(readPickledWeights(written('one.pt', one)), /single tensor and no state dict/);
  await refused(readPickledWeights(written('none.pt', archive(dictionary({})))), /no tensors under names/);
  await refused(readPickledWeights(written('list.pkl', pickle(0x80, 2, '].'))), /a pickle, but none of PyTorch's/);
});
