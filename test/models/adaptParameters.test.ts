/** Checkpoints carried over to other modalities, and resized tables against PyTorch's numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { input } from '../../src/graph/index.js';
import { adaptParameters, configOf, indexDim, type Modality, systems } from '../../src/models/index.js';
import { initialize, PARAMETER, resizePositions, Scope } from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { smallHip } from '../smallHip.js';
import { network, signalsOf } from './network.js';

const key = keyFrom(31);
const image: Modality = { name: 'image', indexShape: [4, 6], channels: 3 };
const sound: Modality = { name: 'sound', indexShape: [10], channels: 1 };
const label: Modality = { name: 'label', indexShape: [1], channels: 4 };
const { hip } = systems;
const small = { ...smallHip, numPositionEncodingChannels: 512 };
const config = configOf(hip, 'tiny', small);

/** Random values of every parameter of a model. */
function checkpoint(modalities: Modality[], overrides: Record<string, unknown> = {}): Map<string, Float32Array> {
  const scope = Scope.root();
  const inputs = Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [1, indexDim(m), m.channels])]));
  hip.apply(scope, configOf(hip, 'tiny', { ...small, ...overrides }), modalities, inputs);
  const values = initialize(scope.needs.parameters, key);
  return new Map([...values].map(([name, v]) => [name, normal(fold(key, name), v.length)]));
}

/** What a model makes of noise, with these values of its parameters. */
function outputs(modalities: Modality[], parameters: ReadonlyMap<string, Float32Array>, overrides = {}) {
  const built = network({ ...small, ...overrides }, modalities);
  for (const name of Object.keys(built.parameters))
    built.parameters[name] = parameters.get(name.slice(PARAMETER.length)) ?? assert.fail(name);
  return built.run({ last: built.outputs.blocks[2] }, signalsOf(modalities)).last;
}

/** sin(i² / 7): the tables that PyTorch was given. */
const table = (...shape: number[]) =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i ** 2 / 7));

test("resized tables are those of PyTorch's interpolate on one, two and three axes", () => {
  const references: [number[], number[], 'linear' | 'cubic', number[]][] = [
    [
      [5],
      [8],
      'linear',
      [
        0, 0.1423717, 0.236615, 0.499926, 0.5542288, 0.8736161, 0.6881743, 0.0133909, 0.2351728, -0.0811878, -0.8047756,
        0.5898798, -0.2410989, -0.1843525, 0.2782012, -0.8387274,
      ],
    ],
    [[5], [3], 'linear', [0.1802781, 0.414794, 0.755147, -0.4167217, -0.1174561, -0.3401561]],
    [
      [3, 4],
      [5, 2],
      'cubic',
      [
        0.2135281, 0.8350565, -0.1226184, -0.0030056, 0.4491893, -0.0384239, 0.2350434, -0.0446367, 0.6336295,
        -0.9347279, 0.6297223, -0.0703153, 0.2350203, -0.2695577, 0.4630445, 0.0264704, -0.1296434, 0.4647018,
        0.2427166, 0.1109321,
      ],
    ],
    [
      [3, 4],
      [5, 2],
      'linear',
      [
        0.2704171, 0.5510052, -0.0768117, 0.1201325, 0.4156879, -0.0371376, 0.2058161, 0.0378029, 0.6335941, -0.9193516,
        0.6297577, -0.0856916, 0.2054385, -0.2073411, 0.4281988, 0.0676321, -0.0799986, 0.2673325, 0.2938262, 0.1698479,
      ],
    ],
    [
      [2, 3, 2],
      [3, 2, 3],
      'linear',
      [
        0.1887868, 0.0025984, 0.1836099, 0.443287, 0.178433, 0.8839756, 0.3974376, -0.733226, 0.4559927, -0.6594806,
        0.5145477, -0.5857352, 0.3521943, -0.365995, 0.3179643, 0.2229257, 0.2837342, 0.8118465, 0.2957301, -0.3576629,
        0.3281813, -0.2326308, 0.3606326, -0.1075986, 0.5156019, -0.7345885, 0.4523186, 0.0025645, 0.3890354, 0.7397174,
        0.1940226, 0.0179001, 0.20037, 0.1942191, 0.2067174, 0.3705381,
      ],
    ],
  ];
  for (const [from, to, mode, expected] of references) {
    const got = resizePositions(table(...from, 2), from, to, mode);
    assert.equal(got.length, expected.length);
    expected.forEach((x, i) => assert(Math.abs(got[i] - x) < 2e-6, `${from} to ${to} ${mode} [${i}]: ${got[i]}, ${x}`));
  }
});

