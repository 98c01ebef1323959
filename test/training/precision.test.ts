/**
 * Training in half precision: losses near those of f32, and gradients beyond the range of halves cost one update. The
 * reference rounds like devices that have 16-bit floats, so all of it is tested without a GPU.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createEngine, type Engine, type Precision } from '../../src/engine/index.js';
import { initialize } from '../../src/nn/index.js';
import { keyFrom } from '../../src/random/index.js';
import {
  Learner,
  learnerOptions,
  pretrain,
  pretrainingObjective,
  readMetrics,
  resolveRecipe,
} from '../../src/training/index.js';
import { LossScale } from '../../src/training/lossScale.js';
import { testDevices } from '../engine/devices.js';
import {
  checkpointDigests,
  newRun,
  noiseBatch,
  pictureFolder,
  randomModel,
  tinyDescription,
  tinyRecipe,
} from './tiny.js';

const webgpu = (await testDevices()).find(({ device }) => device === 'webgpu')!;
let cpu: Engine;
before(async () => {
  cpu = await createEngine({ threads: 1 });
});
after(() => cpu.dispose());

const recipe = tinyRecipe('unused', { model: randomModel, training: { accumulation: 2, emaDecay: 0.9 } });
const objective = pretrainingObjective(tinyDescription(recipe), recipe.masking, 2);

async function learnerOn(engine: Engine, precision: Precision): Promise<Learner> {
  const learner = await Learner.create(engine, objective, { ...learnerOptions(recipe, objective.needs), precision });
  await learner.load(initialize(objective.needs.parameters, keyFrom(1)));
  return learner;
}

/** A batch of pictures that are waves: what is masked can be told from what is seen. */
function waves(seed: number) {
  const batch = noiseBatch(2, seed);
  const { image } = batch.signals;
  const drawn = image.slice();
  image.forEach((_, i) => {
    const [first, pixel] = [i - (i % 192), Math.floor((i % 192) / 3)];
    const [phase, down, across] = [drawn[first + (i % 3)], drawn[first + 5], drawn[first + 6]];
    image[i] = 1.4 * Math.sin(3 * phase + 0.7 * down * Math.floor(pixel / 8) + 0.7 * across * (pixel % 8));
  });
  return batch;
}

/** Losses and norms of some steps. */
async function trained(engine: Engine, precision: Precision, steps: number) {
  const learner = await learnerOn(engine, precision);
  const [losses, norms]: number[][] = [[], []];
  for (let step = 1; step <= steps; step++) {
    for (const part of [0, 1]) {
      const feeds = objective.feeds(waves((2 * step + part) % 12), keyFrom(step));
      losses.push((await learner.gradient(feeds, part)).loss);
    }
    norms.push(await learner.update(step, 3e-3));
  }
  await learner.dispose();
  return { losses, norms, skipped: learner.lossScale?.skipped };
}

function areNear(found: number[], expected: number[], tolerance: number): void {
  found.forEach((v, i) =>
    assert(
      v === expected[i] || Math.abs(v - expected[i]) < tolerance * Math.abs(expected[i]),
      `${i}: ${v}, not ${expected[i]}`,
    ),
  );
}

test('updates in half precision follow those of f32', async () => {
  await using reference = await createEngine({ device: 'reference' });
  const [exact, half] = [await trained(cpu, 'f32', 50), await trained(reference, 'f16', 50)];
  areNear(half.losses.slice(0, 12), exact.losses.slice(0, 12), 0.02);
  // Later the two part, as two runs in f32 do whose weights differ in the last places; on average they are alike.
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const ends = [half, exact].map(({ losses }) => mean(losses.slice(-30)));
  areNear([ends[0]], [ends[1]], 0.02);
  assert(ends[0] < 0.96 * mean(half.losses.slice(0, 12)), `it learns: ${ends[0]} after ${half.losses.slice(0, 12)}`);
  assert(half.skipped! <= 4, `${half.skipped} updates were left out`);
});

test('half precision on webgpu gives the losses of the reference', { skip: webgpu.skip }, async (t) => {
  await using engine = await createEngine({ device: 'webgpu' });
  await using reference = await createEngine({ device: 'reference' });
  const found = await trained(engine, 'f16', 3).catch((error: Error) => {
    assert.match(error.message, /^webgpu: The graphics adapter has no 16-bit floats .*--precision f32\.$/);
  });
  if (!found) return t.skip('the adapter has no 16-bit floats, and says so');
  const expected = await trained(reference, 'f16', 3);
  areNear(found.losses, expected.losses, 0.005);
  areNear(found.norms, expected.norms, 0.02);
  assert.equal(found.skipped, expected.skipped);
});

