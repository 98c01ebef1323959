/** Mixed examples in training: soft labels, the hard path where nothing is mixed, and runs that resume to the byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { average, mixBatch } from '../../src/data/index.js';
import { evaluate } from '../../src/engine/index.js';
import { Graph, type Values } from '../../src/graph/index.js';
import { initialize, PARAMETER } from '../../src/nn/index.js';
import { fold, keyFrom } from '../../src/random/index.js';
import { classificationObjective, finetune, taggingObjective } from '../../src/tasks/index.js';
import { type PartialRecipe, pretrain, type Recipe } from '../../src/training/index.js';
import { checkpointDigests, newRun, noiseBatch, pictureFolder, tinyDescription, tinyRecipe } from '../training/tiny.js';

const description = { ...tinyDescription(tinyRecipe('')), classes: ['a', 'b', 'c'] };
const labels = [0, 1, 2, 1];
const key = keyFrom(1);

test('nothing mixed: hard labels, and signals as they are', () => {
  const { feeds } = classificationObjective(description, { labelSmoothing: 0.1 }, 4);
  const batch = noiseBatch(4, 1, labels);
  const fed = feeds(batch, key);
  assert.deepEqual([...(fed.labels as Int32Array)], labels);
  assert.equal(fed.image, batch.signals.image);
  assert.ok(!('softLabels' in fed));
});

test('the loss of mixed examples is that of either label by its share, smoothing included', () => {
  const options = { labelSmoothing: 0.1 };
  const hard = classificationObjective(description, options, 4);
  const values = initialize(hard.needs.parameters, keyFrom(3));
  const parameters = Object.fromEntries([...values].map(([name, own]) => [PARAMETER + name, own]));
  const lossOf = ({ loss }: typeof hard, feeds: Record<string, Values>) =>
    evaluate(Graph.of({ loss }), { ...parameters, ...feeds }).get('loss')![0];
  const batch = noiseBatch(4, 1, labels);
  for (const mix of [{ mixup: 0.8 }, { cutmix: 1 }]) {
    const soft = classificationObjective(description, { ...options, ...mix }, 4);
    const fed = soft.feeds(batch, key);
    assert.deepEqual(fed, soft.feeds(batch, key));
    const { signals, share } = mixBatch(batch, description.modalities, mix, fold(key, 'mix'));
    assert.deepEqual(fed.image, signals.image);
    const lossWith = (own: number[]) =>
      lossOf(hard, hard.feeds({ ...batch, signals, labels: Int32Array.from(own) }, key));
    const expected = share * lossWith(labels) + (1 - share) * lossWith([...labels].reverse());
    assert.ok(Math.abs(lossOf(soft, fed) - expected) < 1e-5);
    // As accurate counts the class of the larger part.
    const larger = share >= 0.5 ? labels : [...labels].reverse();
    assert.deepEqual([...(fed.labels as Int32Array)], larger);
  }
});

test('tags are mixed as their examples are', () => {
  const tagged = { ...description, task: 'tagging' as const };
  const tags = Float32Array.of(1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0);
  const fed = taggingObjective(tagged, { labelSmoothing: 0, mixup: 0.8 }, 4).feeds({ ...noiseBatch(4, 1), tags }, key);
  const { share } = mixBatch(noiseBatch(4, 1), description.modalities, { mixup: 0.8 }, fold(key, 'mix'));
  assert.deepEqual(fed.tags, average(tags, 4, share));
});

/** Everything that may happen to images, by two decoding threads. */
function everything(path: string, training: PartialRecipe['training'], augment: PartialRecipe['augment']): Recipe {
  return tinyRecipe(path, {
    task: 'finetune',
    data: { crop: 'randomResized', flip: true, workers: 2 },
    augment: { randAugment: 9, colorJitter: [0.8, 0.8, 0.8, 0.2], grayscale: 0.2, erase: 0.25, ...augment },
    finetune: { labelSmoothing: 0.1 },
    optimizer: { schedule: 'constant' },
    training: { accumulation: 2, emaDecay: 0.9, ...training },
  });
}

test('with every augmentation a resumed fine-tuning ends with the bytes of an undisturbed one', async () => {
  const path = await pictureFolder();
  const mix = { mixup: 0.8, cutmix: 1 };
  const [whole, parts, plain] = [newRun(), newRun(), newRun()];
  const quiet = { quiet: true };
  const undisturbed = await finetune(everything(path, { steps: 5, out: whole }, mix), quiet);
  await finetune(everything(path, { steps: 3, out: parts }, mix), quiet);
  const resumed = await finetune(everything(path, { steps: 5, out: parts, resume: true }, mix), quiet);
  assert.deepEqual(checkpointDigests(resumed.checkpoint), checkpointDigests(undisturbed.checkpoint));
  const unmixed = await finetune(everything(path, { steps: 5, out: plain }, {}), quiet);
  assert.notEqual(unmixed.loss, undisturbed.loss);
});

test('pre-training has no labels to mix', async () => {
  const recipe = everything(await pictureFolder(), { out: newRun() }, { mixup: 0.8 });
  await assert.rejects(pretrain(recipe, { quiet: true }), /augment\.mixup .* pre-training has none: set them to 0/);
});
