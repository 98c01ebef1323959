/** What a user, and a published checkpoint, may rely on in HiP beyond its golden outputs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { Graph, input, type Tensor } from '../../src/graph/index.js';
import { configOf, type Modality, regroup, systemByName, systems, ungroup } from '../../src/models/index.js';
import { countParameters, initialize, Scope } from '../../src/nn/index.js';
import { keyFrom } from '../../src/random/index.js';
import { smallHip } from '../smallHip.js';
import { image, network, signalsOf } from './network.js';

const names = ({ needs }: ReturnType<typeof network>) => [...needs.parameters.keys()];
const sound: Modality = { name: 'sound', indexShape: [5], channels: 1 };

test('position tables are always as wide as the embedding; the option adds one projection for each modality', () => {
  const positions = (channels?: number) =>
    [...network({ numPositionEncodingChannels: channels }, [image, sound]).needs.parameters.values()]
      .filter(({ name }) => name.includes('/position_encoder/'))
      .map(({ name, shape }) => `${name.replace('perceiver/position_encoder/', '')} ${shape.join('x')}`);
  const tables = ['pos_emb_mae_image/pos_embs 16x8', 'pos_emb_mae_sound/pos_embs 5x8'];
  assert.deepEqual(positions(), tables);
  assert.deepEqual(positions(8), tables, 'as wide as the embedding: nothing to project');
  assert.deepEqual(positions(512), [
    tables[0],
    'position_encoding_linear/w 8x8',
    tables[1],
    'position_encoding_linear_1/w 8x8',
  ]);
});

test('padding is zero after embedding and position, and takes part in the softmax', () => {
  const uneven: Modality = { name: 'image', indexShape: [13], channels: 3 };
  const { needs, run } = network({}, [uneven]);
  // 4 groups of 4 rows: the last 3 rows of the last group are padding.
  const { inputs, weights } = run({
    inputs: needs.taps.get('inputs')!,
    weights: needs.taps.get('perceiver/block_0/~/hi_p_cross_attention/attention/weights')!,
  });
  for (let row = 0; row < 16; row++)
    assert.equal(
      inputs.slice(row * 8, row * 8 + 8).every((x) => x === 0),
      row >= 13,
      `row ${row}`,
    );
  const lastGroup = weights.slice(3 * 4 * 4, 4 * 4 * 4);
  for (let query = 0; query < 4; query++) {
    const [, ...padding] = lastGroup.slice(query * 4, query * 4 + 4);
    assert(
      padding.every((weight) => weight > 1e-4 && Math.abs(weight - padding[0]) < 1e-12),
      `${padding}`,
    );
  }
});

test("latents are ungrouped by the inputs' padding, as Python slices count", () => {
  const latents = input('latents', [1, 3, 4, 1]);
  const rows = (groupPadding: number, finalPadding: number) => {
    const part = { name: 'image', indexDim: 0, groups: 3, finalPadding, groupPadding };
    const { image } = ungroup(latents, { indexDimPerGroup: 0, modalities: [part] });
    return (
      image && [
        ...evaluate(Graph.of({ image }), { latents: Float32Array.from({ length: 12 }, (_, i) => i) }).get('image')!,
      ]
    );
  };
  assert.deepEqual(rows(0, 0), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(rows(1, 2), [0, 1, 2, 4, 5, 6, 8], 'the last row of each group, then the last 2 of all');
  assert.deepEqual(rows(6, 0), [0, 1, 4, 5, 8, 9], 'an end of 4 - 6 counts from the end');
  assert.equal(rows(4, 0), undefined, 'nothing is left');
});

test('regrouping merges neighbours, or mixes all groups', () => {
  const x = input('x', [1, 4, 2, 1]);
  const feeds = { x: Float32Array.from({ length: 8 }, (_, i) => i) };
  const result = (groups: number, type: 'reshape' | 'transpose_reshape') => {
    const y = regroup(x, groups, type);
    assert.deepEqual(y.shape, [1, groups, 8 / groups, 1]);
    return [...evaluate(Graph.of({ y }), feeds).get('y')!];
  };
  assert.deepEqual(result(2, 'reshape'), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(result(2, 'transpose_reshape'), [0, 2, 4, 6, 1, 3, 5, 7]);
  assert.throws(
    () => regroup(x, 3, 'reshape'),
    /^HiperceiverError: 4 groups of 2 latents do not divide into 3 groups\.$/,
  );
});

test('while training, each example draws its own subset of the processor queries; at evaluation all are used', () => {
  for (const [override, chosen, all] of [
    [{ processorIndexDimTrain: 4 }, 4, 8],
    [{ processorIndexDimEval: 12 }, 8, 12],
  ] as const) {
    const trained = network(override, [image], { training: true });
    const evaluated = network(override);
    const draws = [...trained.needs.draws.values()];
    assert.deepEqual(
      draws.map(({ shape, rule }) => [shape, rule]),
      [[[2, 1, chosen], { kind: 'subset', from: all }]],
    );
    assert.deepEqual(
      trained.outputs.blocks.map(({ shape }) => shape),
      [
        [2, 4, 4, 8],
        [2, 1, chosen, 16],
        [2, 4, 4, 8],
      ],
    );
    assert.deepEqual([evaluated.needs.draws.size, evaluated.outputs.blocks[1].shape], [0, [2, 1, all, 16]]);
    assert.deepEqual(names(trained), names(evaluated));
    assert.equal(countParameters(trained.needs), countParameters(evaluated.needs));
  }
});

test('dropout and drop path draw in training alone, and by the names of their layers', () => {
  const config = { dropoutProb: 0.1, dropPathRate: 0.2 };
  assert.equal(network(config).needs.draws.size, 0);
  const draws = [...network(config, [image], { training: true }).needs.draws.values()];
  const shapes = (kind: string) => draws.filter(({ rule }) => rule.kind === kind).map(({ shape }) => shape);
  assert.deepEqual(
    shapes('keep'),
    new Array(3).fill([2, 2]),
    'one draw of two branches by two examples for each layer',
  );
  assert.equal(shapes('dropout').length, 6, 'after the attention and after the MLP of each layer');
  assert(
    draws.every(({ name }) => /block_[012]\/~\/self_attend_id_0/.test(name)),
    'never in cross-attention',
  );
});

test('configurations that make no sense are refused with one sentence that names the way out', () => {
  const refused = (config: Record<string, unknown>, message: RegExp, modalities = [image], training = false) =>
    assert.throws(
      () => network(config, modalities, { training }),
      (error: Error) => error.name === 'HiperceiverError' && message.test(error.message),
      String(message),
    );
  refused({ numGroups: [4, 1] }, /^HiP needs an odd number of blocks, 3 or more, not 2 \(numGroups\)\.$/);
  refused({ numZChannels: [8, 16] }, /^HiP: numZChannels has 2 entries for 3 blocks\.$/);
  refused({ numGroups: [4, 2, 4] }, /^HiP: the processor \(block 1\) needs 1 group, not 2\.$/);
  refused({ numGroups: [4, 1, 2] }, /^HiP: first and last block need equal groups, not 4 and 2\.$/);
  refused(
    { processorIndexDimTrain: 4, processorIndexDimEval: 8 },
    /^HiP: set processorIndexDimTrain or processorIndexDimEval, not both\.$/,
  );
  refused({ processorIndexDimTrain: 9 }, /9 latents for training cannot be chosen among the 8 of evaluation/);
  refused({ processorIndexDimEval: 4 }, /8 latents for training cannot be chosen among the 4 of evaluation/);
  refused(
    { zIndexDim: [4, 8, 8] },
    /^U-Net skip \[2, 4, 4, 8\] does not fit the queries \[1, 4, 8, 8\]: mirrored blocks need equal groups and latents\.$/,
  );
  refused({ zIndexDim: [4, 6, 4] }, /^1 groups of 6 latents do not divide into 4 groups\.$/);
  refused({ numSelfAttendHeads: [3, 2, 2] }, /3 heads/);
  refused({ numGroups: [1, 1, 1] }, /^1 groups are too few for 2 modalities: each needs at least one\.$/, [
    image,
    sound,
  ]);
  assert.throws(
    () => configOf(systems.hip, 'Minni'),
    /^HiperceiverError: Unknown hip variant "Minni": did you mean "Mini"\?$/,
  );
  assert.throws(
    () => configOf(systems.hip, 'Mini', { numGroup: [1] }),
    /^HiperceiverError: Unknown hip setting "numGroup": did you mean "numGroups"\?$/,
  );
  assert.throws(() => systemByName('hipp'), /^HiperceiverError: Unknown model "hipp": did you mean "hip"\?$/);
});

test('inputs that the model does not take are refused by name and shape', () => {
  const config = configOf(systems.hip, 'tiny', smallHip);
  const given = (inputs: Record<string, Tensor>) => () => systems.hip.apply(Scope.root(), config, [image], inputs);
  assert.throws(given({}), /^HiperceiverError: The model takes modality "image", which was not given\.$/);
  assert.throws(
    given({ image: input('image', [2, 16, 1]) }),
    /^HiperceiverError: Modality "image" should be \[batch, 16, 3\], not .*\[2, 16, 1\]/,
  );
});

test('parameters begin as the reference says', () => {
  const { needs } = network(
    { numZChannels: [64, 128, 64], numEmbeddingChannels: 64, numPositionEncodingChannels: 128, positionInitScale: 0.3 },
    [{ ...image, indexShape: [16, 16] }],
  );
  const values = initialize(needs.parameters, keyFrom(1));
  for (const { name, shape } of needs.parameters.values()) {
    const x = values.get(name)!;
    const all = (value: number) => x.every((v) => v === value);
    if (name.includes('unembed') || name.endsWith('/b') || name.endsWith('/offset')) assert(all(0), name);
    else if (name.endsWith('/scale')) assert(all(1), name);
    else {
      const expected = (name.includes('pos_emb_mae') ? 0.3 : 1) / Math.sqrt(shape[0]);
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      const deviation = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length);
      // The standard error of a deviation is 1 / sqrt(2 n) of it, less for a cut normal; 5 of them.
      assert(
        Math.abs(deviation / expected - 1) < 5 / Math.sqrt(2 * x.length),
        `${name}: ${deviation}, not ${expected}`,
      );
      const cut = (2 * expected) / 0.87962566103423978;
      assert(
        x.every((v) => Math.abs(v) <= cut * 1.000001),
        `${name} is cut at two sigma`,
      );
      if (x.length > 4000)
        assert(
          x.some((v) => Math.abs(v) > cut * 0.97),
          `${name} reaches two sigma`,
        );
    }
  }
  assert.deepEqual(values, initialize(needs.parameters, keyFrom(1)));
  assert.notDeepEqual(values, initialize(needs.parameters, keyFrom(2)));
});

test('an untrained model reconstructs zeros: the unembedding begins at zero', () => {
  const { needs, outputs } = network();
  const values = initialize(needs.parameters, keyFrom(1));
  const feeds = Object.fromEntries([...values].map(([name, x]) => [`parameter/${name}`, x]));
  const result = evaluate(Graph.of({ y: outputs.reconstruction.image }), { ...feeds, ...signalsOf([image]) }).get('y')!;
  assert(result.every((x) => x === 0));
});

test('the encoder alone has no parameter of the decoder', () => {
  const whole = network();
  const encoder = network({}, [image], { encoderOnly: true });
  assert.deepEqual(
    names(encoder),
    names(whole).filter((name) => !/block_2|reconstruction_head|unembed/.test(name)),
  );
  assert.deepEqual([Object.keys(encoder.outputs.reconstruction), encoder.outputs.blocks.length], [[], 2]);
  const [a, b] = [encoder, whole].map(({ run, outputs }) => run({ latents: outputs.blocks[1] }).latents);
  assert.deepEqual(a, b);
});

test('without positions a group is a set; learned and Fourier positions tell its rows apart', () => {
  const signals = signalsOf([image]);
  // The first two rows of the second group change places, in both examples.
  const swapped = { image: signals.image.slice() };
  for (const example of [0, 1])
    for (let c = 0; c < 3; c++) {
      const at = (row: number) => (example * 16 + row) * 3 + c;
      [swapped.image[at(4)], swapped.image[at(5)]] = [swapped.image[at(5)], swapped.image[at(4)]];
    }
  const expected = {
    none: [],
    learned: ['pos_emb_mae_image/pos_embs'],
    fourier: ['fourier_linear_image/w', 'fourier_linear_image/b'],
  };
  for (const positions of ['none', 'learned', 'fourier'] as const) {
    const { needs, outputs, run } = network({ positions });
    const own = [...needs.parameters.keys()]
      .filter((name) => name.includes('position_encoder'))
      .map((name) => name.replace('perceiver/position_encoder/', ''));
    assert.deepEqual(own, expected[positions]);
    const [a, b] = [signals, swapped].map((s) => run({ latents: outputs.blocks[1] }, s).latents);
    const difference = Math.max(...a.map((x, i) => Math.abs(x - b[i])));
    assert(positions === 'none' ? difference < 1e-9 : difference > 1e-4, `${positions}: ${difference}`);
  }
});

test('groups keep to themselves: the first block sees no other group', () => {
  const { outputs, run } = network();
  const signals = signalsOf([image]);
  const changed = { image: signals.image.map((x, i) => (Math.floor(i / 3) % 16 === 15 ? x + 1 : x)) };
  const [a, b] = [signals, changed].map((s) => run({ latents: outputs.blocks[0] }, s).latents);
  a.forEach((x, i) => {
    if (Math.floor(i / 32) % 4 < 3) assert.equal(x, b[i]);
  });
  assert(
    a.some((x, i) => x !== b[i]),
    'the last group saw it',
  );
});
