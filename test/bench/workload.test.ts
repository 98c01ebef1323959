import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateTraining, fitted, largestBatch, Trainer } from '../../bench/training.js';
import { buildWorkload, parameterValues, type WorkloadSpec } from '../../bench/workload.js';
import { createEngine } from '../../src/engine/index.js';

const tiny: WorkloadSpec = {
  ...{ system: 'hip', variant: 'tiny', indexShape: [16, 16], channels: 3, batch: 2 },
  task: 'reconstruct',
};
const variants: WorkloadSpec[] = [
  tiny,
  { ...tiny, task: 'encode' },
  { ...tiny, task: 'autoencode', masking: 'drop' },
  { ...tiny, task: 'autoencode', masking: 'all' },
  { ...tiny, task: 'inputStage', masking: 'drop' },
  { ...tiny, task: 'inputStage', masking: 'all' },
  { ...tiny, system: 'perceiver_io', variant: 'io_mini', task: 'encode' },
];

test('every workload trains: its loss falls', async () => {
  await using engine = await createEngine({ device: 'cpu' });
  for (const spec of variants) {
    const trainer = await Trainer.create(engine, buildWorkload(spec));
    const losses = [];
    for (let i = 0; i < 4; i++) losses.push((await trainer.step()).loss);
    assert.ok(losses[3] < losses[0], `${spec.task} ${spec.masking ?? ''}: ${losses}`);
    await trainer.dispose();
  }
});

test('dropping leaves fewer inputs to the input stage', () => {
  const rows = (masking: 'drop' | 'all') => {
    const { feeds } = buildWorkload({ ...tiny, task: 'inputStage', masking });
    return Object.entries(feeds()).find(([name]) => name.endsWith('.visible'))?.[1].length;
  };
  // 4 groups of 64 rows share a mask; each of 2 examples has one: 15 % of 64 rows.
  assert.equal(rows('drop'), 2 * 10);
  assert.equal(rows('all'), undefined);
});

test('the input stage trains its own parameters alone', () => {
  const names = [...buildWorkload({ ...tiny, task: 'inputStage' }).needs.parameters.keys()];
  assert.ok(names.length > 0);
  assert.deepEqual(
    names.filter((name) => /block_[1-9]|self_attend|reconstruction_head/.test(name)),
    [],
  );
});

test('parameters are equal from run to run, and none is all zeros', () => {
  const { needs } = buildWorkload(tiny);
  const [first, second] = [0, 1].map(() => parameterValues(needs.parameters.values()));
  assert.deepEqual(first, second);
  for (const [name, values] of first)
    assert.ok(values.every((v) => Number.isFinite(v)) && values.some((v) => v !== 0), name);
});

test('the largest batch fits, and one more does not', () => {
  const needed = (batch: number) => estimateTraining({ ...tiny, batch, rematerialize: 'layers' }).peak;
  const budget = needed(5) + 1;
  const largest = largestBatch(tiny, budget);
  assert.ok(largest >= 5 && needed(largest) <= budget && needed(largest + 1) > budget, String(largest));
  assert.equal(largestBatch(tiny, 1e6), 0);
});

test('no more is computed again than the budget asks for', () => {
  const { peak } = estimateTraining(tiny);
  assert.equal(fitted(tiny, peak).spec.rematerialize, 'none');
  const lean = fitted(tiny, 1e6);
  assert.ok(lean.spec.rematerialize !== 'none' && lean.estimate < peak && lean.estimate > 1e6);
});
