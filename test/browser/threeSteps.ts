/** Three steps of masked pre-training through the browser's entry, which Node can load too. */
import {
  createEngine,
  type DeviceName,
  describeModel,
  fold,
  initialize,
  keyFrom,
  Learner,
  learnerOptions,
  normal,
  PARAMETER,
  pretrainingObjective,
  resolveRecipe,
  scheduleOf,
} from '../../src/browser.js';
import { smallHip } from '../smallHip.js';

export interface ThreeSteps {
  losses: number[];
  gradientNorms: number[];
  /** Sum of the absolute values of the embedders' parameters at the end. */
  parameterSum: number;
}

/** Trains a tiny HiP with all its random parts on batches of noise. */
export async function threeSteps(device: DeviceName): Promise<ThreeSteps> {
  const recipe = resolveRecipe({
    model: { variant: 'tiny', config: { ...smallHip, processorIndexDimTrain: 4, dropoutProb: 0.1, dropPathRate: 0.2 } },
    optimizer: { learningRate: 3e-3, warmupSteps: 1 },
    training: { steps: 3, batchSize: 2, emaDecay: 0.9 },
  });
  const description = describeModel(recipe, [{ name: 'image', indexShape: [8, 8], channels: 3 }]);
  const objective = pretrainingObjective(description, recipe.masking, 2);
  const engine = await createEngine({ device });
  const learner = await Learner.create(engine, objective, learnerOptions(recipe, objective.needs));
  const key = keyFrom(0);
  await learner.load(initialize(objective.needs.parameters, key));
  const losses: number[] = [];
  const gradientNorms: number[] = [];
  for (let step = 1; step <= 3; step++) {
    const image = normal(fold(key, 'batch', step), 2 * 64 * 3);
    losses.push(
      (
        await learner.gradient(
          objective.feeds({ size: 2, ids: Int32Array.of(0, 1), signals: { image } }, fold(key, 'step', step)),
        )
      ).loss,
    );
    gradientNorms.push(await learner.update(step, scheduleOf(recipe)(step)));
  }
  // A few of them only: each takes a session of its own on WebGPU.
  const names = [...objective.needs.parameters.keys()].filter((name) => name.includes('/embedder/'));
  const parameters = await engine.read(names.map((name) => PARAMETER + name));
  let parameterSum = 0;
  for (const values of parameters.values()) for (const value of values) parameterSum += Math.abs(value);
  await learner.dispose();
  await engine.dispose();
  return { losses, gradientNorms, parameterSum };
}
