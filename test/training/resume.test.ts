/** An interrupted run, however it ended, goes on as if nothing had happened. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { HiperceiverError } from '../../src/errors/index.js';
import { type PartialRecipe, pretrain, type Recipe, readMetrics } from '../../src/training/index.js';
import { checkpointDigests, newRun, pictureFolder, randomModel, tinyRecipe } from './tiny.js';

let pictures: string;
before(async () => {
  pictures = await pictureFolder();
});

/** Everything that could differ after a resume: draws, masks, augmentation, threads, accumulation, moving averages. */
function everything(training: PartialRecipe['training'], optimizer: PartialRecipe['optimizer'] = {}): Recipe {
  return tinyRecipe(pictures, {
    model: randomModel,
    data: { crop: 'randomResized', flip: true, workers: 2 },
    augment: { randAugment: 9, colorJitter: 0.4, erase: 0.25 },
    optimizer,
    training: { accumulation: 2, emaDecay: 0.9, ...training },
  });
}

const quiet = { quiet: true };

/** Steps in a run's log, in the order of its lines. */
async function loggedSteps(run: string): Promise<number[]> {
  return (await readMetrics(join(run, 'metrics.jsonl'))).map(({ step }) => step);
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

test('4 steps, resumed for 3 more, are 7 steps: parameters, optimiser and moving average to the byte', async () => {
  const constant = { schedule: 'constant', warmupSteps: 2 } as const;
  const [whole, parts] = [newRun(), newRun()];
  const undisturbed = await pretrain(everything({ steps: 7, out: whole }, constant), quiet);
  await pretrain(everything({ steps: 4, out: parts }, constant), quiet);
  const resumed = await pretrain(everything({ steps: 7, out: parts, resume: true }, constant), quiet);
  assert.equal(resumed.step, 7);
  assert.deepEqual(checkpointDigests(resumed.checkpoint), checkpointDigests(undisturbed.checkpoint));
  assert.equal(resumed.loss, undisturbed.loss);
  assert.deepEqual(await loggedSteps(parts), upTo(7));
  const finished = await pretrain(everything({ steps: 7, out: parts, resume: true }, constant), quiet);
  assert.deepEqual([finished.step, finished.interrupted], [7, false], 'a finished run has nothing left to do');
  assert.deepEqual(checkpointDigests(finished.checkpoint), checkpointDigests(undisturbed.checkpoint));
});

test('kill -9 in the middle: the resumed run ends byte-equal to the undisturbed one', async () => {
  const training = { steps: 30, checkpointEvery: 3 };
  const [whole, killed] = [newRun(), newRun()];
  const undisturbed = await pretrain(everything({ ...training, out: whole }), quiet);
  const child = trainInChild(everything({ ...training, out: killed }));
  await reachesStep(killed, 8);
  assert(child.kill('SIGKILL'), 'the child was still at work');
  await once(child, 'exit');
  const reached = (await loggedSteps(killed)).at(-1)!;
  assert(reached >= 8 && reached < 30, `killed after step ${reached}`);
  const last = Math.max(
    ...readdirSync(join(killed, 'checkpoints')).map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? 0)),
  );
  assert(reached - last <= 3, `at most the steps since the last checkpoint are lost: ${reached} - ${last}`);
  const resumed = await pretrain(everything({ ...training, out: killed, resume: true }), quiet);
  assert.deepEqual(checkpointDigests(resumed.checkpoint), checkpointDigests(undisturbed.checkpoint));
  const steps = await loggedSteps(killed);
  assert.deepEqual(steps, upTo(30), 'the log has every step once');
});

