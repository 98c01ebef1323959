import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRecipe, defineRecipe, type PartialRecipe } from '../../src/training/recipe.js';
import { resolveRecipe } from '../../src/training/resolveRecipe.js';

/** The message with which a recipe or its overrides are refused. */
function refusal(partial: unknown, overrides: Record<string, string> = {}): string {
  try {
    resolveRecipe(partial as PartialRecipe, overrides);
  } catch (error) {
    assert.equal((error as Error).name, 'HiperceiverError');
    return (error as Error).message;
  }
  return assert.fail('nothing was refused');
}

const override = (key: string, typed: string) => refusal({}, { [key]: typed });

test('the defaults are a valid recipe, and are not changed by resolving', () => {
  const before = structuredClone(defaultRecipe);
  const recipe = resolveRecipe();
  assert.deepEqual(recipe, defaultRecipe);
  recipe.optimizer.betas[0] = 0;
  recipe.model.config.depth = 1;
  assert.deepEqual(defaultRecipe, before);
});

test('overrides go before the recipe file, and the file before the defaults', () => {
  const file = defineRecipe({ name: 'x', training: { steps: 7, batchSize: 5 }, optimizer: { betas: [0.8, 0.9] } });
  const recipe = resolveRecipe(file, { 'training.steps': '9' });
  assert.equal(recipe.name, 'x');
  assert.equal(recipe.training.steps, 9);
  assert.equal(recipe.training.batchSize, 5);
  assert.equal(recipe.training.seed, defaultRecipe.training.seed);
  assert.deepEqual(recipe.optimizer.betas, [0.8, 0.9]);
  assert.equal(file.training?.steps, 7);
});

test('values that are undefined leave the default', () => {
  const recipe = resolveRecipe({ training: { steps: undefined }, data: undefined });
  assert.deepEqual(recipe, defaultRecipe);
});

test('typed values become numbers, switches, texts, lists and objects', () => {
  const recipe = resolveRecipe(
    {},
    {
      'optimizer.learningRate': '3e-3',
      'data.flip': 'false',
      'data.path': '123',
      'data.workers': '-1',
      'data.mean': '0.5,0.4,0.3',
      'data.std': '[1, 1, 2]',
      'data.imageSize': '24x32',
      'optimizer.noDecay': 'bias, norm',
      'model.config': '{"depth":4}',
      'masking.scheme': 'uniform',
      task: 'finetune',
    },
  );
  assert.equal(recipe.optimizer.learningRate, 0.003);
  assert.equal(recipe.data.flip, false);
  assert.equal(recipe.data.path, '123');
  assert.equal(recipe.data.workers, -1);
  assert.deepEqual(recipe.data.mean, [0.5, 0.4, 0.3]);
  assert.deepEqual(recipe.data.std, [1, 1, 2]);
  assert.deepEqual(recipe.data.imageSize, [24, 32]);
  assert.deepEqual(recipe.optimizer.noDecay, ['bias', 'norm']);
  assert.deepEqual(recipe.model.config, { depth: 4 });
  assert.equal(recipe.masking.scheme, 'uniform');
  assert.equal(recipe.task, 'finetune');
  assert.equal(resolveRecipe({}, { 'data.imageSize': '64' }).data.imageSize, 64);
  assert.deepEqual(resolveRecipe({}, { 'data.imageSize': '[64,32]' }).data.imageSize, [64, 32]);
  assert.deepEqual(resolveRecipe({}, { 'optimizer.noDecay': '' }).optimizer.noDecay, []);
  assert.equal(resolveRecipe({}, { 'augment.colorJitter': '0.4' }).augment.colorJitter, 0.4);
  const four = resolveRecipe({}, { 'augment.colorJitter': '0.8,0.8,0.8,0.2' });
  assert.deepEqual(four.augment.colorJitter, [0.8, 0.8, 0.8, 0.2]);
});

test('the mask ratio is one number, or one by modality', () => {
  assert.equal(resolveRecipe({}, { 'masking.ratio': '0.5' }).masking.ratio, 0.5);
  assert.deepEqual(resolveRecipe({}, { 'masking.ratio': '{"image":0.85,"audio":0}' }).masking.ratio, {
    image: 0.85,
    audio: 0,
  });
  assert.deepEqual(resolveRecipe({}, { 'masking.ratio.image': '0.5' }).masking.ratio, { image: 0.5 });
  const file = { masking: { ratio: { image: 0.9, audio: 0.8 } } };
  assert.deepEqual(resolveRecipe(file, { 'masking.ratio.audio': '0.1' }).masking.ratio, { image: 0.9, audio: 0.1 });
  assert.match(override('masking.ratio', '1'), /^masking\.ratio must be a number at least 0 and below 1, .*got 1\.$/);
  assert.match(override('masking.ratio.image', '1.2'), /masking\.ratio must be/);
  assert.match(refusal({ masking: { ratio: {} } }), /masking\.ratio/);
});

