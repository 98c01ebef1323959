/** A run's state in its folder: what a checkpoint of it holds, and where a resumed run goes on. */
import { existsSync } from 'node:fs';
import {
  type Checkpoint,
  type LazyTensor,
  latestCheckpoint,
  loadCheckpoint,
  type StoredTensor,
  toFloat32,
} from '../checkpoint/index.js';
import { ensure } from '../errors/index.js';
import { sameShape, show } from '../graph/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { toConfig } from './description.js';
import type { Snapshot } from './learner.js';
import type { LossScaleState } from './lossScale.js';
import type { Recipe } from './recipe.js';
import type { TrainingRun } from './train.js';

/**
 * The newest checkpoint of a run that is to go on; undefined where it begins.
 * @throws HiperceiverError where the folder holds a run that is not to go on, or another experiment
 */
export async function resumePoint({
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
  const { step, seed, lossScale } = (trainer ?? {}) as { step?: number; seed?: number; lossScale?: LossScaleState };
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
    snapshot: { parameters: floats(parameters), optimizer: floats(optimizer), ema: floats(ema), lossScale },
  };
}

function floats(tensors: ReadonlyMap<string, StoredTensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, t]) => [name, toFloat32(t)]));
}

/** What a run saves after a step. */
export function toCheckpoint(
  { description, recipe, objective }: TrainingRun,
  snapshot: Snapshot<() => Promise<Float32Array>>,
  step: number,
): Checkpoint<LazyTensor> {
  const shapes = objective.needs.parameters;
  const slots = new Map(
    [...snapshot.optimizer.keys()].map((key) => [key, shapes.get(key.slice(key.indexOf('/') + 1))!]),
  );
  return {
    config: toConfig(description, recipe),
    parameters: stored(snapshot.parameters, shapes),
    optimizer: stored(snapshot.optimizer, slots),
    ...(snapshot.ema.size > 0 ? { ema: stored(snapshot.ema, shapes) } : {}),
    trainer: {
      step,
      seed: recipe.training.seed,
      ...(snapshot.lossScale ? { lossScale: snapshot.lossScale } : {}),
    },
  };
}

/** Arrays as a checkpoint stores them, with the shapes of the parameters that they belong to. */
function stored(
  arrays: ReadonlyMap<string, () => Promise<Float32Array>>,
  specs: ReadonlyMap<string, ParameterSpec>,
): Map<string, LazyTensor> {
  return new Map([...arrays].map(([name, load]) => [name, { dtype: 'F32', shape: [...specs.get(name)!.shape], load }]));
}
