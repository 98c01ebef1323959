/** The objective against plain TypeScript, on the reference device in double precision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { constant, Graph, gradients, input, type Tensor, type Values } from '../../src/graph/index.js';
import { configOf, indexDim, type Modality, systems } from '../../src/models/index.js';
import { type ModelNeeds, PARAMETER, Scope } from '../../src/nn/index.js';
import {
  type AutoencodingOptions,
  drawMask,
  elementMask,
  maskedAutoencoding,
  maskFeeds,
} from '../../src/objectives/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { smallHip } from '../smallHip.js';

const BATCH = 3;
const key = keyFrom(9);
const config = configOf(systems.hip, 'tiny', smallHip);
const image: Modality = { name: 'image', indexShape: [8, 8], channels: 2 };
/** 4 groups of 3, 2 rows of final padding. */
const uneven: Modality = { name: 'image', indexShape: [10], channels: 2 };
/** Together: `video` in 3 groups of 7 with 1 row of final padding, `sound` in 1 group with 2 rows of group padding. */
const both: Modality[] = [
  { name: 'video', indexShape: [20], channels: 2 },
  { name: 'sound', indexShape: [5], channels: 1 },
];
const defaults: AutoencodingOptions = {
  scheme: 'group',
  ratio: 0.5,
  input: 'drop',
  perExample: false,
  reconstruct: 'masked',
  normalizeTargets: false,
};

/** Random values for every parameter, those included that begin at zero. */
function parametersOf({ parameters }: ModelNeeds): Record<string, Values> {
  return Object.fromEntries(
    [...parameters.values()].map(({ name, shape }) => {
      const centre = name.endsWith('/scale') ? 1 : 0;
      return [
        PARAMETER + name,
        normal(
          fold(key, name),
          shape.reduce((a, b) => a * b, 1),
        ).map((x) => centre + 0.3 * x),
      ];
    }),
  );
}

const signal = (m: Modality) => normal(fold(key, 'signal', m.name), BATCH * indexDim(m) * m.channels);

function build(modalities: Modality[], partial: Partial<AutoencodingOptions> = {}) {
  const options = { ...defaults, ...partial };
  const scope = Scope.root();
  const inputs = Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [BATCH, indexDim(m), m.channels])]));
  const built = maskedAutoencoding(scope, systems.hip, config, modalities, inputs, options);
  const feeds: Record<string, Values> = { ...maskFeeds(built.plans, options, key), ...parametersOf(scope.needs) };
  for (const m of modalities) feeds[m.name] = signal(m);
  return { ...built, scope, feeds, run: (outputs: Record<string, Tensor>) => run(outputs, feeds) };
}

function run(outputs: Record<string, Tensor>, feeds: Record<string, Values>): Record<string, Values> {
  // An output must not be called as an input is.
  const renamed = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [`result/${name}`, tensor]));
  const values = evaluate(Graph.of(renamed), feeds);
  return Object.fromEntries(Object.keys(outputs).map((name) => [name, values.get(`result/${name}`)!]));
}

/** The mean squared error over masked elements, from the reconstruction of all of them, in plain TypeScript. */
function plainLoss(modalities: Modality[], partial: Partial<AutoencodingOptions>): number {
  const { outputs, plans, run } = build(modalities, { ...partial, reconstruct: 'all' });
  const predicted = run(outputs.reconstruction);
  const losses = plans.map((plan) => {
    const { name, indexDim: count } = plan.part;
    const channels = predicted[name].length / (BATCH * count);
    const target = Float64Array.from(signal(modalities.find((m) => m.name === name)!));
    if (partial.normalizeTargets) normalizeGroups(target, count, channels, plan.rows);
    const mask = elementMask(plan, drawMask(plan, key));
    let [sum, terms] = [0, 0];
    for (let b = 0; b < BATCH; b++) {
      for (let f = 0; f < count; f++) {
        if (mask[(plan.examples === 1 ? 0 : b) * count + f] === 0) continue;
        for (let c = 0; c < channels; c++, terms++)
          sum +=
            (Number(predicted[name][(b * count + f) * channels + c]) - target[(b * count + f) * channels + c]) ** 2;
      }
    }
    return sum / terms;
  });
  return losses.reduce((a, b) => a + b) / losses.length;
}

