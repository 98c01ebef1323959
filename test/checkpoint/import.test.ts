import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/checkpoint/index.js';
import { hip, path, shapesFolder, small } from '../cli/program.js';
import { tinyVit } from '../tasks/tinyVit.js';
import { made, ramp } from './madeFiles.js';

const run = made('run.pth')[0];

/** Runs a command line that must succeed, and gives what it wrote. */
async function succeeded(...argv: string[]): Promise<string> {
  const { code, out, err } = await hip(...argv);
  assert.equal(code, 0, err);
  return out;
}

test('import tells what a file holds, and lists it', async () => {
  const out = await succeeded('import', run, '--list');
  assert.match(out, /^format +PyTorch zip\ntensors +6\nvalues +34, 136 B\ntypes +F32 \(6\)\narguments +model tiny\n/);
  assert.match(out, /^The weights are those under "model"\.$/m);
  assert.match(out, /^embed\.weight +F32 +4x3 +12$/m);
  const told = JSON.parse(await succeeded('import', made('types-legacy.pth')[0], '--json', '--list'));
  assert.deepEqual([told.format, told.tensors.length, told.parameters], ['PyTorch legacy', 12, 61]);
});

test('import converts to safetensors under the same names, with config.json', async () => {
  mkdirSync(path('hub'));
  writeFileSync(path('hub', 'pytorch_model.bin'), readFileSync(run));
  writeFileSync(path('hub', 'config.json'), '{"model_type":"vit","architectures":["ViTModel"]}');
  const out = await succeeded('import', path('hub'), '--raw', '--out', path('converted'));
  assert.match(out, /^config\.json +vit, ViTModel$/m);
  const { tensors } = await readSafetensors(path('converted', 'model.safetensors'));
  assert.deepEqual([...(tensors.get('embed.weight') as StoredTensor).data], ramp(12));
  assert.equal(JSON.parse(readFileSync(path('converted', 'config.json'), 'utf8')).model_type, 'vit');
  // In place: safetensors beside what they were made of.
  await succeeded('import', path('hub'), '--raw', '--out', path('hub'));
  assert.deepEqual((await readSafetensors(path('hub', 'model.safetensors'))).tensors, tensors);
});

test('import makes a checkpoint of our own, which the other commands take', async () => {
  const data = await shapesFolder('shapes', 6);
  await succeeded('pretrain', '--data', data, '--steps', '1', '--out', path('run'), '--image-size', '12', ...small);
  const weights = join(path('run'), 'checkpoints/step-00000001/model.safetensors');
  const config = small.filter((_, i) => i < 12);
  const imported = path('imported');
  const out = await succeeded(
    'import',
    weights,
    '--as',
    'hip/tiny',
    '--input',
    'image=12x12x3',
    ...config,
    '--out',
    imported,
  );
  assert.match(out, /hip\/tiny with \d+ parameter tensors\.\nNext:\n {2}hip info /);
  assert.match(await succeeded('info', imported), /^hip\/tiny\n\nparameters +\d/);
  assert.deepEqual(readFileSync(join(imported, 'model.safetensors')), readFileSync(weights));

  const refusals: [string[], RegExp][] = [
    [
      ['import', weights, '--as', 'hip/tiny', '--out', path('never')],
      /does not hold a hip\/tiny for these inputs: .*\d+ tensors of another shape: .* is needed/,
    ],
    [['import', run, '--as', 'hip/tiny', '--out', path('never')], /\d+ parameters not found: /],
    [['import', weights, '--as', 'hip/tiny'], /Say with --out/],
    [['import', weights, '--as', 'hip/tinny', '--out', path('never')], /Unknown hip variant "tinny"/],
    [
      ['import', weights, '--as', 'hip/tiny', '--input', 'image=12x12x3', ...config, '--out', data],
      /holds .*, which a checkpoint would replace/,
    ],
    [['import', imported, '--raw', '--out', imported], /is what is being imported/],
    [['import', run, '--out', path('never')], /run\.pth is of no model that is known by its tensors, such as .* --raw/],
    [['import', path('nowhere')], /nowhere does not exist/],
  ];
  for (const [argv, sentence] of refusals) {
    const { code, err } = await hip(...argv);
    assert.equal(code, 1, argv.join(' '));
    assert.match(err, sentence);
    assert.equal(err.trimEnd().split('\n').length, 1, err);
  }
});

test('values that are no numbers are listed where they are kept, and refused for a model', async () => {
  const data = Float32Array.of(1, Number.NaN);
  const file = path('nan.safetensors');
  await writeSafetensors(file, [['w', { dtype: 'F32', shape: [2], data }]]);
  assert.match(await succeeded('import', file, '--raw', '--out', path('nan')), /"w" holds 1 NaN or infinite value\./);
  assert.deepEqual((await readSafetensors(path('nan', 'model.safetensors'))).tensors.get('w')?.data, data);
});

test('a vision transformer from a folder predicts with its labels, and is given back as it came', async () => {
  const { tensors, config } = tinyVit();
  const folder = path('published');
  mkdirSync(folder);
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  assert.match(await succeeded('import', folder), /^model +vit \(Hugging Face's ViTForImageClassification/m);
  const ours = path('vit-of-others');
  assert.match(await succeeded('import', folder, '--out', ours), /^Written to .*: vit \(Hugging Face's/m);
  assert.match(await succeeded('info', ours), /^classifier .* 1x2 /m);
  const data = await shapesFolder('seen', 1);
  const [picture] = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) => /\.png$/.test(name));
  const said = JSON.parse(await succeeded('predict', ours, join(data, picture), '--json'));
  assert.deepEqual(said.files[0].predictions.map(({ label }: { label: string }) => label).sort(), ['cat', 'dog']);

  const back = path('given-back');
  assert.match(
    await succeeded('export', ours, '--layout', 'hf', '--out', back),
    /40 tensors .* names of Hugging Face's .*: classifier\./,
  );
  const theirs = (await readSafetensors(join(back, 'model.safetensors'))).tensors;
  for (const [name, { data: values }] of tensors) assert.deepEqual(theirs.get(name)?.data, values, name);
  const { model_type: type, id2label } = JSON.parse(readFileSync(join(back, 'config.json'), 'utf8'));
  assert.deepEqual([type, id2label], ['vit', { 0: 'cat', 1: 'dog' }]);
  assert.deepEqual(JSON.parse(readFileSync(join(back, 'preprocessor_config.json'), 'utf8')).size, {
    height: 16,
    width: 16,
  });
  const { code, err } = await hip('export', ours, '--layout', 'keras', '--out', path('never'));
  assert.deepEqual([code, /Unknown layout of vit "keras".*hf/.test(err)], [1, true], err);
});
