/** Padding of variable lengths and missing modalities: what is not real changes nothing, and is read by nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, evaluate } from '../../src/engine/index.js';
import { Graph, gradients, input, type Tensor, type Values } from '../../src/graph/index.js';
import {
  type ApplyOptions,
  type HipConfig,
  hipGrouping,
  indexDim,
  type Modality,
  validFeeds,
  validInputs,
} from '../../src/models/index.js';
import { PARAMETER } from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { network, signalsOf } from './network.js';

const BATCH = 3;
const key = keyFrom(21);
/** Three signals of very different sizes: 5, 2 and 1 of 8 groups, none of which divides evenly. */
const mixed: Modality[] = [
  { name: 'picture', indexShape: [6, 7], channels: 3 },
  { name: 'sound', indexShape: [19], channels: 1 },
  { name: 'points', indexShape: [5], channels: 3 },
];
const label: Modality = { name: 'label', indexShape: [2], channels: 4 };
const deep = {
  numGroups: [8, 4, 1, 4, 8],
  numSelfAttendsPerBlock: [1, 1, 1, 1, 1],
  zIndexDim: [4, 4, 8, 4, 4],
  numZChannels: [8, 12, 16, 12, 8],
  numSelfAttendHeads: [2, 2, 2, 2, 2],
  numCrossAttendHeads: [1, 2, 1, 1, 1],
  crossAttendWideningFactor: [1, 1, 1, 1, 1],
  selfAttendWideningFactor: [1, 1, 1, 1, 1],
};

interface Case {
  system: string;
  modalities: Modality[];
  config: Record<string, unknown>;
}
const cases: Record<string, Case> = {
  'HiP whose neighbours merge': { system: 'hip', modalities: mixed, config: deep },
  'HiP whose groups are mixed': {
    system: 'hip',
    modalities: mixed,
    config: { ...deep, regroupType: 'transpose_reshape' },
  },
  'HiP with a label at the processor': {
    system: 'hip_class_bottleneck',
    modalities: [...mixed, label],
    config: { numGroups: [4, 1, 4], labelModalities: ['label'] },
  },
  'Perceiver IO': { system: 'perceiver_io', modalities: mixed, config: {} },
};

/** The first example is whole; of the second the picture ends early and the points are missing; the third has sound alone. */
function validity(modalities: Modality[]): Record<string, Float32Array> {
  const lengths: Record<string, number[]> = {
    picture: [42, 11, 0],
    sound: [19, 19, 12],
    points: [5, 0, 0],
    label: [2, 1, 0],
  };
  return Object.fromEntries(
    modalities.map((m) => [
      m.name,
      Float32Array.from({ length: BATCH * indexDim(m) }, (_, i) =>
        Number(i % indexDim(m) < lengths[m.name][Math.floor(i / indexDim(m))]),
      ),
    ]),
  );
}

/** Signals that are noise where they are real, and `other` elsewhere. */
function paddedWith(other: (i: number) => number, modalities: Modality[]): Record<string, Float32Array> {
  const valid = validity(modalities);
  return Object.fromEntries(
    modalities.map((m) => [
      m.name,
      signalsOf(modalities, BATCH)[m.name].map((x, i) => (valid[m.name][Math.floor(i / m.channels)] ? x : other(i))),
    ]),
  );
}

function build({ system, modalities, config }: Case, options: ApplyOptions = {}) {
  const built = network(config, modalities, { system, batch: BATCH, ...options });
  const { blocks, reconstruction } = built.outputs;
  const named = { ...Object.fromEntries(blocks.map((b, i) => [`block ${i}`, b])), ...reconstruction };
  return { ...built, named, loss: weighted(Object.values(named)) };
}

/** One number that every output matters for. */
function weighted(outputs: Tensor[]): Tensor {
  return outputs.map((y) => y.mul(y).mean().sqrt()).reduce((a, b) => a.add(b));
}

function withGradients({ needs, named, loss }: ReturnType<typeof build>): Record<string, Tensor> {
  const parameters = [...needs.tensors];
  const all = gradients(
    loss,
    parameters.map(([, t]) => t),
  );
  return { ...named, ...Object.fromEntries(parameters.map(([name], i) => [`d ${name}`, all[i]])) };
}

const near = (got: readonly number[], expected: readonly number[], what: string, tolerance = 1e-9) =>
  expected.forEach((x, i) =>
    assert(Math.abs(got[i] - x) <= tolerance * Math.max(1, Math.abs(x)), `${what}[${i}]: ${got[i]}, not ${x}`),
  );

