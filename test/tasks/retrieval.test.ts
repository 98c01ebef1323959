/** Whether what is heard finds what was seen: each signal embedded alone, the other missing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openData } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { evaluateRetrieval, loadModel } from '../../src/tasks/index.js';
import { centredUnits } from '../../src/tasks/retrieval.js';
import { pretrain, resolveRecipe } from '../../src/training/index.js';
import { folderOf } from '../data/fixtures.js';
import { clipFile, greyClip, tone } from '../data/media/fixtures.js';
import { smallHip } from '../smallHip.js';
import { newRun } from '../training/tiny.js';

test('embeddings lose the mean of their modality and have length 1', () => {
  const units = centredUnits([Float32Array.of(1, 2), Float32Array.of(3, 2), Float32Array.of(2, 5)]);
  // The mean is (2, 3): (-1, -1), (1, -1) and (0, 2) are left.
  const r = Math.SQRT1_2;
  [-r, -r, r, -r, 0, 1].forEach((x, i) => assert.ok(Math.abs(units[i] - x) < 1e-6));
  assert.deepEqual([...centredUnits([Float32Array.of(1, 1), Float32Array.of(1, 1)])], [0, 0, 0, 0]);
  assert.equal(centredUnits([]).length, 0);
});

test('clips with sound look for themselves, in both directions; those without are left out', async () => {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < 6; i++) {
    const { frames } = greyClip(8, 16, 16);
    const clip = { height: 16, width: 16, frames: frames.map((x) => Math.min(255, x + 25 * i)) };
    const sound = i === 5 ? undefined : tone(1, 8000, 1, i / 6);
    files[`${i % 2 === 0 ? 'a' : 'b'}/${i}.mkv`] = await clipFile('mkv', clip, { frameRate: 8, sound });
  }
  const path = await folderOf(files);
  const out = newRun();
  const recipe = resolveRecipe({
    name: 'clips',
    data: { path, imageSize: 4, crop: 'none', workers: 0, validationFraction: 0 },
    video: { frames: 2, rate: 2, sound: true },
    audio: { rate: 64, samples: 64 },
    model: { name: 'hip', variant: 'tiny', config: smallHip },
    masking: { ratio: 0.5 },
    training: { steps: 2, batchSize: 2, threads: 1, out },
  });
  await using engine = await createEngine({ device: 'cpu', threads: 1 });
  await pretrain(recipe, { engine, quiet: true });
  const model = await loadModel(out);
  const dataset = await openData(path, { kind: 'video' });
  const score = await evaluateRetrieval(model, dataset, engine, 4);
  assert.equal(score.size, 5);
  assert.deepEqual(
    score.directions.map(({ query, gallery }) => `${query} ${gallery}`),
    ['video audio', 'audio video'],
  );
  assert.deepEqual(score.chance, { 1: 1 / 5, 5: 1, 10: 1 });
  for (const { recall, medianRank } of score.directions) {
    assert.equal(recall[5], 1, 'among as many answers as there are clips');
    assert.ok(recall[1] >= 0 && recall[1] <= 1 && medianRank >= 1 && medianRank <= 5);
  }

  const { description } = model;
  const single = { ...model, description: { ...description, modalities: description.modalities.slice(0, 1) } };
  await assert.rejects(evaluateRetrieval(single, dataset, engine), /has the modality video alone/);
});