test('the same modalities, in any order, give the same model', () => {
  const before = checkpoint([image, sound]);
  const same = adaptParameters(before, [image, sound], [image, sound], hip, config);
  assert.deepEqual(same, { parameters: before, missing: [], remarks: [] });
  // The projections of tables are numbered: they follow their modalities.
  const swapped = adaptParameters(before, [image, sound], [sound, image], hip, config);
  const projection = (order: string) => `perceiver/position_encoder/position_encoding_linear${order}/w`;
  assert.deepEqual(swapped.parameters.get(projection('')), before.get(projection('_1')));
  assert.deepEqual(swapped.parameters.get(projection('_1')), before.get(projection('')));
});

test('another grid: its position table is resized and nothing else', () => {
  const before = checkpoint([image, sound]);
  const large = { ...image, indexShape: [6, 5] };
  const { parameters, missing, remarks } = adaptParameters(before, [image, sound], [large, sound], hip, config);
  assert.deepEqual(missing, []);
  assert.deepEqual(remarks, ['"image": positions were resized from 4 x 6 to 6 x 5.']);
  const positions = 'perceiver/position_encoder/pos_emb_mae_image/pos_embs';
  for (const [name, values] of before) {
    if (name === positions) assert.deepEqual(parameters.get(name), resizePositions(values, [4, 6], [6, 5], 'cubic'));
    else assert.deepEqual(parameters.get(name), values, name);
  }
  outputs([large, sound], parameters);
  const flat = adaptParameters(before, [image, sound], [{ ...image, indexShape: [24] }, sound], hip, config);
  assert.deepEqual(flat.missing, [positions]);
  assert.match(flat.remarks[0], /^"image" has positions on 4 x 6, which cannot be resized to 24: they begin anew\.$/);
});

