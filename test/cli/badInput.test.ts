import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { formatNpy } from '../../src/data/index.js';
import { hip, path, shapesFolder, small } from './program.js';

const run = path('run');
const weights = 'model.safetensors';
let data: string;
let checkpoint: string;

/** Asserts that a command line is refused with one sentence, and nothing else. */
async function refused(argv: string[], sentence: RegExp, code = 1): Promise<void> {
  const ended = await hip(...argv);
  assert.equal(ended.code, code, ended.out);
  assert.equal(ended.out, '');
  const [first, ...rest] = ended.err.trimEnd().split('\n');
  assert.match(first, sentence);
  assert.match(first, /^error: .*[.?]$/);
  assert.ok(rest.length <= (code === 2 ? 1 : 0), ended.err);
}

const pretrain = (folder: string, ...more: string[]) => [
  'pretrain',
  '--data',
  folder,
  '--steps',
  '2',
  '--out',
  path('never'),
  ...small,
  ...more,
];

/** A copy of the checkpoint with one of its files changed. */
function damaged(name: string, change: (file: Buffer) => Buffer | string, file = weights): string {
  const copy = path(name);
  cpSync(checkpoint, copy, { recursive: true });
  writeFileSync(join(copy, file), change(readFileSync(join(copy, file))));
  return copy;
}

before(async () => {
  data = await shapesFolder('shapes', 6);
  const { code, err } = await hip('pretrain', '--data', data, '--steps', '1', '--out', run, ...small);
  assert.equal(code, 0, err);
  checkpoint = join(run, 'checkpoints/step-00000001');
});

test('data that are missing, empty, of one class, unreadable or of the wrong kind', async () => {
  await refused(pretrain(path('missing')), /There is no file or folder ".*missing": check the path\.$/);
  mkdirSync(path('empty'));
  await refused(pretrain(path('empty')), /".*empty" holds no images: give a folder of /);
  await refused(['pretrain'], /Nothing to train on: give a folder of images with --data/);

  cpSync(join(data, 'disc'), path('one/disc'), { recursive: true });
  await refused(
    ['finetune', '--scratch', '--data', path('one'), '--out', path('never'), ...small],
    /has only one class \("disc"\)/,
  );

  mkdirSync(path('huge'));
  writeFileSync(path('huge/a.png'), await hugePng());
  await refused(pretrain(path('huge')), /None of 1 images of ".*huge" can be read \(first: .*exceeds pixel limit/i);

  writeFileSync(path('five.npy'), formatNpy({ shape: [8, 12, 12, 5], data: new Uint8Array(8 * 12 * 12 * 5) }));
  await refused(pretrain(path('five.npy')), /has images of 5 channels where 3 are asked for/);
});

test('values that make no sense', async () => {
  await refused(pretrain(data, '--lr', 'NaN'), /optimizer\.learningRate must be a number above 0, got NaN\.$/);
  await refused(pretrain(data, '--variant', 'tinny'), /Unknown hip variant "tinny": did you mean "tiny"\?$/);
  await refused(pretrain(data, '--model.config.numLatents', '3'), /Unknown hip setting "numLatents"/);
  await refused(
    pretrain(data, '--training.step', '3'),
    /Unknown recipe key "training\.step": did you mean "training\.steps"\?$/,
  );
  await refused(
    pretrain(data, '--batch-size', '1000000000'),
    /A batch of 1000000000 needs about .* GB of memory and .* GB are free: the largest that fits is --batch-size \d+/,
  );
  await refused(['info', 'resnet'], /Unknown model "resnet": choose one of hip\/Mini|hip\/16/);
  await refused(['info', 'tiny', '--input', 'image=3'], /An input is NAME=SIZESxCHANNELS/, 2);
  await refused(['embed', run, '--batch-size', '0'], /--batch-size must be a whole number of at least 1, not 0\.$/);
});

test('checkpoints that are foreign, empty, cut off, or lie', async () => {
  const evaluate = (path: string) => ['evaluate', path];
  await refused(evaluate(path('absent')), /absent does not exist: name a checkpoint folder/);
  await refused(evaluate(data), /shapes/);
  await refused(evaluate(damaged('zero', () => '')), /zero\/model\.safetensors.* empty/);
  await refused(evaluate(damaged('cut', (file) => file.subarray(0, file.length - 40))), /cut\/model\.safetensors/);
  const lying = damaged('lying', (file) => {
    const length = Number(file.readBigUInt64LE());
    const header = file
      .subarray(8, 8 + length)
      .toString()
      .replace(/"data_offsets":\[(\d+),(\d+)\]/, (_, a, b) => `"data_offsets":[${a},${'9'.repeat(b.length)}]`);
    return Buffer.concat([file.subarray(0, 8), Buffer.from(header), file.subarray(8 + length)]);
  });
  await refused(evaluate(lying), /lying\/model\.safetensors/);

  const config = (change: (json: Record<string, unknown>) => object) => (file: Buffer) =>
    JSON.stringify(change(JSON.parse(String(file))));
  const foreign = damaged(
    'foreign',
    config((json) => ({ ...json, model_type: 'vit' })),
    'config.json',
  );
  await refused(evaluate(foreign), /foreign: config\.json describes a "vit" model, not one of Hiperceiver\.$/);
  const variant = damaged(
    'variant',
    config((json) => ({ ...json, variant: 'huge' })),
    'config.json',
  );
  await refused(evaluate(variant), /Unknown hip variant "huge"/);
  const other = damaged(
    'other',
    config((json) => ({ ...json, config: { ...(json.config as object), zIndexDim: [4, 6, 4] } })),
    'config.json',
  );
  await refused(evaluate(other), /other: parameter ".*" holds \d+ numbers where \[6, 16\] is needed\.$/);
});

test('a file that cannot be written leaves what was there', async () => {
  writeFileSync(path('plain'), 'a file');
  await refused(
    ['export', run, '--out', path('plain/model.onnx')],
    /plain\/model\.onnx cannot be written because a file stands where a folder is needed/,
  );
  await refused(['reconstruct', run, '--out', path('plain/r.png')], /plain\/r\.png cannot be written because/);
  await refused(['embed', run, '--out', path('plain/f.npy')], /plain\/f\.train\.npy cannot be written because/);
  assert.equal(readFileSync(path('plain'), 'utf8'), 'a file');
});

test('--debug shows where', async () => {
  const { err } = await hip('evaluate', path('absent'), '--debug');
  assert.match(err, /HiperceiverError: [\s\S]*at .*\.js:\d+/);
});

/** A picture whose header promises 60,000 x 60,000 pixels. */
async function hugePng(): Promise<Buffer> {
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  png.writeUInt32BE(60000, 16);
  png.writeUInt32BE(60000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

/** The checksum of a PNG's parts. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
