/** Several classes for an example: learned from a table with a column "labels", scored by mean average precision and d'. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatWav } from '../../src/data/audio/index.js';
import { createEngine } from '../../src/engine/index.js';
import { keyFrom, normal } from '../../src/random/index.js';
import { evaluateTask, finetune, loadModel, openDataOf } from '../../src/tasks/index.js';
import { taggingObjective } from '../../src/tasks/tagging.js';
import { readMetrics, resolveRecipe } from '../../src/training/index.js';
import { folderOf } from '../data/fixtures.js';
import { smallHip } from '../smallHip.js';
import { newRun, noiseBatch, tinyDescription, tinyRecipe } from '../training/tiny.js';

const TAGS = ['begin', 'middle', 'end'];
const SAMPLES = 96;

/** Recordings that are loud in the parts that their tags name. */
async function recordings(count: number): Promise<string> {
  const files: Record<string, Uint8Array | string> = {};
  const rows = ['file,split,labels'];
  for (let i = 0; i < count; i++) {
    const tags = TAGS.filter((_, t) => ((i % 7) + 1) & (1 << t));
    const noise = normal(keyFrom(i), SAMPLES);
    const samples = noise.map((x, s) => (tags.includes(TAGS[Math.floor((3 * s) / SAMPLES)]) ? 0.5 : 0) + 0.05 * x);
    files[`${i}.wav`] = formatWav({ rate: 100, channels: 1, samples });
    rows.push(`${i}.wav,${i % 4 === 0 ? 'test' : 'train'},"${tags.join(',')}"`);
  }
  return folderOf({ ...files, 'table.csv': rows.join('\n') });
}

test('a tiny tagger learns which parts of a recording are loud', async () => {
  const path = await recordings(112);
  const out = newRun();
  const recipe = resolveRecipe({
    name: 'tags',
    task: 'finetune',
    data: { path, crop: 'none', workers: 0 },
    model: { name: 'hip', variant: 'tiny', config: smallHip },
    optimizer: { learningRate: 1e-2, warmupSteps: 10 },
    training: { steps: 120, batchSize: 8, threads: 1, checkpointEvery: 0, evaluateEvery: 120, out },
  });
  const { score, description } = await finetune(recipe, { quiet: true });
  assert.ok(score?.task === 'tagging');
  assert.deepEqual(score.classes, [...TAGS].sort());
  assert.equal(description.task, 'tagging');
  assert.equal(score.size, 28);
  assert.ok(Math.abs(score.chance - 4 / 7) < 0.05, `${score.chance}`);
  assert.ok(score.mAP > 0.95, `mAP ${score.mAP} beside chance ${score.chance}`);
  assert.ok(score.dPrimeOfMeanAuc > 1.5, `${score.dPrimeOfMeanAuc}`);
  const logged = (await readMetrics(join(out, 'metrics.jsonl'))).find((r) => 'testMeanAveragePrecision' in r);
  assert.equal(logged?.testMeanAveragePrecision, score.mAP);

  // The checkpoint says what it is, and scores the same.
  const model = await loadModel(out);
  await using engine = await createEngine({ device: 'cpu', threads: 1 });
  const again = await evaluateTask(model, await openDataOf(model), engine);
  assert.ok(again.task === 'tagging' && Math.abs(again.mAP - score.mAP) < 1e-6);
});

test('the tags of a batch are fed as they are', () => {
  const description = { ...tinyDescription(tinyRecipe('')), classes: TAGS, task: 'tagging' as const };
  const objective = taggingObjective(description, { labelSmoothing: 0 }, 2);
  const tags = Float32Array.of(1, 0, 1, 0, 0, 1);
  const feeds = objective.feeds({ ...noiseBatch(2, 1), tags }, keyFrom(1));
  assert.deepEqual(feeds.tags, tags);
  assert.deepEqual(objective.loss.shape, []);
});
