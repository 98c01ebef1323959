/** Where models of tokens look: shares of single inputs, through windows, merged tokens and latents. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { indexDim, type Modality, systemByName } from '../../src/models/index.js';
import { initialize } from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { parametersOfForm } from '../../src/tasks/forms.js';
import { describeVariant, inputAttention } from '../../src/tasks/index.js';
import { overElements, rollout } from '../../src/tasks/tokenAttention.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

const image = (size: number, channels = 3): Modality => ({ name: 'image', indexShape: [size, size], channels });

/** Attention of a model with first values, made less even, on random pixels. */
async function attentionOf(system: string, variant: string, modality: Modality, block?: number) {
  const { config } = describeVariant(system, variant, [modality]);
  const modalities = [modality];
  const specs = parametersOfForm({ system: systemByName(system), config, modalities, form: 'encoder' });
  const parameters = initialize(specs, keyFrom(1));
  for (const [name, values] of parameters)
    if (/query\/w|key\/w/.test(name)) values.forEach((v, i) => (values[i] = 6 * v));
  const signals = { [modality.name]: normal(fold(keyFrom(2), 'pixels'), indexDim(modality) * modality.channels) };
  const description = { system, variant, config, modalities };
  return inputAttention({ path: 'model', description, parameters }, signals, engine, block);
}

const cases: [string, string, Modality, number][] = [
  ['vit', 'tiny', image(16), 17],
  ['mae', 'tiny', image(16), 17],
  ['beit', 'tiny', image(32), 17],
  ['swin', 'tiny', image(64), 16],
  ['fastmim', 'tiny', image(32), 17],
  ['fastmim', 'swin-tiny', image(64), 16],
  ['satmae', 'bands-tiny', image(16, 10), 13],
  ['satmae', 'times-tiny', { name: 'video', indexShape: [3, 16, 16], channels: 3 }, 13],
  ['perceiver', 'tiny', image(12), 64],
];

for (const [system, variant, modality, tokens] of cases) {
  test(`${system}/${variant}: what each token takes from all pixels and from nowhere sums to one, and is uneven`, async () => {
    const { maps, elsewhere, latents, groups } = await attentionOf(system, variant, modality);
    assert.deepEqual([groups, latents], [1, tokens]);
    const map = maps[modality.name];
    const elements = indexDim(modality);
    for (let q = 0; q < tokens; q++) {
      const own = map.subarray(q * elements, (q + 1) * elements);
      assert.ok(Math.abs(own.reduce((sum, v) => sum + v, elsewhere[q]) - 1) < 1e-4);
      assert.ok(own.every((v) => v >= 0) && Math.max(...own) > 1.05 * Math.min(...own));
    }
  });
}

test('with even attention in one block a token keeps half, and the other half is everybody’s', () => {
  const values = new Float32Array(2 * 5 * 5).fill(0.2);
  const trace = { steps: [{ kind: 'mix' as const, block: 0, tap: 'w' }], prefix: 1, grid: [2, 2] };
  const found = rollout(trace, { w: { values, shape: [1, 2, 5, 5] } });
  const near = (got: ArrayLike<number>, wanted: number[]) =>
    wanted.forEach((v, i) => assert.ok(Math.abs(got[i] - v) < 1e-6, `${got[i]} is not ${v}`));
  near(found.shares.subarray(5, 10), [0.1, 0.6, 0.1, 0.1, 0.1]);
  // Four pixels to a patch.
  const { map, elsewhere } = overElements(found, trace, [4, 4]);
  near(map.subarray(16, 22), [0.15, 0.15, 0.025, 0.025, 0.15, 0.15]);
  near(elsewhere, [0.6, 0.1]);
});

test('in a shifted window a token sees the window’s places, and a merged one its four', async () => {
  const trace = systemByName('swin').attention!(describeVariant('swin', 'tiny', [image(64)]).config, [image(64)]);
  const [plain, shifted, merge] = trace.steps;
  assert.ok(plain.kind === 'mix' && shifted.kind === 'mix' && merge.kind === 'merge');
  assert.deepEqual([...plain.windows!.subarray(0, 5)], [0, 1, 2, 3, 16]);
  assert.deepEqual([...shifted.windows!.subarray(0, 5)], [34, 35, 36, 37, 50]);
  assert.deepEqual(
    [...merge.of.subarray(4, 8)].sort((a, b) => a - b),
    [2, 3, 18, 19],
  );
});

test('a system without attention says so', async () => {
  await assert.rejects(attentionOf('mlp_mixer', 'tiny', image(16)), /mlp_mixer has no attention/);
});