/** Each group of each example to mean 0 and variance 1. */
function normalizeGroups(x: Float64Array, count: number, channels: number, rows: number): void {
  for (let b = 0; b < BATCH; b++) {
    for (let from = 0; from < count; from += rows) {
      const group = x.subarray((b * count + from) * channels, (b * count + Math.min(count, from + rows)) * channels);
      const mean = group.reduce((a, v) => a + v, 0) / group.length;
      const variance = group.reduce((a, v) => a + (v - mean) ** 2, 0) / group.length;
      for (let i = 0; i < group.length; i++) group[i] = (group[i] - mean) / Math.sqrt(variance + 1e-6);
    }
  }
}

const near = (got: number, expected: number, what: string) =>
  assert(Math.abs(got - expected) < 1e-6 * Math.max(1, Math.abs(expected)), `${what}: ${got}, not ${expected}`);

test('the loss is the mean squared error over what is masked, for every way of masking, with and without padding', () => {
  const sets = { even: [image], uneven: [uneven], both };
  for (const [name, modalities] of Object.entries(sets)) {
    for (const masking of ['drop', 'zero'] as const) {
      for (const [scheme, perExample] of [
        ['group', false],
        ['group', true],
        ['uniform', true],
      ] as const) {
        for (const normalizeTargets of [false, true]) {
          const ratio = modalities === both ? { video: 0.6, sound: 0.2 } : 0.6;
          const options = { input: masking, scheme, perExample, normalizeTargets, ratio };
          const { loss, run } = build(modalities, options);
          near(Number(run({ loss }).loss[0]), plainLoss(modalities, options), `${name} ${JSON.stringify(options)}`);
        }
      }
    }
  }
});

test('asking for the masked positions alone changes neither loss nor gradients', () => {
  for (const modalities of [[image], both]) {
    const results = (['masked', 'all'] as const).map((reconstruct) => {
      const { loss, losses, scope, run } = build(modalities, { reconstruct, perExample: true });
      const table = [...scope.needs.parameters.keys()].find((n) => n.includes('pos_emb_mae'))!;
      const [gradient] = gradients(loss, [Graph.of({ loss }).inputs.get(PARAMETER + table)!]);
      return run({ loss, gradient, ...losses });
    });
    for (const [name, values] of Object.entries(results[0])) {
      values.forEach((x, i) => near(Number(x), Number(results[1][name][i]), `${name}[${i}]`));
    }
  }
});

test('dropping is running the model on the visible rows alone', () => {
  const { outputs, plans, scope, feeds, run: runDropped } = build([image], { ratio: 0.75 });
  const [{ numVisible }] = plans;
  assert.deepEqual(scope.needs.taps.get('inputs')!.shape, [BATCH, 4, numVisible, 8]);

  // The same network over a signal that has those rows only, and their rows of the position table.
  const { visible } = drawMask(plans[0], key);
  const elements = [0, 1, 2, 3].flatMap((group) => [...visible].map((row) => group * 16 + row));
  const few: Modality = { name: 'image', indexShape: [elements.length], channels: 2 };
  const alone = Scope.root();
  const { blocks } = systems.hip.apply(
    alone,
    config,
    [few],
    { image: input('image', [BATCH, elements.length, 2]) },
    { encoderOnly: true },
  );
  const table = [...alone.needs.parameters.keys()].find((name) => name.includes('pos_emb_mae'))!;
  const pick = (x: Values, of: number, width: number) =>
    Float32Array.from({ length: (x.length / of) * elements.length }, (_, i) => {
      const row = Math.floor(i / width);
      return Number(
        x[(Math.floor(row / elements.length) * of + elements[row % elements.length]) * width + (i % width)],
      );
    });
  const byHand = run(Object.fromEntries(blocks.entries()), {
    ...feeds,
    image: pick(feeds.image, 64, 2),
    [PARAMETER + table]: pick(feeds[PARAMETER + table], 64, 8),
  });
  const dropped = runDropped(Object.fromEntries(outputs.blocks.slice(0, 2).entries()));
  for (const block of ['0', '1'])
    dropped[block].forEach((x, i) => near(Number(x), Number(byHand[block][i]), `block ${block}, ${i}`));
});

