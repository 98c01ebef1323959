/** Systems of the image family from first step to classes, through the same loop as everything else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finetune, loadModel } from '../../src/tasks/index.js';
import { type PartialRecipe, pretrain, resolveRecipe } from '../../src/training/index.js';
import { newRun, pictureFolder } from '../training/tiny.js';

const stack = { width: 24, depth: 2, heads: 2, mlpWidth: 32 };
const auto = { hidden: 8, blocksPerGroup: 1, groups: 3, vocabulary: 16, decoderInputs: 8 };

async function recipeOn(partial: PartialRecipe) {
  return resolveRecipe({
    name: 'family',
    ...partial,
    data: { path: await pictureFolder(), imageSize: 16, channels: 3, workers: 0, ...partial.data },
    optimizer: { learningRate: 1e-3, warmupSteps: 2 },
    training: { steps: 3, batchSize: 2, checkpointEvery: 0, threads: 1, out: newRun(), ...partial.training },
  });
}

test('tokens are learned from images, BEiT predicts them, and each of its blocks begins to classify with the shared table', async () => {
  const tokens = await pretrain(await recipeOn({ model: { name: 'dvae', variant: 'tiny', config: auto } }), {
    quiet: true,
  });
  const beit = await pretrain(
    await recipeOn({
      model: { name: 'beit', variant: 'tiny', config: { ...stack, patch: [4, 4] }, tokenizer: tokens.checkpoint },
      masking: { scheme: 'blocks', ratio: 0.4 },
    }),
    { quiet: true },
  );
  assert(Number.isFinite(beit.loss));
  const learned = await loadModel(beit.checkpoint);
  // The tokenizer is a frozen part: to the bit what it was.
  for (const [name, values] of tokens.parameters)
    assert.deepEqual(learned.parameters.get(`tokenizer/${name}`), values, name);
  const recipe = await recipeOn({
    task: 'finetune',
    finetune: { from: beit.checkpoint, head: 'own', freeze: 'encoder' },
    training: { steps: 1 },
  });
  const tuned = await finetune(recipe, { quiet: true });
  const shared = learned.parameters.get('relative_positions');
  assert(shared);
  for (let i = 0; i < stack.depth; i++)
    assert.deepEqual(tuned.parameters.get(`blocks/${i}/attention/relative_positions`), shared);
  assert(![...tuned.parameters.keys()].some((name) => name.startsWith('tokenizer/')));
  assert.equal(tuned.description.config.tokenizer, undefined);
});

test('a masked auto-encoder goes on on larger images, and classifies on larger ones still', async () => {
  const model = { name: 'mae' as const, variant: 'tiny', config: { ...stack, patch: [4, 4], decoder: stack } };
  const small = await pretrain(await recipeOn({ model, masking: { ratio: 0.5 } }), { quiet: true });
  const larger = await pretrain(
    await recipeOn({ model: { ...model, from: small.checkpoint }, masking: { ratio: 0.5 }, data: { imageSize: 24 } }),
    { quiet: true },
  );
  assert.equal(larger.parameters.get('positions')?.length, (1 + 36) * stack.width);
  const recipe = await recipeOn({
    task: 'finetune',
    finetune: { from: larger.checkpoint, head: 'own' },
    data: { imageSize: 32 },
    training: { steps: 2 },
  });
  const tuned = await finetune(recipe, { quiet: true });
  assert.equal(tuned.parameters.get('positions')?.length, (1 + 64) * stack.width);
  assert(!tuned.interrupted && tuned.score.task === 'classification');
});

test('a tokenizer that is none, and a model of another system to go on from, are refused in one sentence', async () => {
  const mae = { name: 'mae' as const, variant: 'tiny', config: { ...stack, patch: [4, 4], decoder: stack } };
  const { checkpoint } = await pretrain(await recipeOn({ model: mae, masking: { ratio: 0.5 } }), { quiet: true });
  await assert.rejects(
    pretrain(await recipeOn({ model: { name: 'beit', variant: 'tiny', tokenizer: checkpoint } }), { quiet: true }),
    /is a mae, and tokens come from a discrete auto-encoder/,
  );
  await assert.rejects(
    pretrain(await recipeOn({ model: { name: 'dvae', variant: 'tiny', config: auto, from: checkpoint } }), {
      quiet: true,
    }),
    /is a mae, and the recipe asks for a dvae: set --model.name mae/,
  );
  await assert.rejects(
    pretrain(await recipeOn({ model: { name: 'vit', variant: 'tiny' } }), { quiet: true }),
    /vit has no objective without labels/,
  );
});