test('a gradient beyond the range of halves changes nothing but the scale, and training goes on', async () => {
  // ONNX Runtime's CPU leaves out the rounding between two operators; the reference does not.
  await using engine = await createEngine({ device: 'reference' });
  const learner = await learnerOn(engine, 'f16');
  const start = await learner.snapshot();
  const wild = noiseBatch(2, 1);
  for (const i of wild.signals.image.keys()) wild.signals.image[i] *= 1e3;
  const step = async (batch: typeof wild, number: number) => {
    for (const part of [0, 1])
      assert(Number.isFinite((await learner.gradient(objective.feeds(batch, keyFrom(1)), part)).loss));
    return learner.update(number, 3e-3);
  };
  assert(!Number.isFinite(await step(wild, 1)));
  const { lossScale, ...untouched } = await learner.snapshot();
  assert.deepEqual(untouched, { parameters: start.parameters, optimizer: start.optimizer, ema: start.ema });
  assert.deepEqual(lossScale, { scale: 2 ** 15, steady: 0, skipped: 1 });
  assert(Number.isFinite(await step(noiseBatch(2, 1), 2)));
  assert.notDeepEqual((await learner.snapshot()).parameters, start.parameters);
  await learner.dispose();
});

test('the scale is halved at each infinite gradient, doubled after 2000 that are finite, and can run out', () => {
  const scale = new LossScale();
  assert.equal(scale.value, 65536);
  scale.record(false);
  assert.deepEqual([scale.value, scale.skipped], [32768, 1]);
  for (let i = 0; i < 1999; i++) scale.record(true);
  assert.equal(scale.value, 32768);
  const resumed = new LossScale(scale.save());
  resumed.record(true);
  assert.deepEqual([resumed.value, resumed.skipped], [65536, 1]);
  for (let i = 0; i < 17; i++) {
    assert(!resumed.isExhausted);
    resumed.record(false);
  }
  assert(resumed.isExhausted);
});

test('a run in half precision logs its scale, counts what it left out, and resumes as if never interrupted', async () => {
  const path = await pictureFolder();
  const run = async (out: string, steps: number, resume: boolean) => {
    const training = { out, steps, resume, device: 'webgpu', precision: 'f16', emaDecay: 0.9 } as const;
    const result = await pretrain(
      tinyRecipe(path, { model: randomModel, training, optimizer: { schedule: 'constant', warmupSteps: 0 } }),
      {
        engine: cpu,
        quiet: true,
      },
    );
    return { result, digests: checkpointDigests(result.checkpoint) };
  };
  const [whole, parts] = [newRun(), newRun()];
  const uninterrupted = await run(whole, 4, false);
  await run(parts, 2, false);
  const resumed = await run(parts, 4, true);
  const { 'trainer.json': _, ...tensors } = uninterrupted.digests;
  for (const [file, digest] of Object.entries(tensors)) assert.equal(resumed.digests[file], digest, file);
  const trainer = JSON.parse(readFileSync(join(resumed.result.checkpoint, 'trainer.json'), 'utf8'));
  assert.deepEqual(trainer.lossScale, { scale: 65536, steady: 4, skipped: 0 });
  assert.equal(resumed.result.skippedUpdates, 0);
  const [first] = await readMetrics(join(whole, 'metrics.jsonl'));
  assert.deepEqual([first.lossScale, first.skippedUpdates], [65536, 0]);
});

test('half precision is refused on other devices, in a sentence', () => {
  for (const device of ['cpu', 'wasm', 'reference'] as const) {
    assert.throws(
      () => resolveRecipe({ training: { device } }, { 'training.precision': 'f16' }),
      new RegExp(`precision f16 needs --device webgpu, and the device is ${device}: use --precision f32\\.`),
    );
  }
  assert.equal(resolveRecipe({ training: { device: 'webgpu', precision: 'f16' } }).training.precision, 'f16');
  assert.throws(() => resolveRecipe({}, { 'training.precision': 'f15' }), /did you mean "f16"/);
});