for (const [name, kind] of Object.entries(cases)) {
  const told = validFeeds(kind.modalities, BATCH, validity(kind.modalities));
  const valid = validInputs(kind.modalities, BATCH);

  test(`what is not real changes no output and no gradient: ${name}`, () => {
    const built = build(kind, { valid });
    const wanted = withGradients(built);
    const run = (other: (i: number) => number) => built.run(wanted, { ...paddedWith(other, kind.modalities), ...told });
    const zeros = run(() => 0);
    for (const values of Object.values(zeros)) assert(values.every(Number.isFinite));
    assert.deepEqual(
      run((i) => 100 * Math.sin(i)),
      zeros,
    );
    assert.deepEqual(
      run(() => Number.NaN),
      zeros,
    );
  });

  test(`telling that all is real changes nothing: ${name}`, () => {
    const [plain, whole] = [build(kind), build(kind, { valid })];
    const expected = plain.run(withGradients(plain));
    const signals = { ...signalsOf(kind.modalities, BATCH), ...validFeeds(kind.modalities, BATCH) };
    const got = whole.run(withGradients(whole), signals);
    for (const [tensor, values] of Object.entries(expected)) near(got[tensor], values, tensor);
  });

  test(`an example does not depend on what the others lack: ${name}`, () => {
    const built = build(kind, { valid });
    const signals = paddedWith(() => 0, kind.modalities);
    const whole = built.run(built.named, { ...signals, ...validFeeds(kind.modalities, BATCH) });
    const partial = built.run(built.named, { ...signals, ...told });
    for (const [tensor, values] of Object.entries(whole)) {
      const each = values.length / BATCH;
      near(partial[tensor].slice(0, each), values.slice(0, each), tensor);
      assert.notDeepEqual(partial[tensor].slice(each), values.slice(each));
    }
  });

  test(`gradients are those of finite differences: ${name}`, () => {
    const built = build(kind, { valid });
    const signals = { ...paddedWith(() => 0, kind.modalities), ...told };
    const wanted = withGradients(built);
    const exact = built.run(wanted, signals);
    const graph = Graph.of({ loss: built.loss });
    const lossAt = (parameter: string, values: Values) =>
      Number(evaluate(graph, { ...built.parameters, ...signals, [parameter]: values }).get('loss')![0]);
    const chosen = [...built.needs.parameters.keys()].filter((p) =>
      /embed_|pos_embs|query_linear\/w|value_linear\/b|layer_norm\/scale|mlp_output_linear\/w/.test(p),
    );
    for (const parameter of chosen) {
      const full = PARAMETER + parameter;
      const values = Float64Array.from(built.parameters[full] as Float32Array);
      const direction = normal(fold(key, parameter), values.length);
      const step = 1e-5;
      const [up, down] = [step, -step].map((s) =>
        lossAt(
          full,
          values.map((v, i) => v + s * direction[i]),
        ),
      );
      const slope = exact[`d ${parameter}`].reduce((sum, g, i) => sum + g * direction[i], 0);
      near([slope], [(up - down) / (2 * step)], parameter, 2e-6);
    }
  });
}

test('signals of very different sizes share the groups by their lengths', () => {
  const { indexDimPerGroup, modalities } = hipGrouping({ numGroups: deep.numGroups } as HipConfig, mixed);
  assert.equal(indexDimPerGroup, 10);
  assert.deepEqual(
    modalities.map(({ groups, finalPadding, groupPadding }) => [groups, finalPadding, groupPadding]),
    [
      [5, 3, 1],
      [2, 1, 0],
      [1, 0, 5],
    ],
  );
});

