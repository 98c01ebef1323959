import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { input } from '../../src/graph/index.js';
import { configOf, type Modality, systemByName } from '../../src/models/index.js';
import { initialize, Scope } from '../../src/nn/index.js';
import { keyFrom, normal, uniform } from '../../src/random/index.js';
import { type BlockAttention, composeAttention, inputAttention } from '../../src/tasks/index.js';
import { applyModel, inputShapes, type ModelDescription } from '../../src/training/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'reference' });
});
after(() => engine.dispose());

/** A HiP of 5 blocks and random parameters of size 1, whose attention is far from uniform. */
function modelOf(modalities: Modality[], config: Record<string, unknown>, system = 'hip', variant = 'tiny') {
  const complete = configOf(systemByName(system), variant, config);
  const description: ModelDescription = {
    system,
    variant,
    config: complete,
    modalities,
  };
  const scope = Scope.root();
  const inputs = Object.fromEntries(
    Object.entries(inputShapes(description, 1)).map(([name, shape]) => [name, input(name, shape)]),
  );
  applyModel(description, scope, inputs);
  const parameters = initialize(scope.needs.parameters, keyFrom(1));
  for (const [name, values] of parameters)
    if (name.endsWith('pos_embs')) parameters.set(name, normal(keyFrom(2), values.length));
  return { path: 'test', description, parameters };
}

const hipConfig = {
  numGroups: [4, 2, 1, 2, 4],
  numSelfAttendsPerBlock: [1, 2, 1, 1, 1],
  zIndexDim: [4, 4, 6, 4, 4],
  numZChannels: [8, 8, 16, 8, 8],
  numCrossAttendHeads: [1, 2, 1, 1, 1],
  numSelfAttendHeads: [2, 2, 4, 2, 2],
  crossAttendWideningFactor: [1, 1, 1, 1, 1],
  selfAttendWideningFactor: [2, 2, 2, 2, 2],
  numEmbeddingChannels: 8,
};

const image: Modality = { name: 'image', indexShape: [5, 6], channels: 3 };
const audio: Modality = { name: 'audio', indexShape: [11], channels: 2 };
const signals = { image: normal(keyFrom(3), 30 * 3), audio: normal(keyFrom(4), 22) };

/** Every latent's shares of all inputs and of what is none sum to 1. */
function assertShares(maps: Record<string, Float32Array>, elsewhere: Float64Array): void {
  for (let q = 0; q < elsewhere.length; q++) {
    let total = elsewhere[q];
    for (const map of Object.values(maps)) {
      const own = map.subarray((q * map.length) / elsewhere.length, ((q + 1) * map.length) / elsewhere.length);
      for (const share of own) {
        assert.ok(share >= 0);
        total += share;
      }
    }
    assert.ok(Math.abs(total - 1) < 1e-5 && elsewhere[q] > -1e-5, `latent ${q}: ${total}, ${elsewhere[q]}`);
  }
}

for (const regroupType of ['reshape', 'transpose_reshape']) {
  test(`the processor's shares of all inputs sum to 1 (${regroupType})`, async () => {
    const model = modelOf([image, audio], { ...hipConfig, regroupType });
    const { block, groups, latents, maps, elsewhere } = await inputAttention(model, signals, engine);
    assert.deepEqual([block, groups, latents], [2, 1, 6]);
    assert.deepEqual([maps.image.length, maps.audio.length], [6 * 30, 6 * 11]);
    assertShares(maps, elsewhere);
    assert.ok(
      elsewhere.some((share) => share > 0.01),
      'groups with padding have shares elsewhere',
    );
  });
}

test('latents of the first block see the inputs of their own group alone', async () => {
  const model = modelOf([image], hipConfig);
  const { groups, latents, maps, elsewhere } = await inputAttention(model, { image: signals.image }, engine, 0);
  assertShares(maps, elsewhere);
  for (let q = 0; q < groups * latents; q++) {
    for (let e = 0; e < 30; e++) {
      const ownGroup = Math.floor(e / 8) === Math.floor(q / latents);
      assert.equal(maps.image[q * 30 + e] > 0, ownGroup, `latent ${q}, input ${e}`);
    }
  }
  await assert.rejects(
    inputAttention(model, { image: signals.image }, engine, 3),
    /has the blocks 0 to 2, and none numbered 3/,
  );
});

test('a group that merges two sees the inputs of both and of no other', async () => {
  const model = modelOf([image], hipConfig);
  const { maps } = await inputAttention(model, { image: signals.image }, engine, 1);
  const share = (q: number, e: number) => maps.image[q * 30 + e];
  for (let q = 0; q < 8; q++)
    for (let e = 0; e < 30; e++) assert.equal(share(q, e) > 0, Math.floor(e / 16) === Math.floor(q / 4));
});

test('labels at the processor and concatenated modalities are accounted for', async () => {
  const label: Modality = { name: 'label', indexShape: [2], channels: 4 };
  const bottleneck = modelOf([image, label], { ...hipConfig, labelModalities: ['label'] }, 'hip_class_bottleneck');
  const found = await inputAttention(bottleneck, { image: signals.image, label: normal(keyFrom(5), 8) }, engine);
  assert.ok(found.elsewhere.every((share) => share > 0.001));
  assertShares(found.maps, found.elsewhere);
  const config = {
    numSelfAttendsPerBlock: 1,
    zIndexDim: 6,
    numZChannels: 8,
    numSelfAttendHeads: 2,
    numEmbeddingChannels: 8,
  };
  const io = await inputAttention(modelOf([image, audio], config, 'perceiver_io', 'io_mini'), signals, engine);
  assertShares(io.maps, io.elsewhere);
  assert.ok(io.elsewhere.every((share) => Math.abs(share) < 1e-5));
});

test('composition is the product of the maps through the regrouping', () => {
  // Block 0: 2 groups of 1 latent and 2 rows; block 1: 1 group of 1 latent over both latents. No self-attention.
  const rows = uniform(keyFrom(6), 4);
  const first: BlockAttention = { groups: 2, latents: 1, rows: 2, cross: Float32Array.from(rows), self: [] };
  const second: BlockAttention = { groups: 1, latents: 1, rows: 2, cross: Float32Array.of(0.25, 0.75), self: [] };
  const shares = composeAttention([first, second], 'reshape');
  const expected = [0.25 * rows[0], 0.25 * rows[1], 0.75 * rows[2], 0.75 * rows[3]];
  shares.forEach((share, i) => assert.ok(Math.abs(share - expected[i]) < 1e-7));
});

test('self-attention mixes latents, half of each staying its own', () => {
  const identity = Float32Array.of(1, 0, 0, 1);
  const swap = Float32Array.of(0, 1, 1, 0);
  const block: BlockAttention = { groups: 1, latents: 2, rows: 2, cross: identity, self: [swap] };
  assert.deepEqual([...composeAttention([block], 'reshape')], [0.5, 0.5, 0.5, 0.5]);
});