test('zeroing is running the model on a signal that is 0 where it is masked', () => {
  const { outputs, plans, feeds, run: runZeroed } = build([image], { input: 'zero', reconstruct: 'all' });
  const mask = elementMask(plans[0], drawMask(plans[0], key));
  const scope = Scope.root();
  const whole = systems.hip.apply(scope, config, [image], { image: input('image', [BATCH, 64, 2]) });
  const zeroed = (feeds.image as Float32Array).map((x, i) => (mask[Math.floor(i / 2) % 64] === 1 ? 0 : x));
  const byHand = run(whole.reconstruction, { ...feeds, image: zeroed }).image;
  runZeroed(outputs.reconstruction).image.forEach((x, i) => near(Number(x), Number(byHand[i]), `element ${i}`));
});

test("the encoder's work and input shrink with the ratio when dropping, and stay when zeroing", () => {
  const cost = (masking: 'drop' | 'zero', ratio: number) => {
    const { outputs, scope } = build([image], { input: masking, ratio });
    return { flops: Graph.of({ encoded: outputs.blocks[1] }).flops, rows: scope.needs.taps.get('inputs')!.shape[2] };
  };
  const ratios = [0.25, 0.5, 0.75, 0.875];
  const dropped = ratios.map((ratio) => cost('drop', ratio));
  assert.deepEqual(
    dropped.map(({ rows }) => rows),
    [12, 8, 4, 2],
  );
  // The first block's part that reads inputs shrinks with their number (products are ordered anew); the rest is constant.
  dropped.slice(1).forEach(({ flops }, i) => assert(flops < dropped[i].flops));
  const zeroed = ratios.map((ratio) => cost('zero', ratio));
  for (const { flops, rows } of zeroed) assert.deepEqual([flops, rows], [zeroed[0].flops, 16]);
  assert(zeroed[0].flops > dropped[0].flops);
});

test('modalities that keep different numbers of rows are padded to the longest', () => {
  const { scope, plans } = build(both, { ratio: { video: 0.7, sound: 0.2 } });
  assert.deepEqual(
    plans.map((p) => p.numVisible),
    [2, 4],
  );
  assert.deepEqual(scope.needs.taps.get('inputs')!.shape, [BATCH, 4, 4, 8]);
});

test('the position table is moved only where it was seen or asked for', () => {
  const scope = Scope.root();
  const rows = (list: number[]) => constant(Int32Array.from(list), [1, 1, list.length], 'i32');
  const { reconstruction } = systems.hip.apply(
    scope,
    config,
    [image],
    { image: input('image', [BATCH, 64, 2]) },
    {
      selections: { image: { visible: rows([1, 4, 9]), queried: rows([2, 9]) } },
    },
  );
  const loss = reconstruction.image.mul(reconstruction.image).sum();
  const table = [...scope.needs.parameters.keys()].find((name) => name.includes('pos_emb_mae'))!;
  const [gradient] = gradients(loss, [Graph.of({ loss }).inputs.get(PARAMETER + table)!]);
  const values = run({ gradient }, { ...parametersOf(scope.needs), image: signal(image) }).gradient;
  for (let element = 0; element < 64; element++) {
    const moved = values.slice(element * 8, element * 8 + 8).some((x) => x !== 0);
    assert.equal(moved, [1, 2, 4, 9].includes(element % 16), `element ${element}`);
  }
});
