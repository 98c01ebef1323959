import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { readNpy } from '../../src/data/index.js';
import { type Ended, hip, hipProcess, path, shapesFolder, small } from './program.js';

const golden = fileURLToPath(new URL('../../../test/golden/', import.meta.url));
const [pre, fine] = [path('pre'), path('fine')];
let data: string;
let pretrained: Ended;

/** Asserts that a command succeeded, and gives what it wrote. */
function succeeded({ code, out, err }: Ended): string {
  assert.equal(code, 0, err);
  return out;
}

async function isPicture(file: string): Promise<void> {
  const { width, height, format } = await sharp(file).metadata();
  assert.ok(format === 'png' && width > 300 && height > 100, `${file}: ${format} ${width} x ${height}`);
}

before(async () => {
  data = await shapesFolder('shapes');
  // Cut in the middle: they must be skipped, counted and listed.
  for (const shape of ['disc', 'square', 'stripes']) {
    const whole = await sharp(join(data, shape, '0.png'))
      .jpeg({ quality: 100 })
      .toBuffer();
    writeFileSync(join(data, shape, 'cut.jpg'), whole.subarray(0, whole.length / 2));
  }
  pretrained = await hip('pretrain', '--data', data, '--steps', '9', '--out', pre, ...small);
  succeeded(pretrained);
  succeeded(await hip('finetune', '--from', pre, '--steps', '3', '--out', fine, '--batch-size', '4'));
});

test('pretrain says how it went, lists what it skipped, and draws positions and reconstructions', async () => {
  const out = succeeded(pretrained);
  assert.match(out, /^[23] unreadable files skipped:\n {2}.*\/cut\.jpg: /);
  assert.match(out, /loss +\d\.\d+ after 9 steps\nlocality +\d\.\d{3} of the learned positions \(chance 0\.1\d\d\)/);
  assert.match(out, /Next:\n {2}hip evaluate /);
  for (const picture of ['positions.png', 'reconstructions.png']) await isPicture(join(pre, picture));
  assert.ok(existsSync(join(pre, 'checkpoints/step-00000009/model.safetensors')));
});

test('pretrain prints its plan first', async () => {
  const { code, err } = await hipProcess([
    'pretrain',
    '--data',
    data,
    '--steps',
    '2',
    '--image-size',
    '12',
    '--out',
    path('plan'),
    ...small,
  ]);
  assert.equal(code, 0);
  assert.match(
    err,
    /^hip\/tiny with [\d,]+ parameters on 30 images of .*shapes as image 12x12x3: 144 inputs in 4 groups of 36, of which 5 are visible and 31 dropped\. 2 steps of 4 images, [\d.]+ MFLOP each, on cpu; about [\d.]+ MB of memory \([\d.]+ GB free\)\. Run folder: /,
  );
});

test('Ctrl-C saves, says how to go on, and ends with 130; SIGTERM with 143; --resume goes on from there', async () => {
  const out = path('interrupted');
  const begun = ['pretrain', '--data', data, '--out', out, '--steps', '100000', ...small];
  const first = await hipProcess(begun, /Run folder/);
  assert.equal(first.code, 130, first.err);
  assert.match(
    first.out,
    /^Interrupted at step \d+ and saved in .*: ".*hip pretrain --resume --out .*interrupted" goes on\.\n$/m,
  );
  const second = await hipProcess(['pretrain', '--resume', '--out', out], /Run folder/, 'SIGTERM');
  assert.equal(second.code, 143, second.err);
  const stepOf = ({ out }: Ended) => Number(out.match(/Interrupted at step (\d+)/)?.[1]);
  assert.ok(stepOf(second) >= stepOf(first));
});

test('a run’s folder is never written over', async () => {
  const { code, err } = await hip(
    'pretrain',
    '--data',
    data,
    '--image-size',
    '12',
    '--steps',
    '2',
    '--out',
    pre,
    ...small,
  );
  assert.equal(code, 1);
  assert.match(err, /^error: .*pre holds a run already: add --resume to go on with it, or choose another --out\.\n$/);
});

test('finetune gives the accuracy and draws the confusion; from scratch too', async () => {
  await isPicture(join(fine, 'confusion.png'));
  const scratch = JSON.parse(
    succeeded(
      await hip(
        'finetune',
        '--scratch',
        '--data',
        data,
        '--steps',
        '3',
        '--out',
        path('scratch'),
        '--image-size',
        '12',
        '--json',
        ...small,
      ),
    ),
  );
  assert.deepEqual(scratch.classes, ['disc', 'square', 'stripes']);
  const total = scratch.confusion.flat().reduce((a: number, b: number) => a + b);
  assert.ok(total === scratch.size && scratch.top1 >= 0 && scratch.top1 <= 1);
  const { code, err } = await hip('finetune', '--data', data);
  assert.equal(code, 1);
  assert.match(err, /--from CHECKPOINT, or --scratch/);
});

