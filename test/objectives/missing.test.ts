/** Masked auto-encoding of examples that are padded or lack modalities, and of modalities that are hidden as a whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { Graph, gradients, input, type Tensor, type Values } from '../../src/graph/index.js';
import { configOf, indexDim, type Modality, systems, validFeeds, validInputs } from '../../src/models/index.js';
import { drawAll, PARAMETER, Scope } from '../../src/nn/index.js';
import {
  type AutoencodingOptions,
  drawMask,
  drawSeen,
  elementMask,
  maskedAutoencoding,
  maskFeeds,
} from '../../src/objectives/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { smallHip } from '../smallHip.js';

const BATCH = 3;
const key = keyFrom(19);
/** Of 4 groups 3 of 7 for the film (1 row of final padding), and 1 of 5 for the sound (2 rows of group padding). */
const both: Modality[] = [
  { name: 'film', indexShape: [20], channels: 2 },
  { name: 'sound', indexShape: [5], channels: 1 },
];
const defaults: AutoencodingOptions = {
  scheme: 'group',
  ratio: { film: 0.6, sound: 0.4 },
  input: 'drop',
  perExample: true,
  reconstruct: 'masked',
  normalizeTargets: false,
};
/** Example 0 is whole, 1 has half a film, 2 has no film and four samples of sound. */
const lengths: Record<string, number[]> = { film: [20, 10, 0], sound: [5, 5, 4] };
const someReal = validOf(lengths);

function validOf(long: Record<string, number[]>): Record<string, Float32Array> {
  return Object.fromEntries(
    both.map(({ name, indexShape: [rows] }) => [
      name,
      Float32Array.from({ length: BATCH * rows }, (_, i) => Number(i % rows < long[name][Math.floor(i / rows)])),
    ]),
  );
}

const signals = Object.fromEntries(
  both.map((m) => [m.name, normal(fold(key, 'signal', m.name), BATCH * indexDim(m) * m.channels)]),
);

interface Setting extends Partial<AutoencodingOptions> {
  system?: string;
  training?: boolean;
  /** What is real, by modality; not told where absent. */
  real?: Record<string, Float32Array>;
}

function build({ system = 'hip', training = false, real, ...partial }: Setting) {
  const options = { ...defaults, ...partial };
  const scope = Scope.root({ training });
  const small = {
    numSelfAttendsPerBlock: 1,
    zIndexDim: 4,
    numZChannels: 8,
    numSelfAttendHeads: 2,
    numEmbeddingChannels: 8,
  };
  const config =
    system === 'hip' ? configOf(systems.hip, 'tiny', smallHip) : configOf(systems[system], 'io_mini', small);
  const inputs = Object.fromEntries(both.map((m) => [m.name, input(m.name, [BATCH, indexDim(m), m.channels])]));
  const valid = real && validInputs(both, BATCH);
  const built = maskedAutoencoding(scope, systems[system], config, both, inputs, options, valid);
  const feeds: Record<string, Values> = {
    ...signals,
    ...(real ? validFeeds(both, BATCH, real) : {}),
    ...maskFeeds(built.plans, options, key, real),
  };
  for (const [name, values] of drawAll(scope.needs.draws, key)) feeds[`draw/${name}`] = values;
  for (const { name, shape } of scope.needs.parameters.values()) {
    const noise = normal(
      fold(key, name),
      shape.reduce((a, b) => a * b, 1),
    );
    feeds[PARAMETER + name] = noise.map((x) => (name.endsWith('/scale') ? 1 : 0) + 0.3 * x);
  }
  const run = (outputs: Record<string, Tensor>, other: Record<string, Values> = {}) => {
    const renamed = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [`result/${name}`, t]));
    const values = evaluate(Graph.of(renamed), { ...feeds, ...other });
    return Object.fromEntries(
      Object.keys(outputs).map((name) => [name, Array.from(values.get(`result/${name}`)!, Number)]),
    );
  };
  const derivatives = () => {
    const parameters = [...scope.needs.tensors];
    const all = gradients(
      built.loss,
      parameters.map(([, t]) => t),
    );
    return Object.fromEntries(parameters.map(([name], i) => [name, all[i]]));
  };
  return { ...built, feeds, run, derivatives };
}

const near = (got: number, expected: number, what: string) =>
  assert(Math.abs(got - expected) < 1e-9 * Math.max(1, Math.abs(expected)), `${what}: ${got}, not ${expected}`);

