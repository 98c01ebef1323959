/** What goes wrong in the middle of a run costs nothing that was saved, and is said in one sentence. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCheckpoint, readSafetensors } from '../../src/checkpoint/index.js';
import { formatNpy, type Loader } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import { initialize, Scope } from '../../src/nn/index.js';
import { keyFrom, uniform } from '../../src/random/index.js';
import { pretrain, pretrainingObjective, resolveRecipe, train } from '../../src/training/index.js';
import { folderOf } from '../data/fixtures.js';
import { newRun, noiseBatch, pictureFolder, tinyDescription, tinyRecipe } from './tiny.js';

const quiet = { quiet: true };

/** The one sentence that a run ends with. */
async function failure(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => undefined,
    (e: unknown) => e,
  );
  assert(error instanceof HiperceiverError, String(error));
  return error.message;
}

test('a learning rate that is no number is refused before anything begins', () => {
  for (const learningRate of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => resolveRecipe({ optimizer: { learningRate } }), /optimizer\.learningRate must be a number/);
  }
  assert.throws(
    () => resolveRecipe({}, { 'optimizer.learningRate': 'NaN' }),
    /optimizer\.learningRate must be a number/,
  );
});

test('a learning rate beyond all measure: the run stops, saves the batch and names the first bad tensor', async () => {
  const out = newRun();
  const recipe = tinyRecipe(await pictureFolder(), {
    optimizer: { learningRate: 1e30, warmupSteps: 0, schedule: 'constant' },
    training: { out, steps: 9, checkpointEvery: 1 },
  });
  const message = await failure(pretrain(recipe, quiet));
  const found =
    /^The (?:loss|gradient's norm) became (?:NaN|-?Infinity) at step (\d); the first bad tensor is (.+): the batch is in (.+); lower --optimizer\.learningRate \(now 1e\+30\)/.exec(
      message,
    );
  assert(found, message);
  assert.match(found[2], /^the gradient of "perceiver\/|^parameter "perceiver\//);
  const { tensors } = await readSafetensors(found[3]);
  assert.deepEqual(tensors.get('image')?.shape, [2, 192]);
  assert.equal(JSON.parse(readFileSync(found[3].replace('.safetensors', '.json'), 'utf8')).ids.length, 2);
  const { parameters } = await loadCheckpoint(out);
  for (const [name, { data }] of parameters)
    assert((data as Float32Array).every(Number.isFinite), `${name} was saved while it was bad`);
});

test('a data set with NaN in it is named as the cause', async () => {
  const pixels = Float32Array.from(uniform(keyFrom(1), 4 * 8 * 8 * 3));
  pixels[700] = Number.NaN;
  const folder = await folderOf({ 'images.npy': formatNpy({ dtype: '<f4', shape: [4, 8, 8, 3], data: pixels }) });
  const recipe = tinyRecipe(folder, { data: { validationFraction: 0 }, training: { out: newRun(), batchSize: 4 } });
  assert.match(
    await failure(pretrain(recipe, quiet)),
    /^The loss became NaN at step \d; the first bad tensor is input "image": the batch is in /,
  );
});

test('a gradient that overflows under a finite loss stops the run before its update is saved', async () => {
  const recipe = tinyRecipe('unused', { training: { out: newRun(), steps: 3, checkpointEvery: 1 } });
  const description = tinyDescription(recipe);
  const objective = pretrainingObjective(description, recipe.masking, 2);
  const scope = Scope.root();
  // The root of 0 has no slope that is a number.
  const loss = scope.parameter('root', [2], { kind: 'constant', value: 0 }).sqrt().sum();
  await using engine = await createEngine();
  const message = await failure(
    train({
      ...quiet,
      recipe,
      folder: recipe.training.out,
      description,
      engine,
      objective: { ...objective, loss, metrics: {}, needs: scope.needs, feeds: () => ({}) },
      initial: () => initialize(scope.needs.parameters, keyFrom(0)),
      openLoader: noiseLoader,
    }),
  );
  assert.match(message, /^The gradient's norm became (NaN|Infinity) at step 1; the first bad tensor is /);
  assert(!existsSync(join(recipe.training.out, 'checkpoints')));
});

function noiseLoader(): Loader {
  let step = 0;
  return {
    next: async () => noiseBatch(2, step++),
    stepsPerEpoch: 1,
    waitSeconds: 0,
    skipped: [],
    flawed: [],
    close: async () => {},
  };
}

test('the disk fills up at a checkpoint: one sentence, and the one before can be resumed', async (t) => {
  const pictures = await pictureFolder();
  const out = newRun();
  const recipe = (training: object) =>
    tinyRecipe(pictures, { training: { out, steps: 3, checkpointEvery: 1, ...training } });
  await pretrain(recipe({ steps: 1 }), quiet);
  const probe = await open(join(out, 'probe'), 'w');
  await probe.close();
  // As the kernel does: no byte more finds room.
  const write = t.mock.method(Object.getPrototypeOf(probe), 'write', async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  assert.match(
    await failure(pretrain(recipe({ resume: true }), quiet)),
    /^The disk is full while writing .*step-00000002: free space or choose another --out\.$/,
  );
  write.mock.restore();
  assert.deepEqual(readdirSync(join(out, 'checkpoints')), ['step-00000001']);
  assert.equal((await pretrain(recipe({ resume: true }), quiet)).step, 3);
});

test('a disk that is really full (a file system in memory), where one may be mounted', async (t) => {
  const pictures = await pictureFolder();
  const sizes = await pretrain(tinyRecipe(pictures, { training: { out: newRun(), steps: 1 } }), quiet);
  const bytes = readdirSync(sizes.checkpoint).reduce(
    (sum, name) => sum + 4096 + statSync(join(sizes.checkpoint, name)).size,
    0,
  );
  const disk = newRun();
  mkdirSync(disk);
  // In a mount name space of its own, so that the mount goes when the process does. Room for one checkpoint and a half.
  const inside = [
    '-rm',
    'sh',
    '-c',
    `mount -t tmpfs -o size=${Math.round(bytes * 1.5 + 65536)} tmpfs "$0" && exec "$@"`,
    disk,
  ];
  if (spawnSync('unshare', [...inside, 'true']).status !== 0) return t.skip('no file system may be mounted here');
  const library = (name: string) => JSON.stringify(new URL(`../../src/${name}/index.js`, import.meta.url).href);
  const script = `${disk}.mjs`;
  const recipe = tinyRecipe(pictures, { training: { out: join(disk, 'run'), steps: 3, checkpointEvery: 1 } });
  writeFileSync(
    script,
    `import { pretrain } from ${library('training')};
    import { loadCheckpoint } from ${library('checkpoint')};
    await pretrain(${JSON.stringify(recipe)}, { quiet: true }).catch((error) => console.log(error.name + ': ' + error.message));
    console.log((await loadCheckpoint(${JSON.stringify(recipe.training.out)})).trainer.step);`,
  );
  const { stdout, stderr } = spawnSync('unshare', [...inside, process.execPath, script], { encoding: 'utf8' });
  const [error, step] = stdout.split('\n');
  assert.match(error, /^HiperceiverError: The disk is full while writing .*step-00000002: free space/, stderr);
  assert.equal(step, '1');
});