test('an abort ends the run after the step at hand, saved', async () => {
  const [whole, parts] = [newRun(), newRun()];
  const training = { steps: 30 };
  const undisturbed = await pretrain(everything({ ...training, out: whole }), quiet);
  const controller = new AbortController();
  const running = pretrain(everything({ ...training, out: parts }), { ...quiet, signal: controller.signal });
  await reachesStep(parts, 2);
  controller.abort();
  const stopped = await running;
  assert(stopped.interrupted && stopped.step >= 2 && stopped.step < 30, `stopped at ${stopped.step}`);
  assert.match(stopped.checkpoint, new RegExp(`step-0*${stopped.step}$`));
  const resumed = await pretrain(everything({ ...training, out: parts, resume: true }), quiet);
  assert.equal(resumed.interrupted, false);
  assert.deepEqual(checkpointDigests(resumed.checkpoint), checkpointDigests(undisturbed.checkpoint));
  assert.deepEqual(await loggedSteps(parts), upTo(30));
});

test('SIGTERM to the process saves and ends it with its own code', async () => {
  const out = newRun();
  const child = trainInChild(everything({ steps: 2000, out }));
  await reachesStep(out, 2);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 143);
  const steps = await loggedSteps(out);
  assert.deepEqual(steps, upTo(steps.length));
  assert.deepEqual(readdirSync(join(out, 'checkpoints')), [`step-${String(steps.length).padStart(8, '0')}`]);
});

test('a run that was aborted before its first step is saved as it began', async () => {
  const out = newRun();
  const stopped = await pretrain(everything({ out }), { ...quiet, signal: AbortSignal.abort() });
  assert.deepEqual([stopped.step, stopped.interrupted], [0, true]);
  assert(existsSync(join(stopped.checkpoint, 'model.safetensors')));
});

test('a run is never written over, nor continued with another seed or model', async () => {
  const out = newRun();
  const plain = (training: PartialRecipe['training'], more: PartialRecipe = {}) =>
    tinyRecipe(pictures, { ...more, training: { steps: 2, out, ...training } });
  const { checkpoint } = await pretrain(plain({ steps: 1 }), quiet);
  const before = readFileSync(join(checkpoint, 'model.safetensors'));
  await refuses(
    pretrain(plain({}), quiet),
    /^.*run holds a run already: add --resume to go on with it, or choose another --out\.$/,
  );
  await refuses(
    pretrain(plain({ resume: true, seed: 5 }), quiet),
    /step-0*1 was trained with seed 0: resume with --seed 0\.$/,
  );
  await refuses(
    pretrain(plain({ resume: true }, { model: { variant: 'small', config: {} } }), quiet),
    /step-0*1 .*(parameter|model)/,
  );
  await refuses(pretrain(plain({ resume: true }, { optimizer: { name: 'sgd' } }), quiet), /step-0*1 .*optimizer/);
  assert.deepEqual(readFileSync(join(checkpoint, 'model.safetensors')), before);
  assert.deepEqual(readdirSync(join(out, 'checkpoints')), ['step-00000001']);
});

test('resuming where nothing was saved begins at the beginning', async () => {
  const { step } = await pretrain(tinyRecipe(pictures, { training: { steps: 1, out: newRun(), resume: true } }), quiet);
  assert.equal(step, 1);
});

async function refuses(running: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(running, (error: unknown) => {
    assert(error instanceof HiperceiverError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** Trains in another process, as the command line does. */
function trainInChild(recipe: Recipe) {
  const module = (name: string) => JSON.stringify(new URL(`../../src/${name}.js`, import.meta.url).href);
  // A file, because flags of the command line would be handed down to worker threads.
  const script = `${recipe.training.out}.mjs`;
  writeFileSync(
    script,
    `import { untilInterrupted } from ${module('cli/interrupt')};
    import { pretrain } from ${module('training/index')};
    const { code } = await untilInterrupted((signal) => pretrain(${JSON.stringify(recipe)}, { quiet: true, signal }));
    process.exit(code);`,
  );
  return spawn(process.execPath, [script], { stdio: 'inherit' });
}

/** Waits until a run's log has come to a step. */
async function reachesStep(run: string, step: number): Promise<void> {
  const log = join(run, 'metrics.jsonl');
  const deadline = Date.now() + 30_000;
  for (;;) {
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0;
    if (lines >= step) return;
    assert(Date.now() < deadline, `no step ${step} within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
