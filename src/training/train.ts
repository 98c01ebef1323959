/** The training loop. Everything random is a function of the recipe's seed and the step, so a resumed run is the same run. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointPath, pruneCheckpoints, saveCheckpoint } from '../checkpoint/index.js';
import { type Batch, kindOf, type LeftOut, type Loader } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { fold, type Key, keyFrom } from '../random/index.js';
import { stopAtBadNumber } from './badNumber.js';
import type { ModelDescription } from './description.js';
import { Learner } from './learner.js';
import type { Objective } from './objective.js';
import { learnerOptions, scheduleOf } from './optimization.js';
import type { Recipe } from './recipe.js';
import { recipePrograms } from './recipePrograms.js';
import { RunLog } from './runLog.js';
import { resumePoint, toCheckpoint } from './runState.js';

/** Everything that {@link train} needs. */
export interface TrainingRun {
  recipe: Recipe;
  /** Folder of the run. */
  folder: string;
  description: ModelDescription;
  objective: Objective;
  engine: Engine;
  /** Makes the first values of all parameters, by name, which move to the engine; not asked when the run is resumed. */
  initial(): Map<string, Float32Array>;
  /** Batches from a step (counted in batches from 0) on. */
  openLoader(startBatch: number, key: Key): Loader;
  /** Called every `training.evaluateEvery` steps with the parameters; what it returns is logged. */
  evaluate?(parameters: Map<string, Float32Array>): Promise<Record<string, number>>;
  /** Aborting it ends the run after the step at hand, saved. */
  signal?: AbortSignal;
  /** Shown before the progress bar. */
  label?: string;
  quiet?: boolean;
}

/** How a run went. */
export interface TrainingResult extends LeftOut {
  /** Folder of the run. */
  folder: string;
  /** Updates made in all, before a resume included. */
  step: number;
  /** Of the last step, the mean over its accumulated batches; NaN where there was none left to make. */
  loss: number;
  /** Seconds of this process in the loop. */
  seconds: number;
  interrupted: boolean;
  /** Updates left out because a gradient in half precision was infinite. */
  skippedUpdates: number;
  /** The checkpoint written last. */
  checkpoint: string;
  parameters: Map<string, Float32Array>;
}

/** Runs a recipe's steps. Throws a sentence where the loss stops being a number; the batch is then saved beside the run. */
export async function train(run: TrainingRun): Promise<TrainingResult> {
  const { recipe, engine, objective } = run;
  // Where to start: at step 0, or where the last complete checkpoint stands.
  const resumed = await resumePoint(run);
  const start = resumed?.step ?? 0;
  const loader = run.openLoader(start * recipe.training.accumulation, fold(keyFrom(recipe.training.seed), 'data'));
  try {
    // The engine's thread compiles while this one makes the first values and the loader's decode the first batches.
    const [learner, parameters] = await Promise.all([
      Learner.create(engine, objective, learnerOptions(recipe, objective.needs), recipePrograms(recipe, objective)),
      (async () => resumed?.snapshot.parameters ?? run.initial())(),
    ]);
    try {
      await learner.load(parameters, resumed?.snapshot, { transfer: true });
      const log = await openLog(run, start);
      try {
        return await takeSteps(run, learner, loader, log, start, resumed?.checkpoint);
      } finally {
        log.close();
      }
    } finally {
      await learner.dispose();
    }
  } finally {
    await loader.close();
  }
}

async function openLog({ recipe, folder, description, label, quiet }: TrainingRun, start: number): Promise<RunLog> {
  const { steps, logEvery } = recipe.training;
  const log = await RunLog.open(folder, {
    label: label ?? recipe.task,
    unit: description.reader ? `${kindOf(description.reader).noun}s` : 'examples',
    total: steps,
    start,
    every: logEvery,
    quiet: quiet ?? false,
  });
  await writeFile(join(folder, 'recipe.json'), `${JSON.stringify(recipe, null, 2)}\n`);
  return log;
}

async function takeSteps(
  run: TrainingRun,
  learner: Learner,
  loader: Loader,
  log: RunLog,
  start: number,
  startCheckpoint = '',
): Promise<TrainingResult> {
  const { recipe, folder, objective, signal } = run;
  const { steps, batchSize, accumulation, checkpointEvery, keepCheckpoints, evaluateEvery, seed } = recipe.training;
  const root = keyFrom(seed);
  const schedule = scheduleOf(recipe);
  const began = performance.now();
  let checkpoint = startCheckpoint;
  let saved = start;
  let loss = Number.NaN;
  let step = start;
  const save = async () => {
    if (saved === step && checkpoint) return;
    checkpoint = checkpointPath(folder, step);
    await saveCheckpoint(checkpoint, toCheckpoint(run, learner.lazySnapshot(), step));
    await pruneCheckpoints(folder, keepCheckpoints);
    saved = step;
  };

  while (step < steps && !signal?.aborted) {
    step++;
    const key = fold(root, 'step', step);
    const metrics: Record<string, number> = {};
    let last: Batch | undefined;
    loss = 0;
    for (let part = 0; part < accumulation; part++) {
      const batch = await nextBatch(loader, batchSize);
      const result = await learner.gradient(objective.feeds(batch, fold(key, part), (step - 1) / steps), part);
      if (!Number.isFinite(result.loss)) await stopAtBadNumber(run, learner, batch, step, `loss became ${result.loss}`);
      last = batch;
      loss += result.loss / accumulation;
      for (const [name, value] of Object.entries(result.metrics))
        metrics[name] = (metrics[name] ?? 0) + value / accumulation;
    }
    const learningRate = schedule(step);
    const gradientNorm = await learner.update(step, learningRate);
    const { lossScale } = learner;
    if (lossScale) Object.assign(metrics, { lossScale: lossScale.value, skippedUpdates: lossScale.skipped });
    // In f32 the update has spoilt the parameters by then, and a checkpoint of them would be of no use.
    if (!Number.isFinite(gradientNorm) && (!lossScale || lossScale.isExhausted))
      await stopAtBadNumber(run, learner, last!, step, `gradient's norm became ${gradientNorm}`);
    const examples = (step - start) * batchSize * accumulation;
    log.step(
      { step, loss, learningRate, gradientNorm, examples, dataWait: loader.waitSeconds, metrics },
      step === steps,
    );

    if (checkpointEvery > 0 && step % checkpointEvery === 0 && step < steps) await save();
    if (run.evaluate && evaluateEvery > 0 && step % evaluateEvery === 0)
      log.record(step, await run.evaluate(await learner.parameters()));
  }
  await save();
  const seconds = (performance.now() - began) / 1000;
  return {
    folder,
    step,
    loss,
    seconds,
    interrupted: step < steps,
    skippedUpdates: learner.lossScale?.skipped ?? 0,
    checkpoint,
    parameters: await learner.parameters(),
    skipped: loader.skipped,
    flawed: loader.flawed,
  };
}

/** A full batch. Throws where the data set is too small to fill one. */
async function nextBatch(loader: Loader, batchSize: number): Promise<Batch> {
  const batch = await loader.next();
  ensure(
    batch && batch.size === batchSize,
    () =>
      `The data set gives ${batch?.size ?? 0} readable examples for a batch of ${batchSize}: use a smaller --batch-size.`,
  );
  return batch;
}
