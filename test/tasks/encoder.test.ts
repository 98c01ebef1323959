/** Probes and nearest neighbours on signals other than images, beside the same on raw values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatWav } from '../../src/data/audio/index.js';
import { formatNpy } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { keyFrom, normal } from '../../src/random/index.js';
import { evaluateEncoder, loadModel, openDataOf } from '../../src/tasks/index.js';
import { pretrain, resolveRecipe } from '../../src/training/index.js';
import { folderOf } from '../data/fixtures.js';
import { smallHip } from '../smallHip.js';
import { newRun } from '../training/tiny.js';

/** Sounds whose first or second half is louder, by class. */
function sound(i: number): Uint8Array {
  const noise = normal(keyFrom(i), 64);
  return formatWav({
    rate: 100,
    channels: 1,
    samples: noise.map((x, s) => 0.1 * x + (s < 32 === (i % 2 === 0) ? 0.4 : 0)),
  });
}

/** Clouds that are long in x or in y, by class. */
function cloud(i: number): Uint8Array {
  const noise = normal(keyFrom(i), 32 * 3);
  return formatNpy({ shape: [32, 3], data: noise.map((x, at) => x * (at % 3 === i % 2 ? 4 : 1)) });
}

const kinds: { name: string; file: (i: number) => [string, Uint8Array] }[] = [
  { name: 'audio', file: (i) => [`${i}.wav`, sound(i)] },
  { name: 'points', file: (i) => [`${i}.npy`, cloud(i)] },
];

for (const { name, file } of kinds)
  test(`${name}: linear probes, neighbours and raw values of labelled ${name}`, async () => {
    const files: Record<string, Uint8Array> = {};
    for (let i = 0; i < 48; i++) {
      const [own, bytes] = file(i);
      files[`${i % 3 === 0 ? 'test' : 'train'}/${i % 2 === 0 ? 'even' : 'odd'}/${own}`] = bytes;
    }
    const path = await folderOf(files);
    const out = newRun();
    const recipe = resolveRecipe({
      name,
      data: { path, crop: 'none', workers: 0 },
      model: { name: 'hip', variant: 'tiny', config: smallHip },
      masking: { ratio: 0.5 },
      training: { steps: 3, batchSize: 4, threads: 1, out },
    });
    await using engine = await createEngine({ device: 'cpu', threads: 1 });
    await pretrain(recipe, { engine, quiet: true });
    const model = await loadModel(out);
    const [train, test] = [await openDataOf(model, { split: 'train' }), await openDataOf(model)];
    const tasks: string[] = [];
    const score = await evaluateEncoder(model, train, test, engine, { k: 3, watch: (task) => tasks.push(task) });
    assert.deepEqual([score.kind, score.train, score.test, score.chance], [name, 32, 16, 0.5]);
    assert.ok(score.knn && score.linear && score.linear.blocks.length === 2);
    for (const accuracy of [score.knn.features, score.linear.features, ...score.linear.blocks.map((b) => b.accuracy)])
      assert.ok(accuracy >= 0 && accuracy <= 1);
    assert.ok(Number(score.linear.raw) >= (name === 'audio' ? 0.9 : 0), `${score.linear.raw}`);
    const noun = name === 'audio' ? 'sounds' : 'point clouds';
    assert.ok(tasks.includes(`${noun} of train`), tasks.join());
  });
