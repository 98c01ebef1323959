import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineMemory } from '../../src/engine/memory.js';
import { ensureFits, type PartialRecipe, planTraining } from '../../src/training/index.js';
import { pretrainingObjective } from '../../src/training/pretraining.js';
import { tinyDescription, tinyModel, tinyRecipe } from './tiny.js';

function plan(training: PartialRecipe['training']) {
  const recipe = tinyRecipe('unused', { model: tinyModel, masking: { perExample: false }, training });
  const description = tinyDescription(recipe);
  const build: Parameters<typeof planTraining>[2] = (...how) =>
    pretrainingObjective(description, recipe.masking, ...how);
  return { planned: planTraining(recipe, { description, folder: '', images: 1 }, build), build };
}

test('nothing is computed again while all fits, and more as it does not', () => {
  const small = plan({ batchSize: 2 }).planned;
  assert.equal(small.rematerialize, 'none');
  const perExample = (plan({ batchSize: 256 }).planned.memory - small.memory) / 254;
  const levels = [0.9, 1.2, 40].map((share) => {
    const batchSize = Math.round((share * machineMemory()) / perExample);
    return plan({ batchSize }).planned.rematerialize;
  });
  assert.notEqual(levels[0], 'none');
  assert.equal(levels[2], 'layers');
});

test('what the recipe says is done, and takes less memory', () => {
  const [none, cheap, layers] = (['none', 'cheap', 'layers'] as const).map(
    (rematerialize) => plan({ batchSize: 64, rematerialize }).planned,
  );
  assert.deepEqual([none.rematerialize, cheap.rematerialize, layers.rematerialize], ['none', 'cheap', 'layers']);
  assert.ok(cheap.memory < none.memory && layers.memory < cheap.memory);
});

test('what cannot fit is refused with the largest batch that would', () => {
  const { planned, build } = plan({ batchSize: 10_000_000 });
  assert.throws(() => ensureFits(planned, build), /the largest that fits is --batch-size \d+/);
});
