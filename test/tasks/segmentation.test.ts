/** A class for every pixel: learned by the decoder, void pixels left out, scored by intersection over union. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, evaluate } from '../../src/engine/index.js';
import { Graph, gradients } from '../../src/graph/index.js';
import { initialize, PARAMETER } from '../../src/nn/index.js';
import { keyFrom, normal } from '../../src/random/index.js';
import { evaluateSegmenter, finetune, loadModel, openDataOf, segmentExamples } from '../../src/tasks/index.js';
import { segmentationObjective } from '../../src/tasks/segmentation.js';
import { pretrain, resolveRecipe } from '../../src/training/index.js';
import { encoded, folderOf } from '../data/fixtures.js';
import { smallHip } from '../smallHip.js';
import { newRun, noiseBatch, tinyDescription, tinyRecipe } from '../training/tiny.js';

const SIDE = 8;

/** Pictures of a light and a dark half, above one another in either order; light is class 1, the last row void. */
async function halves(count: number): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < count; i++) {
    const light = (y: number) => y < SIDE / 2 === (i % 2 === 0);
    const noise = normal(keyFrom(i), SIDE * SIDE);
    const image = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => {
      const pixel = Math.floor(at / 3);
      return (light(Math.floor(pixel / SIDE)) ? 180 : 60) + 10 * Math.max(-3, Math.min(3, noise[pixel]));
    });
    const map = Uint8Array.from({ length: SIDE * SIDE }, (_, pixel) => {
      const y = Math.floor(pixel / SIDE);
      return y === SIDE - 1 ? 255 : Number(light(y));
    });
    const split = i % 4 < 2 ? 'train' : 'test';
    files[`${split}/${i}.png`] = await encoded(image, SIDE, SIDE);
    files[`${split}annot/${i}.png`] = await encoded(map, SIDE, SIDE);
  }
  return folderOf(files);
}

const sections = (path: string) => ({
  data: { path, imageSize: SIDE, channels: 3 as const, crop: 'none' as const, flip: false, workers: 0 },
  model: { name: 'hip' as const, variant: 'tiny', config: smallHip },
  optimizer: { learningRate: 1e-2, warmupSteps: 10 },
});
const training = { batchSize: 8, threads: 1, checkpointEvery: 0 };

test('a tiny model learns to tell light from dark, from scratch and from a pre-trained decoder', async () => {
  const path = await halves(48);
  const [before, fromScratch, tuned] = [newRun(), newRun(), newRun()];
  await using engine = await createEngine({ device: 'cpu', threads: 1 });
  const options = { engine, quiet: true };

  const recipe = { name: 'halves', task: 'finetune' as const, ...sections(path) };
  const scratch = await finetune(
    resolveRecipe({ ...recipe, training: { ...training, steps: 150, out: fromScratch } }),
    options,
  );
  const { score } = scratch;
  assert.ok(score?.task === 'segmentation');
  assert.equal(score.size, 24);
  assert.equal(
    score.confusion.reduce((a, b) => a + b, 0),
    24 * SIDE * (SIDE - 1),
    'void pixels do not count',
  );
  assert.ok(Math.abs(score.majority.pixelAccuracy - 0.5) < 0.01, `${score.majority.pixelAccuracy}`);
  assert.ok(
    score.pixelAccuracy > 0.9,
    `${score.pixelAccuracy} of the pixels, ${score.majority.pixelAccuracy} by majority`,
  );
  assert.ok(score.meanIoU > 0.8 && score.meanIoU > 2 * score.majority.meanIoU, `${score.meanIoU}`);

  const model = await loadModel(fromScratch);
  const test = await openDataOf(model);
  const again = await evaluateSegmenter(model, test, engine, 5);
  assert.deepEqual(again.confusion, score.confusion);
  const shown = await segmentExamples(model, test, engine, 3);
  assert.deepEqual([shown.ids.length, shown.prediction.length, shown.truth?.length], [3, 192, 192]);
  assert.ok(shown.truth?.includes(-1) && !shown.prediction.includes(-1));

  const masking = { ratio: 0.5 };
  await pretrain(
    resolveRecipe({ name: 'pre', ...sections(path), masking, training: { ...training, steps: 3, out: before } }),
    options,
  );
  const adopted = await finetune(
    resolveRecipe({
      ...recipe,
      finetune: { from: before },
      // So slow that all stays as it was.
      optimizer: { learningRate: 1e-9 },
      training: { ...training, steps: 1, out: tuned },
    }),
    options,
  );
  const [pre, post] = [await loadModel(before), adopted.parameters];
  const shared = [...pre.parameters.keys()].filter((name) => !name.includes('unembed'));
  assert.ok(shared.some((name) => name.includes('reconstruction_head')));
  for (const name of shared)
    assert.ok(
      pre.parameters.get(name)?.every((x, i) => Math.abs(x - Number(post.get(name)?.[i])) < 1e-6),
      name,
    );
});

