/** Fine-tuning measures itself while it goes on, if asked to. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { finetune } from '../../src/tasks/index.js';
import { readMetrics } from '../../src/training/index.js';
import { newRun, pictureFolder, tinyRecipe } from '../training/tiny.js';

test('evaluateEvery logs the accuracy on the test split; the last one is the score', async () => {
  const out = newRun();
  const recipe = tinyRecipe(await pictureFolder(), {
    task: 'finetune',
    data: { validationFraction: 0.4 },
    training: { steps: 4, evaluateEvery: 2, out },
  });
  const { score } = await finetune(recipe, { quiet: true });
  const measured = (await readMetrics(join(out, 'metrics.jsonl'))).filter((record) => 'testAccuracy' in record);
  assert.deepEqual(
    measured.map(({ step }) => step),
    [2, 4],
  );
  assert.ok(score?.task === 'classification');
  assert.equal(measured[1].testAccuracy, score.top1);
});
