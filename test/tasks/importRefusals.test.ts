/** What is wrong with a checkpoint is said in one sentence that names the file and the tensor. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  openForeignWeights,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from '../../src/checkpoint/index.js';
import type { Modality } from '../../src/models/index.js';
import { type ImportedModel, importModel } from '../../src/tasks/index.js';
import { type PublishedSource, tinyVit } from './tinyVit.js';

type Tensors = Map<string, StoredTensor>;
const image = (size: number, channels = 3): Modality[] => [{ name: 'image', indexShape: [size, size], channels }];

/** Imports a small ViT in Hugging Face's folder after its tensors, or config, were changed. */
async function imported(
  change: (tensors: Tensors, config: Record<string, unknown>) => void = () => {},
  modalities?: Modality[],
): Promise<ImportedModel> {
  const { tensors, config }: PublishedSource = tinyVit();
  change(tensors, config);
  const folder = mkdtempSync(join(tmpdir(), 'hip-import-'));
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return importModel('vit-folder', await openForeignWeights(folder), { modalities });
}

const refused = async (sentence: RegExp, ...how: Parameters<typeof imported>) =>
  assert.rejects(imported(...how), (error: Error) => {
    assert.match(error.message, sentence);
    assert.equal(error.message.split('\n').length, 1);
    return true;
  });

const HIDDEN = 'vit.encoder.layer.1.intermediate.dense.weight';

test('a whole checkpoint is taken as it is: labels, statistics, size', async () => {
  const { description, taken, shapes, remarks } = await imported();
  assert.deepEqual([taken, remarks], [shapes.size, []]);
  assert.deepEqual(description.classes, ['cat', 'dog']);
  assert.deepEqual(description.modalities, image(16));
  assert.deepEqual([description.head, description.task], ['own', 'classification']);
  assert.deepEqual((description.reader as unknown as { mean: number[] }).mean, [0.5, 0.5, 0.5]);
});

test('a missing, misshapen or spoiled tensor of the encoder is refused by its name', async () => {
  await refused(
    /^vit-folder lacks the tensor vit\.encoder\.layer\.1\.intermediate\.dense\.weight, without which/,
    (t) => t.delete(HIDDEN),
  );
  await refused(
    /^vit-folder: Tensor "vit\.encoder\.layer\.1\.intermediate\.dense\.weight" has the shape \[8\]; the model needs \[24, 12\]/,
    (t) => t.set(HIDDEN, { dtype: 'F32', shape: [8], data: new Float32Array(8) }),
  );
  await refused(
    /^vit-folder holds NaN or infinite values in the tensor vit\.encoder\.layer\.1.* \(1 of 288 values\)/,
    (t) => {
      (t.get(HIDDEN)!.data as Float32Array)[5] = Number.NaN;
    },
  );
});

test('tensors too many are listed and left out', async () => {
  const { remarks } = await imported((t) =>
    t.set('vit.pooler.dense.bias', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }),
  );
  assert.deepEqual(remarks, ['In the checkpoint and not used: the tensor vit.pooler.dense.bias.']);
});

test('half precision is converted, and said', async () => {
  const whole = await imported();
  const half = await imported((tensors) => {
    for (const [name, t] of tensors) {
      // The upper half of a float32 is a bfloat16.
      const bits = new Uint32Array((t.data as Float32Array).slice().buffer);
      tensors.set(name, {
        dtype: 'BF16',
        shape: t.shape,
        data: Uint16Array.from(bits, (b) => b >>> 16),
      } as StoredTensor);
    }
  });
  assert.deepEqual(half.remarks, ['Stored as BF16, and kept as F32 here.']);
  for (const [name, values] of half.parameters)
    values.forEach((v, i) => assert.ok(Math.abs(v - whole.parameters.get(name)![i]) <= 0.01 * Math.abs(v) + 1e-6));
});

test('a config of another family, and one of a family that is not known', async () => {
  await refused(
    /^vit-folder: The checkpoint has no tensor "beit\.embeddings\./,
    (_, config) => (config.model_type = 'beit'),
  );
  await refused(
    /^vit-folder \(config\.json calls it "convnext"\) is of no model that is known by its tensors.* --raw/,
    (_, config) => {
      config.model_type = 'convnext';
    },
  );
});

test('a decoder that is not there begins anew, and is listed', async () => {
  const { remarks, description, parameters } = await imported((tensors, config) => {
    config.model_type = 'vit_mae';
    tensors.delete('classifier.weight');
    tensors.delete('classifier.bias');
  });
  assert.equal(description.system, 'mae');
  assert.match(remarks.join(' '), /begun anew: \d+ tensors \(decoder\.decoder_embed\.weight, .* and \d+ more\)/);
  assert.ok(parameters.get('decoder_prediction/w')!.some((v) => v !== 0));
});

test('images of another size or number of channels: tables are resized and said; no multiple of the patch is refused', async () => {
  const larger = await imported(undefined, image(24));
  assert.deepEqual(larger.remarks, ['The positions were made for 16 x 16 x 3 and resized for 24 x 24 x 3.']);
  assert.equal(larger.parameters.get('positions')!.length, 37 * 12);
  const grey = await imported(undefined, image(16, 1));
  assert.deepEqual(grey.remarks, ['The patch weights were made for 16 x 16 x 3 and resized for 16 x 16 x 1.']);
  const [summed, colours] = [grey, await imported()].map(({ parameters }) => parameters.get('patch_embedding/w')!);
  assert.equal(summed.length, 16 * 12);
  assert.ok(Math.abs(summed[13] - colours[37] - colours[49] - colours[61]) < 1e-6);
  await refused(
    /Images of 18x18 do not divide into patches of 4x4: choose an image size that is a multiple/,
    undefined,
    image(18),
  );
});

test('an index of shards that names an absent file is refused, and a whole one is read', async () => {
  const { tensors, config } = tinyVit();
  const folder = mkdtempSync(join(tmpdir(), 'hip-import-'));
  const [one, two] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const entries = [...tensors];
  await writeSafetensors(join(folder, one), new Map(entries.slice(0, 9)));
  const weightMap = Object.fromEntries(entries.map(([name], i) => [name, i < 9 ? one : two]));
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  await assert.rejects(openForeignWeights(folder), /model-00002-of-00002\.safetensors.* does not exist: download it/);
  await writeSafetensors(join(folder, two), new Map(entries.slice(9)));
  const { parameters } = await importModel(folder, await openForeignWeights(folder));
  assert.deepEqual(parameters, (await imported()).parameters);
});

test('what Hugging Face’s preprocessor says of the pixels is kept', async () => {
  const { tensors, config } = tinyVit();
  const folder = mkdtempSync(join(tmpdir(), 'hip-import-'));
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const preprocessor = { image_mean: [0.1, 0.2, 0.3], image_std: [1, 2, 3], do_center_crop: true };
  const { description } = await importModel(folder, await openForeignWeights(folder), { preprocessor });
  const { mean, std, crop } = description.reader as unknown as { mean: number[]; std: number[]; crop: string };
  assert.deepEqual([mean, std, crop], [[0.1, 0.2, 0.3], [1, 2, 3], 'center']);
  assert.ok(toFloat32((await readSafetensors(join(folder, 'model.safetensors'))).tensors.get(HIDDEN)!).length > 0);
  assert.ok(readFileSync(join(folder, 'config.json')).length > 0);
});