test('a transformer of patches learns it with UperNet, whose batch norms then go by what they saw', async () => {
  const out = newRun();
  await using engine = await createEngine({ device: 'cpu', threads: 1 });
  const size = { depth: 2, width: 16, heads: 2, mlpWidth: 32, patch: [2, 2] };
  const recipe = resolveRecipe({
    name: 'halves',
    task: 'finetune',
    ...sections(await halves(48)),
    model: { name: 'vit', variant: 'tiny', config: size },
    optimizer: { learningRate: 3e-3, warmupSteps: 5 },
    training: { ...training, steps: 60, out },
  });
  const { score, parameters } = await finetune(recipe, { engine, quiet: true });
  assert.ok(score?.task === 'segmentation');
  assert.ok(score.pixelAccuracy > 0.9, `${score.pixelAccuracy} of the pixels`);
  const saved = await loadModel(out);
  const means = [...parameters].filter(([name]) => name.endsWith('norm/mean'));
  assert.ok(means.length > 5);
  for (const [name, values] of means) {
    assert.ok(
      values.some((v) => v !== 0),
      name,
    );
    assert.deepEqual(saved.parameters.get(name), values, name);
  }
});

test('pixels without a class have no part in loss, accuracy and gradient; a batch of them alone gives 0', () => {
  const description = { ...tinyDescription(tinyRecipe('')), classes: ['a', 'b', 'c'], task: 'segmentation' as const };
  const { loss, metrics, needs, feeds } = segmentationObjective(description, { labelSmoothing: 0 }, 2);
  const parameters = initialize(needs.parameters, keyFrom(2));
  const values = Object.fromEntries([...parameters].map(([name, array]) => [PARAMETER + name, array]));
  const [gradient] = gradients(loss, [needs.tensors.get('classifier/linear/b')!]);
  const at = (targets: Int32Array) => {
    const graph = Graph.of({ loss, gradient, accuracy: metrics.pixelAccuracy });
    const found = evaluate(graph, { ...values, ...feeds({ ...noiseBatch(2, 1), targets }, keyFrom(1)) });
    return Object.fromEntries([...found].map(([name, array]) => [name, Array.from(array, Number)]));
  };
  const none = at(new Int32Array(128).fill(-1));
  assert.deepEqual([...none.loss, ...none.accuracy, ...none.gradient].map(Math.abs), [0, 0, 0, 0, 0]);
  // One pixel alone counts as much as all pixels of its class and kind would: the mean is over what counts.
  const one = at(Int32Array.from({ length: 128 }, (_, i) => (i === 5 ? 1 : -1)));
  assert.ok(one.loss[0] > 0 && [0, 1].includes(one.accuracy[0]));
  assert.ok(Math.abs(one.gradient.reduce((a, b) => a + b)) < 1e-6 && one.gradient[1] < 0);
  // The gradient of the bias is the mean of softmax - truth.
  const probabilityOfTruth = Math.exp(-one.loss[0]);
  assert.ok(Math.abs(one.gradient[1] - (probabilityOfTruth - 1)) < 1e-5);
});
