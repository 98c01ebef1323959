/** The training loop. Everything random is a function of the recipe's seed and the step, so a resumed run is the same run. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkpointPath,
  latestCheckpoint,
  loadCheckpoint,
  pruneCheckpoints,
  type StoredTensor,
  saveCheckpoint,
  toFloat32,
  writeFileAtomic,
  writeSafetensors,
} from '../checkpoint/index.js';
import type { Batch, Loader, SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { sameShape, show } from '../graph/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { fold, type Key, keyFrom } from '../random/index.js';
import { type ModelDescription, toConfig } from './description.js';
import { Learner, type Snapshot } from './learner.js';
import type { Objective } from './objective.js';
import { learnerOptions, scheduleOf } from './optimization.js';
import type { Recipe } from './recipe.js';
import { RunLog } from './runLog.js';

export interface TrainingRun {
  recipe: Recipe;
  /** Folder of the run. */
  folder: string;
  description: ModelDescription;
  objective: Objective;
  engine: Engine;
  /** First values of all parameters, by name; not used when the run is resumed. */
  initial: ReadonlyMap<string, Float32Array>;
  /** Batches from a step (counted in batches from 0) on. */
  openLoader(startBatch: number, key: Key): Loader;
  /** Called every `training.evaluateEvery` steps; what it returns is logged. */
  evaluate?(snapshot: Snapshot, step: number): Promise<Record<string, number>>;
  /** Aborting it ends the run after the step at hand, saved. */
  signal?: AbortSignal;
  /** Shown before the progress bar. */
  label?: string;
  quiet?: boolean;
}

export interface TrainingResult {
  /** Folder of the run. */
  folder: string;
  /** Updates made in all, before a resume included. */
  step: number;
  /** Mean loss of the last steps that were logged together. */
  loss: number;
  /** Seconds of this process in the loop. */
  seconds: number;
  interrupted: boolean;
  /** The checkpoint written last. */
  checkpoint: string;
  parameters: Map<string, Float32Array>;
  skipped: readonly SkippedFile[];
}

/** Runs a recipe's steps. Throws a sentence where the loss stops being a number; the batch is then saved beside the run. */
export async function train(run: TrainingRun): Promise<TrainingResult> {
  const { recipe, folder, objective, engine, signal } = run;
  const { steps, batchSize, accumulation, checkpointEvery, keepCheckpoints, evaluateEvery, logEvery, seed } =
    recipe.training;
  const root = keyFrom(seed);

  // Where to start: at step 0, or where the last complete checkpoint stands.
  const resumed = await resumePoint(run);
  const start = resumed?.step ?? 0;
  const schedule = scheduleOf(recipe);
  const learner = await Learner.create(engine, objective, learnerOptions(recipe, objective.needs));
  await learner.load(resumed?.snapshot.parameters ?? run.initial, resumed?.snapshot);
  const loader = run.openLoader(start * accumulation, fold(root, 'data'));
  const log = await RunLog.open(folder, {
    label: run.label ?? recipe.task,
    total: steps,
    start,
    every: logEvery,
    quiet: run.quiet ?? false,
  });
  await writeFile(join(folder, 'recipe.json'), `${JSON.stringify(recipe, null, 2)}\n`);

  const began = performance.now();
  let checkpoint = resumed?.checkpoint ?? '';
  let saved = start;
  let loss = Number.NaN;
  let step = start;
  const save = async (snapshot: Snapshot) => {
    if (saved === step && checkpoint) return;
    checkpoint = checkpointPath(folder, step);
    await saveCheckpoint(checkpoint, toCheckpoint(run, snapshot, step));
    await pruneCheckpoints(folder, keepCheckpoints);
    saved = step;
  };

  try {
    while (step < steps && !signal?.aborted) {
      step++;
      const key = fold(root, 'step', step);
      const metrics: Record<string, number> = {};
      let last: Batch | undefined;
      loss = 0;
      for (let part = 0; part < accumulation; part++) {
        const batch = await nextBatch(loader, batchSize);
        const result = await learner.gradient(objective.feeds(batch, fold(key, part)), part);
        if (!Number.isFinite(result.loss))
          await stopAtBadNumber(run, learner, batch, step, `loss became ${result.loss}`);
        last = batch;
        loss += result.loss / accumulation;
        for (const [name, value] of Object.entries(result.metrics))
          metrics[name] = (metrics[name] ?? 0) + value / accumulation;
      }
      const learningRate = schedule(step);
      const gradientNorm = await learner.update(step, learningRate);
      // The update has spoilt the parameters by then, and a checkpoint of them would be of no use.
      if (!Number.isFinite(gradientNorm))
        await stopAtBadNumber(run, learner, last!, step, `gradient's norm became ${gradientNorm}`);
      const examples = (step - start) * batchSize * accumulation;
      log.step(
        { step, loss, learningRate, gradientNorm, examples, dataWait: loader.waitSeconds, metrics },
        step === steps,
      );

      if (checkpointEvery > 0 && step % checkpointEvery === 0 && step < steps) await save(await learner.snapshot());
      if (run.evaluate && evaluateEvery > 0 && step % evaluateEvery === 0)
        log.record(step, await run.evaluate(await learner.snapshot(), step));
    }
    const last = await learner.snapshot();
    await save(last);
    const seconds = (performance.now() - began) / 1000;
    return {
      folder,
      step,
      loss,
      seconds,
      interrupted: step < steps,
      checkpoint,
      parameters: last.parameters,
      skipped: loader.skipped,
    };
  } finally {
    log.close();
    await loader.close();
    await learner.dispose();
  }
}

