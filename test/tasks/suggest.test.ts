/** Recipes made from the data alone lead to inputs that can be read, whatever the kind of signal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatWav } from '../../src/data/audio/index.js';
import { formatNpy } from '../../src/data/index.js';
import { keyFrom, normal, uniform } from '../../src/random/index.js';
import { finetune, taskOf } from '../../src/tasks/index.js';
import {
  modalitiesOf,
  openSplit,
  prepareSignals,
  pretrain,
  resolveRecipe,
  suggestFinetuning,
  suggestPretraining,
  suggestScratch,
} from '../../src/training/index.js';
import { encoded, folderOf, noise, picture } from '../data/fixtures.js';
import { clipFile, greyClip, tone } from '../data/media/fixtures.js';
import { smallHip } from '../smallHip.js';
import { newRun } from '../training/tiny.js';

const wav = (seconds: number, rate = 8000) =>
  formatWav({ rate, channels: 1, samples: normal(keyFrom(1), Math.round(seconds * rate)).map((x) => 0.1 * x) });
const points = (count: number, channels: number) =>
  formatNpy({ shape: [count, channels], data: Float32Array.from(normal(keyFrom(2), count * channels)) });
const raster = (bands: number, side: number) =>
  formatNpy({
    shape: [bands, side, side],
    data: Uint16Array.from(uniform(keyFrom(3), bands * side * side), (x) => 9e3 * x),
  });
const video = () => clipFile('mkv', greyClip(8, 16, 16), { frameRate: 8, sound: tone(1, 44100) });

/** A folder of two classes. */
async function classes(name: string, bytes: Uint8Array): Promise<string> {
  return folderOf(Object.fromEntries(['a/1', 'a/2', 'b/1', 'b/2'].map((stem) => [`${stem}.${name}`, bytes])));
}

const cases: [string, () => Promise<string>, inputs: string[], task: string | undefined][] = [
  ['small pictures', async () => classes('png', await picture(1, 12, 12)), ['image 12x12x3'], 'classification'],
  ['large pictures', async () => classes('png', await picture(1, 100, 80)), ['image 64x64x3'], 'classification'],
  ['short sounds', async () => classes('wav', wav(0.5)), ['audio 4032x1'], 'classification'],
  ['long sounds', async () => classes('wav', wav(4)), ['audio 16384x1'], 'classification'],
  ['point clouds', async () => classes('npy', points(100, 3)), ['points 100x3'], 'classification'],
  ['large point clouds', async () => classes('npy', points(2000, 6)), ['points 1024x6'], 'classification'],
  [
    'videos with sound',
    async () => classes('mkv', await video()),
    ['video 8x32x32x3', 'audio 16000x1'],
    'classification',
  ],
  ['rasters', async () => classes('npy', raster(5, 40)), ['bands 32x32x5'], 'classification'],
  [
    'label maps',
    async () => {
      const map = await encoded(
        new Uint8Array(144).map((_, i) => i % 3),
        12,
        12,
      );
      const files = { 'images/1.png': await picture(1, 12, 12), 'images/2.png': await picture(2, 12, 12) };
      return folderOf({ ...files, 'labels/1.png': map, 'labels/2.png': map });
    },
    ['image 64x64x3'],
    'segmentation',
  ],
];

for (const [name, make, inputs, task] of cases)
  test(`${name} are read as suggested, for pre-training and from scratch`, async () => {
    const path = await make();
    for (const suggestion of [await suggestPretraining(path), await suggestScratch(path)]) {
      const recipe = resolveRecipe(suggestion);
      const { modalities, dataset, reader } = await prepareSignals(recipe);
      const shown = modalities.map((m) => `${m.name} ${[...m.indexShape, m.channels].join('x')}`);
      assert.deepEqual(shown, inputs);
      assert.deepEqual(modalitiesOf(reader), modalities);
      if (task) assert.equal(taskOf(dataset), task);
    }
  });

test('what is fine-tuned is read as it was pre-trained; labelled pictures may become segmented ones', async () => {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < 4; i++) {
    files[`images/${i}.png`] = await encoded(noise(i, 12, 12, 3), 12, 12);
    files[`labels/${i}.png`] = await encoded(
      noise(i, 12, 12, 1).map((x) => x % 3),
      12,
      12,
    );
  }
  const labelled = await folderOf(files);
  const plain = await classes('png', await picture(1, 12, 12));
  const [before, after] = [newRun(), newRun()];
  const small = { 'model.config': JSON.stringify(smallHip), 'training.steps': '1', 'training.batchSize': '2' };
  await pretrain(resolveRecipe(await suggestPretraining(plain), { ...small, 'training.out': before }), { quiet: true });
  const recipe = resolveRecipe(await suggestFinetuning(before, labelled), { ...small, 'training.out': after });
  assert.equal((await openSplit(recipe, 'train')).kind, 'segmentation');
  const { description, score } = await finetune(recipe, { quiet: true });
  for (const kind of [description.task, description.reader?.kind, score?.task]) assert.equal(kind, 'segmentation');
  assert.deepEqual(description.modalities[0].indexShape, [12, 12]);
});

test('another system is suggested in its smallest size, masked as its paper does it, its classes read by its own head', async () => {
  const path = await classes('png', await picture(1, 32, 32));
  for (const system of ['mae', 'fastmim', 'beit', 'dvae'] as const) {
    const recipe = resolveRecipe(await suggestPretraining(path, system));
    assert.deepEqual([recipe.model.name, recipe.model.variant], [system, 'tiny']);
  }
  const { masking } = resolveRecipe(await suggestPretraining(path, 'mae'));
  assert.deepEqual([masking.scheme, masking.ratio, masking.normalizeTargets], ['uniform', 0.75, true]);
  assert.equal(resolveRecipe(await suggestScratch(path, 'vit')).finetune.head, 'own');
  assert.equal(resolveRecipe(await suggestScratch(path)).finetune.head, 'latents');
});