/** Losses in plain TypeScript, from the reconstruction of all elements. */
function plainLosses(setting: Setting): { loss: number; losses: Record<string, number> } {
  const { outputs, plans, run } = build({ ...setting, reconstruct: 'all' });
  const predicted = run(outputs.reconstruction);
  const losses: Record<string, number> = {};
  const present: number[] = [];
  for (const plan of plans) {
    const { name, indexDim: count } = plan.part;
    const channels = signals[name].length / (BATCH * count);
    const isReal = (b: number, f: number) => setting.real![name][b * count + f] === 1;
    const mask = elementMask(plan, drawMask(plan, key));
    const target = (b: number, f: number, c: number) => {
      const at = (element: number, channel: number) => signals[name][(b * count + element) * channels + channel];
      if (!setting.normalizeTargets) return at(f, c);
      const from = Math.floor(f / plan.rows) * plan.rows;
      const group: number[] = [];
      for (let e = from; e < Math.min(count, from + plan.rows); e++)
        if (isReal(b, e)) for (let k = 0; k < channels; k++) group.push(at(e, k));
      const mean = group.reduce((a, x) => a + x, 0) / group.length;
      const variance = group.reduce((a, x) => a + (x - mean) ** 2, 0) / group.length;
      return (at(f, c) - mean) / Math.sqrt(variance + 1e-6);
    };
    let [sum, terms] = [0, 0];
    for (let b = 0; b < BATCH; b++)
      for (let f = 0; f < count; f++) {
        if (mask[(plan.examples === 1 ? 0 : b) * count + f] === 0 || !isReal(b, f)) continue;
        for (let c = 0; c < channels; c++, terms++)
          sum += (predicted[name][(b * count + f) * channels + c] - target(b, f, c)) ** 2;
      }
    losses[name] = terms === 0 ? 0 : sum / terms;
    if (terms > 0) present.push(losses[name]);
  }
  return { loss: present.reduce((a, x) => a + x, 0) / Math.max(1, present.length), losses };
}

test('the loss is the mean over masked elements that are real, for every way of masking', () => {
  for (const system of ['hip', 'perceiver_io'])
    for (const masking of ['drop', 'zero'] as const)
      for (const scheme of ['group', 'uniform'] as const)
        for (const perExample of [true, false])
          for (const normalizeTargets of [true, false]) {
            const setting = { system, input: masking, scheme, perExample, normalizeTargets, real: someReal };
            const expected = plainLosses(setting);
            const { loss, losses, run } = build(setting);
            const got = run({ total: loss, ...losses });
            near(got.total[0], expected.loss, JSON.stringify({ ...setting, real: 0 }));
            for (const [name, value] of Object.entries(expected.losses)) near(got[name][0], value, name);
          }
});

test('telling that all is real changes no loss and no gradient', () => {
  for (const masking of ['drop', 'zero'] as const) {
    const [plain, told] = [build({ input: masking }), build({ input: masking, real: {} })];
    const expected = plain.run({ loss: plain.loss, ...plain.derivatives() });
    const got = told.run({ loss: told.loss, ...told.derivatives() });
    for (const [name, values] of Object.entries(expected)) values.forEach((x, i) => near(got[name][i], x, name));
  }
});

test('what stands where nothing is real changes no loss and no gradient, not even NaN', () => {
  for (const masking of ['drop', 'zero'] as const) {
    const built = build({ input: masking, normalizeTargets: true, real: someReal });
    const wanted = { loss: built.loss, ...built.derivatives() };
    const filled = (value: number) =>
      Object.fromEntries(
        both.map(({ name, channels }) => [
          name,
          signals[name].map((x, i) => (someReal[name][Math.floor(i / channels)] ? x : value)),
        ]),
      );
    const expected = built.run(wanted, filled(0));
    for (const value of [50, Number.NaN]) assert.deepEqual(built.run(wanted, filled(value)), expected);
  }
});

