/** What every system of the registry owes the rest of the house: tokens for heads, its own head, gradients for all of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input, type Tensor } from '../../src/graph/index.js';
import { indexDim, type Modality, systemByName, systems } from '../../src/models/index.js';
import { initialize, PARAMETER, Scope } from '../../src/nn/index.js';
import { crossEntropy } from '../../src/objectives/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { describeVariant, inspectModel } from '../../src/tasks/index.js';

const [BATCH, CLASSES] = [2, 3];
const image = (size: number, channels = 3): Modality[] => [{ name: 'image', indexShape: [size, size], channels }];
const times: Modality[] = [{ name: 'video', indexShape: [3, 32, 32], channels: 3 }];
const dated: Modality[] = [...times, { name: 'times', indexShape: [3], channels: 3 }];

/** Small variants, and inputs that they take. */
const cases: [system: string, variant: string, inputs: Modality[]][] = [
  ['vit', 'tiny', image(16)],
  ['mlp_mixer', 'tiny', image(16, 1)],
  ['mae', 'tiny', image(16)],
  ['beit', 'tiny', image(32)],
  ['swin', 'tiny', image(64)],
  ['fastmim', 'tiny', image(32)],
  ['fastmim', 'swin-tiny', image(64)],
  ['satmae', 'bands-tiny', image(16, 10)],
  ['satmae', 'times-tiny', times],
  ['satmae', 'times-tiny', dated],
  ['perceiver', 'tiny', image(16)],
];

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

test('every system with a head of its own stands here', () => {
  const headed = Object.values(systems).filter(({ classify }) => classify);
  assert.deepEqual(new Set(cases.map(([system]) => system)), new Set(headed.map(({ name }) => name)));
  for (const [name, system] of Object.entries(systems)) assert.equal(system.name, name);
});

for (const [name, variant, modalities] of cases) {
  const title = `${name}/${variant} on ${modalities.map((m) => m.name).join(' and ')}`;
  const system = systemByName(name);
  const { config } = describeVariant(name, variant, modalities);
  const inputs = Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [BATCH, indexDim(m), m.channels])]));

  test(`${title}: one group of tokens for each example, the same sizes with and without decoder`, () => {
    const [alone, whole] = [Scope.root(), Scope.root()];
    const { blocks, reconstruction } = system.apply(alone, config, modalities, inputs, { encoderOnly: true });
    for (const { shape } of blocks) assert.deepEqual([shape.length, shape[0], shape[1]], [4, BATCH, 1]);
    assert.deepEqual(reconstruction, {});
    const outputs = system.apply(whole, config, modalities, inputs);
    for (const [part, t] of Object.entries(outputs.reconstruction)) assert.deepEqual(t.shape, inputs[part].shape);
    for (const [parameter, { shape }] of alone.needs.parameters)
      assert.deepEqual(whole.needs.parameters.get(parameter)?.shape, shape, parameter);
    const report = inspectModel({ system: name, variant, config }, [modalities]);
    assert.equal(report.datasets[0].stages[0].name, 'inputs');
  });

  test(`${title}: its own head learns`, async () => {
    const scope = Scope.root();
    const { logits, blocks } = system.classify!(scope, config, modalities, inputs, CLASSES);
    assert.deepEqual(logits.shape, [BATCH, CLASSES]);
    assert.ok(blocks.every(({ rank }) => rank === 4));
    const loss = crossEntropy(logits, input('labels', [BATCH], 'i32'));
    await assertAllLearn(scope, loss, modalities, Int32Array.of(0, 2));
  });

  if (!system.segment) continue;
  test(`${title}: a class for every pixel is learned`, async () => {
    const scope = Scope.root({ training: true });
    const pixels = indexDim(modalities[0]);
    const { logits, auxiliary, blocks } = system.segment!(scope, config, modalities, inputs, CLASSES);
    assert.deepEqual([logits.shape, auxiliary?.shape], Array(2).fill([BATCH, pixels, CLASSES]));
    assert.ok(blocks.every(({ rank }) => rank === 4));
    const labels = input('labels', [BATCH * pixels], 'i32');
    const lossOf = (dense: Tensor) => crossEntropy(dense.reshape([-1, CLASSES]), labels);
    const targets = Int32Array.from({ length: BATCH * pixels }, (_, i) => i % CLASSES);
    await assertAllLearn(scope, lossOf(logits).add(lossOf(auxiliary!)), modalities, targets);
  });
}

/** Every trained parameter gets a gradient, but those that cannot. */
async function assertAllLearn(scope: Scope, loss: Tensor, modalities: Modality[], labels: Int32Array): Promise<void> {
  const trained = [...scope.needs.parameters.values()].filter(({ frozen }) => !frozen);
  const grads = gradients(
    loss,
    trained.map((p) => scope.needs.tensors.get(p.name)!),
  );
  const program = await engine.compile(Graph.of({ loss, ...Object.fromEntries(grads.map((g, i) => [`${i}`, g])) }));
  const feeds = Object.fromEntries(
    modalities.map((m) => [m.name, normal(fold(keyFrom(1), m.name), BATCH * indexDim(m) * m.channels)]),
  );
  const parameters = initialize(scope.needs.parameters, keyFrom(2));
  // Heads that begin at zero would give no gradient to what is below.
  for (const [parameter, values] of parameters)
    if (values.every((v) => v === 0) && !scope.needs.parameters.get(parameter)!.frozen)
      values.set(normal(fold(keyFrom(3), parameter), values.length).map((v) => 0.1 * v));
  const got = await program.run({
    ...feeds,
    labels,
    ...Object.fromEntries([...parameters].map(([parameter, values]) => [PARAMETER + parameter, values])),
  });
  assert.ok(Number.isFinite(got.loss[0]));
  const still = trained.filter((_, i) => (got[i] as Float32Array).every((v) => v === 0)).map((p) => p.name);
  // The keys' bias has no effect; what only pre-training reads gets no gradient.
  assert.deepEqual(
    still.filter((parameter) => !/key\/b$|^mask_token$|^(encoder\/)?norm\//.test(parameter)),
    [],
  );
  await program.dispose();
}

test('inputs that a system does not take are refused in one sentence', () => {
  const apply = (name: string, variant: string, modalities: Modality[]) => () => {
    const system = systemByName(name);
    const inputs = Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [1, indexDim(m), m.channels])]));
    system.apply(Scope.root(), describeVariant(name, variant, modalities).config, modalities, inputs);
  };
  assert.throws(apply('beit', 'tiny', times), /beit takes one image and nothing else: use hip for video/);
  assert.throws(apply('vit', 'tiny', image(18)), /18x18 do not divide into patches of 4x4/);
  assert.throws(apply('satmae', 'times-tiny', image(16)), /takes frames \(video=3x224x224x3\)/);
  assert.throws(apply('satmae', 'bands-tiny', image(16)), /groups name bands up to 9, but images have 3/);
  assert.throws(apply('swin', 'tiny', image(72)), /18 x 18 tokens does not divide into windows/);
});
