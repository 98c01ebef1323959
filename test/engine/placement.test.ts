/** No node of a training step is left to the CPU by the WebGPU device: what the provider's own log says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Precision } from '../../src/engine/index.js';
import { type Placement, placementOf, readPlacement } from '../../src/engine/placement.js';
import { Graph, gradients, input } from '../../src/graph/index.js';
import { classificationObjective } from '../../src/tasks/classification.js';
import {
  learnerOptions,
  type Objective,
  type PartialRecipe,
  pretrainingObjective,
  type Recipe,
  trainingPrograms,
} from '../../src/training/index.js';
import { composites, Draw, samples } from '../graph/samples.js';
import { randomModel, tinyDescription, tinyModel, tinyRecipe } from '../training/tiny.js';
import { testDevices } from './devices.js';

const webgpu = (await testDevices()).find(({ device }) => device === 'webgpu')!;
const skip = webgpu.skip;

function onlyOnGpu(placement: Placement): void {
  assert.deepEqual([placement.cpu, placement.misplaced], [0, {}]);
  assert(placement.gpu > 20, `only ${placement.gpu} nodes`);
}

/** Checks the gradient, the accumulation where there is one, and the update. */
async function checkStep(recipe: Recipe, objective: Objective, precision: Precision = 'f32'): Promise<void> {
  const options = { ...learnerOptions(recipe, objective.needs), precision };
  const {
    segments: [{ gradient, update }],
    accumulate,
  } = trainingPrograms(objective, options);
  for (const program of [gradient, accumulate, update]) if (program) onlyOnGpu(await placementOf(program.graph));
}

const pretraining: Record<string, PartialRecipe> = {
  'HiP with 85 % of the inputs dropped, U-Net skips, all its random parts, AdamW with clipping, accumulation and EMA': {
    model: randomModel,
    masking: { ratio: 0.85 },
    optimizer: { name: 'adamw', clipNorm: 1 },
    training: { accumulation: 2, emaDecay: 0.9 },
  },
  'HiP with transposing regrouping, uniform masks that zero the inputs, all inputs reconstructed, LAMB': {
    model: { ...tinyModel, config: { ...(tinyModel?.config ?? {}), regroupType: 'transpose_reshape' } },
    masking: { scheme: 'uniform', input: 'zero', reconstruct: 'all', normalizeTargets: true, perExample: false },
    optimizer: { name: 'lamb' },
  },
};

for (const [name, partial] of Object.entries(pretraining)) {
  test(`a pre-training step runs on the GPU alone: ${name}`, { skip }, async () => {
    const recipe = tinyRecipe('unused', partial);
    await checkStep(recipe, pretrainingObjective(tinyDescription(recipe), recipe.masking, 2));
  });
}

test('a pre-training step in half precision runs on the GPU alone', { skip }, async () => {
  const recipe = tinyRecipe('unused', { model: randomModel, masking: { ratio: 0.85 } });
  await checkStep(recipe, pretrainingObjective(tinyDescription(recipe), recipe.masking, 2), 'f16');
});

test('a fine-tuning step runs on the GPU alone', { skip }, async () => {
  const recipe = tinyRecipe('unused', { task: 'finetune', optimizer: { name: 'sgd' } });
  await checkStep(
    recipe,
    classificationObjective({ ...tinyDescription(recipe), classes: ['a', 'b', 'c'] }, recipe.finetune, 2),
  );
});

test('of all operators and their gradients three rare ones are left to the CPU, and are named', { skip }, async () => {
  const cases = Object.entries(samples).flatMap(([operator, all]) =>
    Object.entries(all).map(([name, build]) => [`${operator}: ${name}`, build] as const),
  );
  const outputs = [...cases, ...Object.entries(composites)].flatMap(([name, build]) => {
    const draw = new Draw(name);
    const results = [build(draw)].flat();
    const loss = results.filter((t) => t.dtype === 'f32').map((t) => t.mul(1.5).sum());
    const wanted = loss.length > 0 ? draw.differentiable : [];
    return [
      ...results,
      ...(wanted.length > 0
        ? gradients(
            loss.reduce((a, b) => a.add(b)),
            wanted,
          )
        : []),
    ].map((t, i) => [`${name} → ${i}`, t] as const);
  });
  const { cpu, misplaced } = await placementOf(new Graph(new Map(outputs)));
  // Negation and slices of whole numbers, and the disjunction.
  assert.deepEqual([cpu, misplaced], [3, { Neg: 1, Or: 1, Slice: 1 }]);
});

test('copies between the two are counted', { skip }, async () => {
  const [a, b] = [input('a', [4]), input('b', [4])];
  const either = a.greater(0).or(b.greater(0));
  const { cpu, misplaced } = await placementOf(Graph.of({ y: either.where(a, b) }));
  assert.deepEqual([cpu, misplaced], [1, { MemcpyFromHost: 1, MemcpyToHost: 2, Or: 1 }]);
});

test('a log without placements is refused', () => {
  assert.throws(() => readPlacement('nothing\n'), /did not log where/);
});
