import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parameterGroups, vitLayerOf } from '../../src/optim/parameterGroups.js';
import {
  constant,
  cosineAnneal,
  type Schedule,
  timmCosine,
  vattCosine,
  vattStepwise,
  warmupCosine,
} from '../../src/optim/schedules.js';
import { goldenCase } from './goldenCase.js';

test('every schedule equals its reference', () => {
  const {
    json: { config },
    floats,
    expectClose,
  } = goldenCase('lr_schedules');
  const at = (schedule: Schedule, steps: ArrayLike<number>) => Array.from(steps, schedule);
  const { mae, timm_cosine: timm, vatt_cosine: vatt, vatt_stepwise: stepwise, cosine_anneal: anneal } = config;
  expectClose(
    'output.mae_lr',
    at(
      warmupCosine({ base: mae.lr, min: mae.min_lr, warmup: mae.warmup_epochs, total: mae.epochs }),
      floats('input.mae_epoch'),
    ),
  );
  expectClose(
    'output.timm_lr',
    at(
      timmCosine({
        base: timm.lr,
        min: timm.lr_min,
        warmup: timm.warmup_t,
        warmupInit: timm.warmup_lr_init,
        total: timm.t_initial,
      }),
      [0, ...Array(45).keys()],
    ),
  );
  expectClose(
    'output.vatt_lr',
    at(
      vattCosine({
        base: vatt.base,
        warmup: vatt.warmup_steps,
        warmupInit: vatt.warmup_lr,
        total: vatt.total_steps,
      }),
      floats('input.vatt_step'),
    ),
  );
  expectClose('output.vatt_stepwise_lr', at(vattStepwise(stepwise), floats('input.vatt_stepwise_step')));
  expectClose(
    'output.cosine_anneal',
    at(
      cosineAnneal({ start: anneal.start, target: anneal.target, total: anneal.ntime }),
      Array.from({ length: 101 }, (_, i) => 10 * i),
    ),
  );
});

test('schedules rise through warm-up, then never rise until total, and end at their minimum', () => {
  const schedules: Schedule[] = [
    warmupCosine({ base: 3e-3, min: 1e-5, warmup: 20, total: 200 }),
    timmCosine({ base: 3e-3, min: 1e-5, warmup: 20, total: 200 }),
    vattCosine({ base: 3e-3, warmup: 20, total: 200 }),
    vattStepwise({ levels: [3e-3, 1e-3, 1e-5], steps: [20, 100, 200], warmup: 20 }),
  ];
  for (const schedule of schedules) {
    assert.equal(schedule(0), 0);
    for (let step = 1; step < 20; step++) assert.ok(schedule(step) > schedule(step - 1));
    for (let step = 21; step <= 200; step++) assert.ok(schedule(step) <= schedule(step - 1));
    assert.ok(schedule(200) <= 1e-5 + 1e-15);
  }
  assert.equal(warmupCosine({ base: 3e-3, warmup: 20, total: 200 })(20), 3e-3);
  assert.equal(warmupCosine({ base: 3e-3, total: 200 })(0), 3e-3);
  assert.equal(constant(0.1)(1e9), 0.1);
});

test('annealing runs either way, after a delay, and holds its target', () => {
  const weight = cosineAnneal({ start: 0, target: 0.1, total: 100, delay: 10 });
  assert.deepEqual([0, 10].map(weight), [0, 0]);
  assert.ok(Math.abs(weight(60) - 0.05) < 1e-12);
  assert.deepEqual([110, 1e6].map(weight), [0.1, 0.1]);
});

test('impossible schedules are refused', () => {
  assert.throws(() => warmupCosine({ base: NaN, total: 10 }), /base is NaN/);
  assert.throws(() => warmupCosine({ base: 1, warmup: 10, total: 10 }), /warm-up of 10 must end before total/);
  assert.throws(() => constant(Infinity), /value is Infinity/);
  assert.throws(() => vattStepwise({ levels: [1, 2], steps: [5] }), /one step for each level/);
});

test('layer decay and weight decay equal the reference by name', () => {
  const {
    json: { config, groups },
    expectClose,
  } = goldenCase('layer_decay');
  const parameters = Object.entries<any>(groups).map(([name, { shape }]) => ({ name, shape }));
  const result = parameterGroups(parameters, {
    weightDecay: config.weight_decay,
    noDecay: config.no_weight_decay_list,
    layerDecay: config.layer_decay,
    layerOf: vitLayerOf(config.depth),
    numLayers: config.depth + 1,
  });
  assert.deepEqual(
    [...result.keys()],
    parameters.map(({ name }) => name),
  );
  for (const [name, { lr_scale, weight_decay }] of Object.entries<any>(groups)) {
    assert.deepEqual(result.get(name), { learningRateScale: lr_scale, weightDecay: weight_decay }, name);
  }
  const layers = ['cls_token', 'blocks.0.x', 'blocks.1.x', 'blocks.2.x', 'head.weight'];
  const scales = parameterGroups(
    layers.map((name) => ({ name, shape: [1] })),
    {
      weightDecay: 0,
      layerDecay: config.layer_decay,
      layerOf: vitLayerOf(config.depth),
    },
  );
  expectClose(
    'output.layer_scales',
    layers.map((name) => scales.get(name)!.learningRateScale),
  );
});

test('patterns, scales and decay of 1-D parameters', () => {
  const parameters = [
    { name: 'position/table', shape: [9, 4] },
    { name: 'dense/w', shape: [4, 4] },
    { name: 'dense/b', shape: [4] },
  ];
  const groups = parameterGroups(parameters, {
    weightDecay: 0.1,
    noDecay: [/^position/g],
    decay1d: true,
    learningRateScales: [{ match: /position/, scale: 10 }],
  });
  assert.deepEqual(
    [...groups.values()],
    [
      { learningRateScale: 10, weightDecay: 0 },
      { learningRateScale: 1, weightDecay: 0.1 },
      { learningRateScale: 1, weightDecay: 0.1 },
    ],
  );
  assert.equal(parameterGroups(parameters, { weightDecay: 0.1 }).get('dense/b')!.weightDecay, 0);
});

test('parameter groups refuse what cannot be meant', () => {
  const parameters = [{ name: 'dense/w', shape: [4, 4] }];
  const scaled = (match: string) => () =>
    parameterGroups(parameters, { weightDecay: 0, learningRateScales: [{ match, scale: 2 }] });
  assert.throws(scaled('dense/v'), /did you mean "dense\/w"\?/);
  assert.throws(() => parameterGroups(parameters, { weightDecay: -1 }), /weightDecay is -1/);
  assert.throws(() => parameterGroups(parameters, { weightDecay: 0, layerDecay: 0.5 }), /needs layerOf/);
  assert.throws(
    () => parameterGroups(parameters, { weightDecay: 0, layerDecay: 0.5, layerOf: () => 3, numLayers: 2 }),
    /layer 3, outside 0 to 2/,
  );
});
