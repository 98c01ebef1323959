/** On WebGPU parameters, gradients and optimiser state never leave the GPU: where the tensors of every run lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import * as ort from 'onnxruntime-node';
import type { AnswerMessage, WorkerThread } from '../../src/engine/protocol.js';
import { RemoteEngine } from '../../src/engine/remote.js';
import { Host, type OrtModule } from '../../src/engine/worker/host.js';
import { initialize, PARAMETER } from '../../src/nn/index.js';
import { keyFrom } from '../../src/random/index.js';
import { classificationObjective } from '../../src/tasks/classification.js';
import {
  Learner,
  learnerOptions,
  type Objective,
  pretrainingObjective,
  type Recipe,
} from '../../src/training/index.js';
import { noiseBatch, randomModel, tinyDescription, tinyRecipe } from '../training/tiny.js';
import { testDevices } from './devices.js';

const { skip } = (await testDevices()).find(({ device }) => device === 'webgpu')!;

/** Names of the inputs and outputs of one run by where they lay. */
interface Run {
  gpu: string[];
  cpu: string[];
}

/** An engine whose worker is this very thread, and what its sessions are run with. */
async function observedEngine(): Promise<{ engine: RemoteEngine; runs: Run[] }> {
  const runs: Run[] = [];
  const observed = {
    Tensor: ort.Tensor,
    InferenceSession: {
      create: async (model: Uint8Array, options: InferenceSession.SessionOptions) => {
        const session = await ort.InferenceSession.create(model, options);
        return {
          release: () => session.release(),
          run: async (feeds: Record<string, Tensor>, fetches: readonly string[]) => {
            const results = await session.run(feeds, fetches);
            const all = [...Object.entries(feeds), ...Object.entries(results)] as [string, Tensor][];
            const at = (place: string) => all.filter(([, t]) => t.location === place).map(([name]) => name);
            runs.push({ gpu: at('gpu-buffer'), cpu: at('cpu') });
            return results;
          },
        };
      },
    },
  } as unknown as OrtModule;
  let listener: (message: AnswerMessage) => void = () => {};
  const host = new Host(
    async () => observed,
    (message) => listener(message),
  );
  const thread: WorkerThread = {
    post: (message) => host.receive(message),
    onMessage: (given) => {
      listener = given;
    },
    onFailure: () => {},
    hold: () => {},
    terminate: async () => {},
  };
  return { engine: await RemoteEngine.start('webgpu', 1, thread), runs };
}

/** The inputs and outputs of the runs of two steps. */
async function twoSteps(recipe: Recipe, objective: Objective): Promise<Run[]> {
  const { engine, runs } = await observedEngine();
  const learner = await Learner.create(engine, objective, learnerOptions(recipe, objective.needs));
  await learner.load(initialize(objective.needs.parameters, keyFrom(1)));
  runs.length = 0;
  for (let step = 1; step <= 2; step++) {
    for (let part = 0; part < recipe.training.accumulation; part++)
      await learner.gradient(objective.feeds(noiseBatch(2, step, [0, 1]), keyFrom(step)), part);
    await learner.update(step, 1e-3);
  }
  const steps = runs.slice();
  await learner.dispose();
  return steps;
}

test('a pre-training step moves its batch, masks, draws and a few numbers, nothing else', { skip }, async () => {
  const recipe = tinyRecipe('unused', { model: randomModel, training: { accumulation: 2, emaDecay: 0.9 } });
  const objective = pretrainingObjective(tinyDescription(recipe), recipe.masking, 2);
  const runs = await twoSteps(recipe, objective);
  assert.equal(runs.length, 2 * (2 + 2 + 1));
  const fed = Object.keys(objective.feeds(noiseBatch(2, 1), keyFrom(1)));
  const numbers = ['loss', 'keep', 'gradientNorm', 'learningRate'];
  for (const { cpu, gpu } of runs) {
    const other = cpu.filter((name) => !fed.includes(name) && !numbers.includes(name) && !name.startsWith('scalar/'));
    assert.deepEqual(other, []);
    assert(gpu.length >= objective.needs.parameters.size);
  }
});

test('parameters that are not trained are sent to the GPU once', { skip }, async () => {
  const recipe = tinyRecipe('unused', { task: 'finetune', finetune: { freeze: 'encoder' } });
  const description = { ...tinyDescription(recipe), classes: ['a', 'b'] };
  const runs = await twoSteps(recipe, classificationObjective(description, recipe.finetune, 2));
  assert.deepEqual(
    runs.flatMap(({ cpu }) => cpu.filter((name) => name.startsWith(PARAMETER))),
    [],
  );
});