async function nextBatch(loader: Loader, batchSize: number): Promise<Batch> {
  const batch = await loader.next();
  ensure(
    batch && batch.size === batchSize,
    () =>
      `The data set gives ${batch?.size ?? 0} readable examples for a batch of ${batchSize}: use a smaller --batch-size.`,
  );
  return batch;
}

/** The newest checkpoint of a run that is to go on. A folder that holds another run is never written over. */
async function resumePoint({
  recipe,
  folder,
  objective,
}: TrainingRun): Promise<{ step: number; checkpoint: string; snapshot: Snapshot } | undefined> {
  const checkpoint = existsSync(folder) ? await latestCheckpoint(folder) : undefined;
  ensure(
    recipe.training.resume || checkpoint === undefined,
    () => `${folder} holds a run already: add --resume to go on with it, or choose another --out.`,
  );
  if (checkpoint === undefined) return undefined;
  const { config, parameters, optimizer = new Map(), ema = new Map(), trainer } = await loadCheckpoint(checkpoint);
  const { step, seed } = (trainer ?? {}) as { step?: number; seed?: number };
  ensure(
    typeof step === 'number',
    () => `${checkpoint} holds weights alone and cannot be resumed: trainer.json is missing.`,
  );
  ensure(
    seed === recipe.training.seed,
    () => `${checkpoint} was trained with seed ${seed}: resume with --seed ${seed}.`,
  );
  const rule = (config.recipe as Recipe | undefined)?.optimizer.name;
  ensure(
    rule === recipe.optimizer.name,
    () => `${checkpoint} holds the optimizer state of ${rule}: resume with --optimizer.name ${rule}.`,
  );
  for (const { name, shape } of objective.needs.parameters.values()) {
    const before = parameters.get(name)?.shape;
    ensure(
      before && sameShape(before, shape),
      () =>
        `${checkpoint} is of another model, whose "${name}" ${before ? `is ${show(before)}, not ${show(shape)}` : 'does not exist'}: resume with the recipe that it was trained with.`,
    );
  }
  return {
    step,
    checkpoint,
    snapshot: { parameters: floats(parameters), optimizer: floats(optimizer), ema: floats(ema) },
  };
}

function floats(tensors: ReadonlyMap<string, StoredTensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, t]) => [name, toFloat32(t)]));
}

function toCheckpoint({ description, recipe, objective }: TrainingRun, snapshot: Snapshot, step: number) {
  const shapes = objective.needs.parameters;
  const slots = new Map(
    [...snapshot.optimizer.keys()].map((key) => [key, shapes.get(key.slice(key.indexOf('/') + 1))!]),
  );
  return {
    config: toConfig(description, recipe),
    parameters: stored(snapshot.parameters, shapes),
    optimizer: stored(snapshot.optimizer, slots),
    ...(snapshot.ema.size > 0 ? { ema: stored(snapshot.ema, shapes) } : {}),
    trainer: { step, seed: recipe.training.seed },
  };
}

/** Arrays as a checkpoint stores them, with the shapes of the parameters that they belong to. */
export function stored(
  values: ReadonlyMap<string, Float32Array>,
  specs: ReadonlyMap<string, ParameterSpec>,
): Map<string, StoredTensor> {
  return new Map(
    [...values].map(([name, data]) => [
      name,
      { dtype: 'F32', shape: [...(specs.get(name)?.shape ?? [data.length])], data },
    ]),
  );
}

/** Saves the batch, looks for the first tensor that went bad, and says so. */
async function stopAtBadNumber(
  { folder, recipe }: TrainingRun,
  learner: Learner,
  batch: Batch,
  step: number,
  what: string,
): Promise<never> {
  const file = join(folder, `bad-batch-step-${step}.safetensors`);
  await writeSafetensors(
    file,
    new Map(
      Object.entries(batch.signals).map(([name, data]) => [
        name,
        { dtype: 'F32', shape: [batch.size, data.length / batch.size], data } as StoredTensor,
      ]),
    ),
  );
  await writeFileAtomic(join(folder, `bad-batch-step-${step}.json`), JSON.stringify({ ids: [...batch.ids] }));
  const { parameters } = await learner.snapshot();
  const inGradient = await learner.firstBadGradient();
  const bad =
    firstBad(Object.entries(batch.signals), 'input') ??
    firstBad(parameters, 'parameter') ??
    (inGradient && `the gradient of "${inGradient}"`);
  const first = bad ? `; the first bad tensor is ${bad}` : '';
  throw new HiperceiverError(
    `The ${what} at step ${step}${first}: the batch is in ${file}; lower --optimizer.learningRate (now ${recipe.optimizer.learningRate}) or clip more (--optimizer.clipNorm).`,
  );
}

function firstBad(tensors: Iterable<[string, Float32Array]>, kind: string): string | undefined {
  for (const [name, values] of tensors) if (!values.every(Number.isFinite)) return `${kind} "${name}"`;
  return undefined;
}