test('evaluate measures a classifier, or an encoder beside raw values and chance', async () => {
  const classifier = succeeded(await hip('evaluate', fine, '--out', path('confusion.png')));
  assert.match(classifier, /accuracy +\d+\.\d % of \d held-out images \(chance 33\.3 %\)/);
  assert.match(classifier, /true \\ predicted +disc +square +stripes/);
  await isPicture(path('confusion.png'));
  const encoder = JSON.parse(succeeded(await hip('evaluate', pre, '--json')));
  assert.equal(encoder.chance, 1 / 3);
  for (const score of [encoder.linear.features, encoder.linear.raw, encoder.knn.features])
    assert.ok(score >= 0 && score <= 1);
  assert.ok(encoder.linear.blocks.length >= 1);
  for (const { dim, accuracy } of encoder.linear.blocks) assert.ok(dim > 0 && accuracy >= 0 && accuracy <= 1);
  const knn = JSON.parse(succeeded(await hip('evaluate', fine, '--knn', '-k', '3', '--limit', '12', '--json')));
  assert.ok(knn.linear === undefined && knn.knn.k === 3 && knn.train <= 12);
});

test('reconstruct draws data sets and single files', async () => {
  const [a, b] = [join(data, 'disc/1.png'), join(data, 'stripes/2.png')];
  assert.match(succeeded(await hip('reconstruct', pre, a, b, '--out', path('two.png'))), /mean squared error +\d/);
  await isPicture(path('two.png'));
  const report = JSON.parse(
    succeeded(
      await hip('reconstruct', pre, '--count', '3', '--mask-ratio', '0.5', '--out', path('three.png'), '--json'),
    ),
  );
  assert.equal(report.examples, 3);
  const refused = await hip('reconstruct', fine);
  assert.match(refused.err, /is a classifier without a decoder/);
});

test('embed writes features, labels and names of every split', async () => {
  succeeded(await hip('embed', pre, '--out', path('features.npy')));
  const [features, labels] = [
    await readNpy(path('features.train.npy')),
    await readNpy(path('features.train.labels.npy')),
  ];
  assert.deepEqual(features.shape, [labels.shape[0], 16]);
  const names = readFileSync(path('features.train.ids.txt'), 'utf8').trimEnd().split('\n');
  const classes = ['disc', 'square', 'stripes'];
  assert.equal(names.length, labels.shape[0]);
  names.forEach((name, i) => assert.ok(name.includes(`/${classes[Number(labels.data[i])]}/`), name));
  assert.ok(existsSync(path('features.test.npy')));
});

test('visualize draws positions, attention and curves', async () => {
  assert.match(
    succeeded(await hip('visualize', 'positions', pre, '--out', path('positions.png'))),
    /locality +0\.\d+ \(chance 0\.\d+\)/,
  );
  succeeded(await hip('visualize', 'attention', fine, join(data, 'square/0.png'), '--out', path('attention.png')));
  assert.match(
    succeeded(await hip('visualize', 'attention', fine, '--block', '0', '--out', path('attention0.png'))),
    /block +0: 4 groups of 4 latents/,
  );
  succeeded(await hip('visualize', 'curves', pre, fine, '--out', path('curves.png')));
  for (const name of ['positions', 'attention', 'attention0', 'curves']) await isPicture(path(`${name}.png`));
  assert.match((await hip('visualize', 'atention', fine)).err, /did you mean "attention"\?/);
});

test('export writes files that plain ONNX Runtime runs with the same results', async () => {
  const report = JSON.parse(
    succeeded(await hip('export', fine, '--out', path('model.onnx'), '--embed-normalization', '--json')),
  );
  assert.deepEqual(Object.keys(report.outputs), ['logits', 'probabilities']);
  assert.deepEqual(report.inputs.image.shape, [1, 12, 12, 3]);
  assert.ok(report.relativeDifference < 1e-5);
  assert.deepEqual(JSON.parse(report.metadata.classes), ['disc', 'square', 'stripes']);
  assert.ok(readFileSync(path('model.onnx')).includes('embed'));
  const text = succeeded(
    await hip('export', pre, '--task', 'reconstruct', '--batch-size', '2', '--out', path('rec.onnx')),
  );
  assert.match(text, /input +visible +i32 +1x1x5/);
});

test('export in fp16 says what that costs on the images of the training, or on those that are named', async () => {
  const report = JSON.parse(
    succeeded(await hip('export', fine, '--precision', 'fp16', '--out', path('half.onnx'), '--json')),
  );
  assert.equal(report.precision, 'fp16');
  assert.ok(report.weights.bytes < 0.8 * report.weights.fp32);
  assert.ok(report.accuracy.images > 0 && report.accuracy.relativeError < 0.01 && report.accuracy.agreement > 0.6);
  assert.equal(typeof report.accuracy.top1.file, 'number');
  const text = succeeded(
    await hip('export', pre, '--precision', 'fp16', '--data', data, '--limit', '3', '--out', path('half.onnx')),
  );
  assert.match(
    text,
    /fp16 \(weights .* in fp32 .*\)\.\n\nOn 3 examples, .*\nrelative error of the features +0\.\d+ %\nmean cosine +(1\.0|0\.9999)/,
  );
  assert.match(
    (await hip('export', fine, '--precision', 'int8', '--out', path('no.onnx'))).err,
    /^error: This model has no weight matrix large enough for int8 .*\.\n$/,
  );
  for (const flags of [
    ['--precision', 'int6'],
    ['--task', 'embed'],
    ['--precision', 'fp16', '--limit', '0'],
  ]) {
    const { code, err } = await hip('export', fine, '--out', path('no.onnx'), ...flags);
    assert.ok(code !== 0 && /^error: [^\n]+[.?]\n/.test(err), err);
  }
  assert.ok(!existsSync(path('no.onnx')));
});