test('more channels change nothing at first, or begin as the mean of the others; of fewer the first are kept', () => {
  const before = checkpoint([image]);
  const five = { ...image, channels: 5 };
  const embed = 'perceiver/embedder/~embed/embed_image/w';
  const unembed = 'perceiver/embedder/~unembed/unembed_image/w';
  const zero = adaptParameters(before, [image], [five], hip, config);
  assert.deepEqual(zero.remarks, ['"image" has 5 channels, 2 more than the checkpoint.']);
  assert.deepEqual([...zero.parameters.get(embed)!], [...before.get(embed)!, ...new Array(16).fill(0)]);
  const rows = (values: Float32Array, width: number) =>
    Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
  assert.deepEqual(
    rows(zero.parameters.get(unembed)!, 5),
    rows(before.get(unembed)!, 3).map((row) => [...row, 0, 0]),
  );
  const mean = adaptParameters(before, [image], [five], hip, config, { newChannels: 'mean' }).parameters;
  const [a, b, c, d, e] = rows(mean.get(embed)!, 8);
  assert.deepEqual([...a, ...b, ...c], [...before.get(embed)!]);
  for (const row of [d, e]) row.forEach((x, i) => assert(Math.abs(x - (a[i] + b[i] + c[i]) / 3) < 1e-6));
  assert.equal(mean.get('perceiver/embedder/~unembed/unembed_image/b')!.length, 5);
  const one = adaptParameters(before, [image], [{ ...image, channels: 1 }], hip, config);
  assert.deepEqual([...one.parameters.get(embed)!], a);
  assert.deepEqual(
    [...one.parameters.get(unembed)!],
    rows(before.get(unembed)!, 3).map(([first]) => first),
  );
  assert.match(one.remarks[0], /^"image" has 1 channel: of the checkpoint's 3 the first is kept\.$/);
});

test('new signals are listed to be initialised, old ones left out, and both are told', () => {
  const before = new Map([...checkpoint([image]), ['classifier/w', new Float32Array(4)]]);
  const grown = adaptParameters(before, [image], [image, sound], hip, config);
  assert.deepEqual(
    new Set(grown.missing),
    new Set([
      'perceiver/position_encoder/pos_emb_mae_sound/pos_embs',
      'perceiver/position_encoder/position_encoding_linear_1/w',
      ...['embed', 'unembed'].flatMap((part) =>
        ['w', 'b'].map((p) => `perceiver/embedder/~${part}/${part}_sound/${p}`),
      ),
    ]),
  );
  assert.deepEqual(grown.remarks, [
    '"sound" is new: its embedding, positions and read-out begin anew.',
    'Groups were shared out as "image" 4 and now are as "image" 3, "sound" 1: the first latents read other inputs.',
  ]);
  assert(grown.parameters.has('classifier/w'), 'heads of tasks stay');
  const complete = new Map(grown.parameters);
  for (const name of grown.missing) complete.set(name, checkpoint([image, sound]).get(name)!);
  outputs([image, sound], complete);

  const shrunk = adaptParameters(checkpoint([image, sound]), [image, sound], [sound], hip, config);
  assert.deepEqual(shrunk.missing, []);
  assert.equal(shrunk.remarks[0], '"image" is no longer taken: its parameters are left out.');
  assert([...shrunk.parameters.keys()].every((name) => !name.includes('image')));
  outputs([sound], shrunk.parameters);
});

test('a label comes or goes: blocks and heads change their names', () => {
  const labelled = { numGroups: [4, 1, 4], labelModalities: ['label'] };
  const complete = configOf(hip, 'tiny', { ...small, ...labelled });
  const before = checkpoint([image, label], labelled);
  const without = adaptParameters(before, [image, label], [image], hip, complete);
  assert.deepEqual(without.missing, []);
  outputs([image], without.parameters, labelled);
  assert.deepEqual(
    without.parameters.get('perceiver/block_1/~/hi_p_cross_attention/query_inputs/pos_embs'),
    before.get('perceiver/perceiver_block_1/~/hi_p_cross_attention/query_inputs/pos_embs'),
  );
  const again = adaptParameters(without.parameters, [image], [image, label], hip, complete);
  assert(again.missing.every((name) => /label|\/reconstruction_head\/|embedder_1/.test(name)));
  for (const [name, values] of again.parameters) if (before.has(name)) assert.deepEqual(values, before.get(name), name);
});

test('an encoder alone stays one, and Fourier features that change begin anew', () => {
  const encoder = new Map([...checkpoint([image])].filter(([name]) => !/block_2|head|unembed/.test(name)));
  const adapted = adaptParameters(encoder, [image], [image], hip, config);
  assert.deepEqual(adapted.parameters, encoder);
  assert.match(
    adapted.remarks[0],
    /^The checkpoint has nothing for \d+ parameters of no new modality, which begin anew\.$/,
  );
  const fourier = { positions: 'fourier' };
  const other = { ...image, indexShape: [8, 6] };
  const complete = configOf(hip, 'tiny', { ...small, ...fourier });
  const { missing, remarks } = adaptParameters(checkpoint([image], fourier), [image], [other], hip, complete);
  assert.deepEqual(
    missing,
    ['w', 'b'].map((p) => `perceiver/position_encoder/fourier_linear_image/${p}`),
  );
  assert.deepEqual(remarks, [
    '"image": Fourier features of 8 x 6 are not those of 4 x 6: what reads them begins anew.',
  ]);
});

test('modalities that the checkpoint was not made with are refused', () => {
  const before = checkpoint([image]);
  assert.throws(
    () => adaptParameters(before, [{ ...image, channels: 4 }], [image], hip, config),
    /^HiperceiverError: Parameter "perceiver\/embedder\/~embed\/embed_image\/w" has 24 values, but a model of "image" 4 x 6 x 4 has \[4, 8\]: name the modalities that the checkpoint was made with\.$/,
  );
});