test('groups that hold nothing are read by no later block, however the groups are merged', () => {
  // Groups 0-4 are the picture's, 5-6 the sound's, 7 the points'. Example 1 has groups 0, 1, 5, 6; example 2 has 5, 6.
  const real = [
    [1, 1, 1, 1, 1, 1, 1, 1],
    [1, 1, 0, 0, 0, 1, 1, 0],
    [0, 0, 0, 0, 0, 1, 1, 0],
  ];
  for (const regroupType of ['reshape', 'transpose_reshape'] as const) {
    const { modalities, system } = cases['HiP whose neighbours merge'];
    const built = build(
      { modalities, system, config: { ...deep, regroupType } },
      { valid: validInputs(modalities, BATCH) },
    );
    const weightsOf = (block: number) =>
      built.needs.taps.get(`perceiver/block_${block}/~/hi_p_cross_attention/attention/weights`)!;
    const { first, second } = built.run(
      { first: weightsOf(1), second: weightsOf(2) },
      { ...paddedWith(() => 7, modalities), ...validFeeds(modalities, BATCH, validity(modalities)) },
    );
    for (let example = 0; example < BATCH; example++) {
      // Which of 8 x 4 latents are real, in the order in which 4 groups of 8 take them up.
      const order = Array.from({ length: 32 }, (_, i) => (regroupType === 'reshape' ? Math.floor(i / 4) : i % 8)).map(
        (group) => real[example][group],
      );
      // Two heads, four queries, eight latents for each of 4 groups.
      const groups = [0, 1, 2, 3].map((g) => order.slice(8 * g, 8 * g + 8));
      groups.forEach((latents, group) => {
        const any = latents.includes(1);
        for (let row = 0; row < 8; row++) {
          const at = ((example * 4 + group) * 8 + row) * 8;
          if (any) latents.forEach((is, i) => assert.equal(first[at + i] > 0, is === 1, `${regroupType} ${example}`));
        }
      });
      const merged = groups.map((latents) => Number(latents.includes(1)));
      // The processor's eight queries read 4 x 4 latents.
      const into = Array.from({ length: 16 }, (_, i) => merged[regroupType === 'reshape' ? Math.floor(i / 4) : i % 4]);
      for (let query = 0; query < 8; query++)
        into.forEach((is, i) =>
          assert.equal(second[(example * 8 + query) * 16 + i] > 0, is === 1, `${regroupType} ${example} ${i}`),
        );
    }
  }
});

test('a missing modality teaches the encoder nothing, though it is asked for', () => {
  for (const { system, config } of [cases['HiP whose neighbours merge'], cases['Perceiver IO']]) {
    const built = build({ system, modalities: mixed, config }, { valid: validInputs(mixed, BATCH) });
    const queries = 'perceiver/block_0/~/hi_p_cross_attention/query_inputs/pos_embs';
    const parameters = ['sound', 'picture'].flatMap((m) =>
      ['w', 'b'].map((p) => `perceiver/embedder/~embed/embed_${m}/${p}`),
    );
    const names = system === 'hip' ? [...parameters, queries] : parameters;
    const all = gradients(
      weighted(Object.values(built.outputs.reconstruction)),
      names.map((name) => built.needs.tensors.get(name)!),
    );
    const got = built.run(Object.fromEntries(names.map((name, i) => [name, all[i]])), {
      ...signalsOf(mixed, BATCH),
      ...validFeeds(mixed, BATCH, { sound: new Float32Array(BATCH) }),
    });
    for (const name of parameters)
      assert.equal(
        got[name].every((g) => g === 0),
        name.includes('sound'),
        `${system} ${name}`,
      );
    // Four queries of eight channels in each group; the sound's are the sixth and seventh group.
    got[queries]?.forEach((g, i) => assert.equal(g === 0, [5, 6].includes(Math.floor(i / 32)), `${queries} ${i}`));
  }
});

/** Feeds of a network that has fewer rows of some tables than another: the first ones of the other's. */
function shorter(from: Record<string, Values>, to: Record<string, Values>): Record<string, Values> {
  return Object.fromEntries(Object.entries(to).map(([name, { length }]) => [name, from[name].slice(0, length)]));
}

function runWith(outputs: Record<string, Tensor>, feeds: Record<string, Values>): Map<string, Values> {
  const graph = Graph.of(outputs);
  return evaluate(graph, Object.fromEntries(Object.entries(feeds).filter(([name]) => graph.inputs.has(name))));
}

test('a padded signal is the signal alone, and a missing modality leaves the model of the others', () => {
  const long: Modality = { name: 'points', indexShape: [8], channels: 2 };
  const short: Modality = { ...long, indexShape: [6] };
  const extra: Modality = { name: 'sound', indexShape: [4], channels: 1 };
  // One group for each modality: the sound's comes last, and with it the last rows of the first queries.
  const kinds: [string, (modalities: Modality[]) => Record<string, unknown>][] = [
    ['hip', ({ length }) => ({ numGroups: [length, 1, length] })],
    ['perceiver_io', () => ({})],
  ];
  for (const [system, config] of kinds) {
    const both = build(
      { system, modalities: [long, extra], config: config([long, extra]) },
      { valid: validInputs([long, extra], BATCH), encoderOnly: true },
    );
    const alone = build({ system, modalities: [short], config: config([short]) }, { encoderOnly: true });
    const points = normal(fold(key, 'points'), BATCH * 8 * 2);
    const signals = {
      points,
      sound: normal(fold(key, 'sound'), BATCH * 4),
      ...validFeeds([long, extra], BATCH, {
        points: Float32Array.from({ length: BATCH * 8 }, (_, i) => Number(i % 8 < 6)),
        sound: new Float32Array(BATCH),
      }),
    };
    const cut = Float32Array.from({ length: BATCH * 12 }, (_, i) => points[Math.floor(i / 12) * 16 + (i % 12)]);
    const last = (built: typeof both) => ({ y: built.outputs.blocks[built.outputs.blocks.length - 1] });
    const got = runWith(last(both), { ...both.parameters, ...signals }).get('y')!;
    const expected = runWith(last(alone), { ...shorter(both.parameters, alone.parameters), points: cut }).get('y')!;
    near(Array.from(got, Number), Array.from(expected, Number), system);
  }
});