test('latency times a checkpoint in each precision, and files', async () => {
  const rows = JSON.parse(
    succeeded(await hip('latency', pre, '--precision', 'fp32,fp16', '--batch-size', '2', '--runs', '5', '--json')),
  );
  assert.deepEqual(
    rows.map(({ name, batchSize, runs }: Record<string, unknown>) => [name, batchSize, runs]),
    [
      ['fp32', 2, 5],
      ['fp16', 2, 5],
    ],
  );
  const text = succeeded(await hip('latency', path('model.onnx'), '--runs', '5'));
  assert.match(text, /^file +batch +median .*\n.*model\.onnx +1 +[\d.]+ ms/);
  for (const typed of [
    ['nowhere.onnx'],
    [pre, '--precision', 'fp31'],
    [pre, '--batch-size', 'x'],
    [pre, '--runs', '0'],
  ]) {
    const { code, err } = await hip('latency', ...typed);
    assert.ok(code !== 0 && /^error: [^\n]+[.?]\n/.test(err), err);
  }
});

test('models lists every variant, info counts as the reference does', async () => {
  assert.match(succeeded(await hip('models')), /hip\/16 +100,788,963 +51\.3 GFLOP +arXiv 2202\.10890/);
  const mock = [
    '--dataset',
    'imagenet_image=1024x3,imagenet_label=32x1',
    '--dataset',
    'audioset_audio=128x16,audioset_label=16x16',
  ];
  const counts: [string[], number][] = [
    [['hip/16', '--input', 'image=224x224x3'], 100_788_963],
    [['256', '--input', 'image=224x224x3'], 96_367_411],
    [['hip-16', ...mock], 99_224_996],
    [['HiP/256', ...mock], 95_585_188],
    [['mini', ...mock], 18_709_668],
    [['hip_class_bottleneck/Mini', ...mock], 21_114_788],
  ];
  for (const [argv, expected] of counts) {
    const { parameters } = JSON.parse(succeeded(await hip('info', ...argv, '--json')));
    assert.equal(parameters, expected, argv.join(' '));
  }
  const shown = succeeded(await hip('info', 'tiny', '--input', 'image=32x32x3', '--batch-size', '8'));
  assert.match(shown, /training step +[\d.]+ GFLOP for a batch of 8 examples, in about [\d.]+ MB of memory/);
  assert.match(shown, /block 1 +1 +32 +128 +1x1x32x128/);
  assert.match(succeeded(await hip('info', fine)), /classifier/);
});

test('the stages of a model add up', async () => {
  const { parameters, datasets } = JSON.parse(succeeded(await hip('info', 'hip/16', '--json')));
  const [{ stages, flops }] = datasets;
  const sum = (key: string) => stages.reduce((total: number, stage: Record<string, number>) => total + stage[key], 0);
  assert.equal(sum('parameters'), parameters);
  assert.equal(sum('flops'), flops);
});

test('verify checks cases and tables, and fails for what is not built', async () => {
  const passed = succeeded(
    await hip('verify', `${golden}hip/hip_mae_grad`, `${golden}hip/counts.json`, `${golden}hip/grouping.json`),
  );
  assert.match(
    passed,
    /^ok {4}hip\/hip_mae_grad .*\nok {4}hip\/counts\.json +68 rows equal\nok {4}hip\/grouping\.json +44 rows equal\n3 passed, 0 failed\n$/,
  );
  const table = JSON.parse(readFileSync(`${golden}hip/grouping.json`, 'utf8'));
  table.rows[1].indexDimPerGroup++;
  writeFileSync(path('grouping.json'), JSON.stringify(table));
  const wrong = await hip('verify', path('grouping.json'), path('absent'));
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /FAIL .*row 1 .*\(1 of 44 rows differ\)\nFAIL .*absent.*\n0 passed, 2 failed\n$/);
});

test('doctor tries every device', async () => {
  const { system, devices } = JSON.parse(succeeded(await hip('doctor', '--json')));
  assert.ok(system.cores >= 1);
  assert.deepEqual(
    devices.map((d: { device: string }) => d.device),
    ['cpu', 'webgpu', 'wasm', 'reference'],
  );
  for (const { works, advice } of devices) assert.ok(works || advice);
});