test('a modality of which a batch has nothing costs 0 and does not count; a batch of nothing costs 0', () => {
  const noFilm = build({ real: validOf({ film: [0, 0, 0], sound: [5, 5, 4] }) });
  const got = noFilm.run({ total: noFilm.loss, ...noFilm.losses, ...noFilm.derivatives() });
  assert.equal(got.film[0], 0);
  assert.equal(got.total[0], got.sound[0]);
  assert(got.sound[0] > 0);
  const { film, sound } = noFilm.run(noFilm.counts);
  assert.equal(film[0], 0);
  assert(sound[0] > 0 && sound[0] <= 14);
  const nothing = build({ normalizeTargets: true, real: validOf({ film: [0, 0, 0], sound: [0, 0, 0] }) });
  const zero = nothing.run({ total: nothing.loss, ...nothing.derivatives() });
  for (const values of Object.values({ ...got, ...zero })) assert(values.every(Number.isFinite));
  assert.equal(zero.total[0], 0);
});

test('a modality hidden as a whole is reconstructed without a look at it', () => {
  for (const system of ['hip', 'perceiver_io'])
    for (const masking of ['drop', 'zero'] as const) {
      const built = build({ system, input: masking, ratio: { film: 0.6, sound: 1 } });
      const [, plan] = built.plans;
      assert.deepEqual([plan.numVisible, plan.numMasked], [0, 5]);
      assert(elementMask(plan, drawMask(plan, key)).every((hidden) => hidden === 1));
      assert.deepEqual(
        Object.keys(built.feeds).filter((name) => name.startsWith('mask/sound')),
        ['mask/sound.masked'],
      );
      const { sound } = built.outputs.reconstruction;
      const louder = { sound: signals.sound.map((x) => 3 * x + 1) };
      const [before, after] = [signals, louder].map((other) => built.run({ answer: sound, loss: built.loss }, other));
      assert.deepEqual(after.answer, before.answer);
      assert.notEqual(after.loss[0], before.loss[0]);
      const film = built.run({ answer: sound }, { film: signals.film.map((x) => -x) });
      assert.notDeepEqual(film.answer, before.answer, 'it is told from the film');
    }
});

test('an example that loses a modality has it to reconstruct all the same', () => {
  const setting = { training: true, dropModality: 1, input: 'drop' } as const;
  const built = build(setting);
  const [film, sound] = ['film', 'sound'].map((name) => built.feeds[`mask/${name}.seen`]);
  assert(film.every((seen, b) => Number(seen) + Number(sound[b]) === 1));
  const { film: answers } = built.outputs.reconstruction;
  const each = built.run({ answers }).answers.length / BATCH;
  const changed = built.run({ answers }, { film: signals.film.map((x) => x + 1) }).answers;
  const before = built.run({ answers, loss: built.losses.film });
  film.forEach((seen, b) => {
    const [a, c] = [before.answers, changed].map((x) => x.slice(b * each, (b + 1) * each));
    if (seen) assert.notDeepEqual(c, a);
    else assert.deepEqual(c, a);
  });
  // The lost film of one example is still a target.
  const lost = film.indexOf(0);
  assert(lost >= 0, 'the key was chosen so that a film is lost');
  const per = signals.film.length / BATCH;
  const louder = signals.film.map((x, i) => (Math.floor(i / per) === lost ? x + 1 : x));
  assert.notEqual(built.run({ loss: built.losses.film }, { film: louder }).loss[0], before.loss[0]);
});

test('modalities are lost in training alone, as often as asked, and never the last that an example has', () => {
  assert(!Object.keys(build({ dropModality: 0.5 }).feeds).some((name) => name.endsWith('.seen')));
  const { plans } = build({ training: true, dropModality: 0.4 });
  const lost = { film: 0, sound: 0 };
  const rounds = 1000;
  for (let i = 0; i < rounds; i++) {
    const seen = drawSeen(plans, keyFrom(i));
    for (let b = 0; b < BATCH; b++) {
      assert(seen.film[b] + seen.sound[b] > 0);
      lost.film += 1 - seen.film[b];
      lost.sound += 1 - seen.sound[b];
    }
    const partial = drawSeen(plans, keyFrom(i), {
      film: Float32Array.from([1, 0, 1]),
      sound: Float32Array.from([1, 1, 0]),
    });
    assert.deepEqual([partial.film[1], partial.film[2], partial.sound[1], partial.sound[2]], [1, 1, 1, 1]);
  }
  // Six standard deviations of a share of 3000 draws.
  for (const count of Object.values(lost)) assert(Math.abs(count / (rounds * BATCH) - 0.2) < 0.044, `${count}`);
  assert.deepEqual(drawSeen(plans, key), drawSeen(plans, key));
});