test('a modality that is hidden by its selection is one that is missing', () => {
  for (const { system, config } of [cases['HiP whose neighbours merge'], cases['Perceiver IO']]) {
    const hidden = build({ system, modalities: mixed, config }, { selections: { sound: { visible: 'none' } } });
    const missing = build({ system, modalities: mixed, config }, { valid: { sound: input('has', [BATCH, 1]) } });
    assert.deepEqual([...hidden.needs.parameters.keys()].sort(), [...missing.needs.parameters.keys()].sort());
    const signals = signalsOf(mixed, BATCH);
    const expected = missing.run(
      Object.fromEntries(Object.entries(missing.named).filter(([name]) => system !== 'hip' || name !== 'block 0')),
      { ...signals, has: new Float32Array(BATCH) },
    );
    const got = hidden.run(hidden.named, signals);
    for (const [name, values] of Object.entries(expected)) near(got[name], values, `${system} ${name}`);
  }
});

test('an example without anything gives finite values that only parameters decide', async () => {
  const engine = await createEngine({ device: 'cpu' });
  try {
    for (const kind of Object.values(cases)) {
      const built = build(kind, { valid: validInputs(kind.modalities, BATCH) });
      const wanted = Object.entries(withGradients(built)).map(([name, t]) => [`result/${name}`, t]);
      const graph = Graph.of(Object.fromEntries(wanted));
      const program = await engine.compile(graph);
      const run = async (signals: Record<string, Values>) => {
        const none = Object.fromEntries(kind.modalities.map((m) => [m.name, new Float32Array(BATCH)]));
        return program.run({ ...built.parameters, ...signals, ...validFeeds(kind.modalities, BATCH, none) });
      };
      const zeros = await run(paddedWith(() => 0, kind.modalities));
      for (const values of Object.values(zeros)) assert((values as Float32Array).every(Number.isFinite));
      assert.deepEqual(await run(signalsOf(kind.modalities, BATCH)), zeros);
      await program.dispose();
    }
  } finally {
    await engine.dispose();
  }
});

test('validity may be told as truth values, or once for each example', () => {
  const kind = cases['Perceiver IO'];
  const signals = paddedWith(() => 3, kind.modalities);
  const has = Float32Array.from([1, 0, 1]);
  const whole = build(kind, { valid: validInputs(mixed, BATCH) });
  const expected = whole.run(whole.named, { ...signals, ...validFeeds(mixed, BATCH, { sound: has }) });
  for (const dtype of ['f32', 'bool'] as const) {
    const brief = build(kind, { valid: { sound: input('has', [BATCH, 1], dtype) } });
    const told = dtype === 'bool' ? Uint8Array.from(has) : has;
    assert.deepEqual(brief.run(brief.named, { ...signals, has: told } as Record<string, Values>), expected);
  }
});

test('validity that fits nothing is refused in one sentence', () => {
  const kind = cases['Perceiver IO'];
  assert.throws(
    () => build(kind, { valid: { sond: input('has', [BATCH, 1]) } }),
    /^HiperceiverError: Unknown modality "sond": did you mean "sound"\?$/,
  );
  assert.throws(
    () => build(kind, { valid: { sound: input('has', [BATCH, 7]) } }),
    /^HiperceiverError: The validity of modality "sound" should be \[3, 19\] or \[3, 1\], not \[3, 7\]\.$/,
  );
  assert.throws(
    () => validFeeds(mixed, BATCH, { sound: new Float32Array(20) }),
    /^HiperceiverError: The validity of modality "sound" has 20 values, not 3 \(one for each example\) or 3 x 19\.$/,
  );
});