test('single fields of the model can be set', () => {
  const file = { model: { config: { depth: 2, heads: 4 } } };
  const recipe = resolveRecipe(file, { 'model.config.depth': '[3,4]', 'model.config.activation': 'gelu' });
  assert.deepEqual(recipe.model.config, { depth: [3, 4], heads: 4, activation: 'gelu' });
  const commas = resolveRecipe(file, { 'model.config.depth': '3, 4', 'model.config.activation': 'gelu,relu' });
  assert.deepEqual(commas.model.config, { depth: [3, 4], heads: 4, activation: 'gelu,relu' });
});

test('unknown keys are refused with the nearest key', () => {
  assert.match(
    override('training.stepz', '1'),
    /Unknown recipe key "training\.stepz": did you mean "training\.steps"\?/,
  );
  assert.match(override('training.learningRate', '1'), /did you mean "optimizer\.learningRate"\?/);
  assert.match(override('trainning.steps', '1'), /did you mean "training\.steps"\?/);
  assert.match(override('training.steps.more', '1'), /Unknown recipe key "training\.steps\.more"/);
  assert.match(override('data', 'photos'), /data is a section of the recipe.*data\.path/);
  assert.match(refusal({ optimiser: {} }), /Unknown recipe key "optimiser": did you mean "optimizer"\?/);
  assert.match(refusal({ optimizer: { lerningRate: 1 } }), /did you mean "optimizer\.learningRate"\?/);
  assert.match(refusal({ optimizer: 'adamw' }), /The recipe's optimizer must be an object/);
  assert.match(override('data.constructor', '1'), /Unknown recipe key/);
});

test('values that make no sense are refused by their key', () => {
  const cases: [string, string][] = [
    ['optimizer.learningRate', 'NaN'],
    ['optimizer.learningRate', '0'],
    ['optimizer.learningRate', '-1e-3'],
    ['optimizer.learningRate', 'Infinity'],
    ['optimizer.learningRate', 'fast'],
    ['optimizer.learningRate', ''],
    ['optimizer.betas', '0.9'],
    ['optimizer.betas', '0.9,1'],
    ['optimizer.layerDecay', '0'],
    ['training.steps', '-1'],
    ['training.steps', '1.5'],
    ['training.batchSize', '0'],
    ['training.logEvery', '0'],
    ['training.resume', 'yes'],
    ['training.device', 'cuda'],
    ['masking.ratio', 'NaN'],
    ['finetune.labelSmoothing', '1'],
    ['data.imageSize', '-3'],
    ['data.imageSize', '3,0'],
    ['data.imageSize', '3,4,5'],
    ['data.channels', '2'],
    ['data.cropScale', '0.9,0.1'],
    ['data.std', '1,0,1'],
    ['data.validationFraction', '1'],
    ['model.variant', ''],
    ['model.config', '[1]'],
    ['name', ''],
    ['augment.mixup', '-0.8'],
    ['augment.cutmix', 'on'],
    ['augment.erase', '1.5'],
    ['augment.grayscale', '-0.1'],
    ['augment.randAugment', '11'],
    ['augment.randAugmentLayers', '0'],
    ['augment.colorJitter', '0.4,0.4,0.4'],
    ['augment.colorJitter', '0.8,0.8,0.8,0.6'],
    ['augment.colorJitter', '-1'],
    ['augment.eraseFill', 'black'],
    ['augment.timeMask', '1.5'],
  ];
  for (const [key, typed] of cases) {
    const message = override(key, typed);
    assert.ok(message.startsWith(key), `${key}=${typed}: ${message}`);
    assert.ok(!message.includes('\n'), message);
  }
  assert.match(override('augment.mixup', '-0.8'), /^augment\.mixup must be a number of at least 0, got -0\.8\.$/);
  assert.match(override('optimizer.learningRate', 'NaN'), /must be a number above 0, got NaN\.$/);
  assert.match(
    refusal({ training: { steps: '200' } }),
    /^training\.steps must be a whole number of at least 0, got "200"\.$/,
  );
  assert.match(refusal({ training: { steps: null } }), /^training\.steps must be .* got null\.$/);
});

test('a misspelled choice is answered with the nearest', () => {
  assert.match(override('optimizer.name', 'adam'), /^optimizer\.name: Unknown value "adam": did you mean "adamw"\?$/);
});

test('values are checked together where they belong together', () => {
  assert.match(refusal({ data: { mean: [0.5, 0.5, 0.5] } }), /data\.mean has 3 values and data\.std 0/);
  assert.match(refusal({ data: { mean: [0.5], std: [0.5] } }), /data\.mean has 1 values, but data\.channels is 3/);
  assert.match(override('optimizer.minLearningRate', '1'), /above optimizer\.learningRate/);
});
