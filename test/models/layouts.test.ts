/** Checkpoints in other implementations' layouts: there and back again without losing a bit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { input, sizeOf } from '../../src/graph/index.js';
import {
  fromLayout,
  hfMae,
  hfVit,
  type Layout,
  originalMae,
  storedAs,
  timmMixer,
  timmVit,
  toLayout,
} from '../../src/models/layouts/index.js';
import { maeDecoder, maeEncoder } from '../../src/models/mae.js';
import { maeVariants } from '../../src/models/maeVariants.js';
import { mlpMixer } from '../../src/models/mlpMixer.js';
import { mlpMixerVariants } from '../../src/models/mlpMixerVariants.js';
import { type VitConfig, vit } from '../../src/models/vit.js';
import { vitVariants } from '../../src/models/vitVariants.js';
import { initialize, type ModelNeeds, Scope } from '../../src/nn/index.js';
import { keyFrom, normal } from '../../src/random/index.js';

const pixels = input('pixels', [1, 64, 3]);
const size = [8, 8] as const;

function built(build: (scope: Scope) => unknown): ModelNeeds {
  const scope = Scope.root();
  build(scope);
  return scope.needs;
}

const small: VitConfig = { ...vitVariants.tiny, width: 12, depth: 2, heads: 3, mlpWidth: 20, classes: 5 };
const mae = { ...maeVariants.tiny, width: 12, depth: 2, heads: 3, mlpWidth: 20 };
const decoder = { width: 8, depth: 1, heads: 2, mlpWidth: 12 };
const mixer = { ...mlpMixerVariants.tiny, width: 12, depth: 2, tokenWidth: 6, channelWidth: 20, classes: 5 };
const autoencoder = (scope: Scope) => {
  const config = { ...mae, decoder };
  const { tokens } = maeEncoder(scope, config, pixels, size);
  maeDecoder(scope, config, tokens, input('restore', [1, 4], 'i32'), { size, channels: 3 });
};
const token = { pooling: 'token', normAfterPooling: false } as const;

const models: Record<string, { needs: ModelNeeds; layout: Layout }> = {
  'timm ViT': {
    needs: built((scope) => vit(scope, { ...small, layerScale: 0.1 }, pixels, size)),
    layout: timmVit([4, 4]),
  },
  'HF ViT with pooler': {
    needs: built((scope) => vit(scope, { ...small, ...token, pooler: true, classes: 0 }, pixels, size)),
    layout: hfVit([4, 4], ''),
  },
  'HF ViT': { needs: built((scope) => vit(scope, { ...small, ...token }, pixels, size)), layout: hfVit([4, 4]) },
  MAE: { needs: built(autoencoder), layout: originalMae([4, 4]) },
  'HF MAE': { needs: built(autoencoder), layout: hfMae([4, 4]) },
  Mixer: { needs: built((scope) => mlpMixer(scope, mixer, pixels, size)), layout: timmMixer([4, 4]) },
  ResMLP: {
    needs: built((scope) => mlpMixer(scope, { ...mixer, block: 'linear', affine: true }, pixels, size)),
    layout: timmMixer([4, 4], { affine: 12 }),
  },
  gMLP: {
    needs: built((scope) => mlpMixer(scope, { ...mixer, block: 'spatialGate' }, pixels, size)),
    layout: timmMixer([4, 4], { spatialGate: true }),
  },
};

for (const [name, { needs, layout }] of Object.entries(models)) {
  test(`${name}: ours → theirs → ours is equal to the bit, and every value has its place`, () => {
    const values = new Map([...needs.parameters.values()].map((p, i) => [p.name, normal(keyFrom(i), sizeOf(p.shape))]));
    const theirs = toLayout(layout, needs.parameters.values(), values);
    assert.equal(
      [...theirs.values()].reduce((total, { data }) => total + data.length, 0),
      [...values.values()].reduce((total, { length }) => total + length, 0),
    );
    const back = fromLayout(layout, needs.parameters.values(), theirs);
    assert.deepEqual([back.missing, back.unexpected], [[], []]);
    assert.deepEqual(back.values, values);
  });
}

test('a fused matrix holds query, key and value one below the other, each transposed', () => {
  const layout = timmVit([4, 4]);
  const shape = [2, 2];
  const parameters = ['query', 'key', 'value'].map((name) => ({ name: `blocks/3/attention/${name}/w`, shape }));
  const values = new Map(parameters.map(({ name }, i) => [name, Float32Array.from([0, 1, 2, 3], (v) => v + 10 * i)]));
  const { shape: whole, data } = toLayout(layout, parameters, values).get('blocks.3.attn.qkv.weight')!;
  assert.deepEqual(whole, [6, 2]);
  assert.deepEqual([...data], [0, 2, 1, 3, 10, 12, 11, 13, 20, 22, 21, 23]);
});

test('a patch embedding that is stored as a matrix is read as the convolution it is', () => {
  const layout = timmVit([1, 2]);
  const parameter = { name: 'patch_embedding/w', shape: [2 * 3, 2] };
  const data = Float32Array.from({ length: 12 }, (_, i) => i);
  const read = (shape: number[]) =>
    fromLayout(layout, [parameter], new Map([['patch_embed.proj.weight', { shape, data }]])).values.get(parameter.name);
  assert.deepEqual(read([2, 6]), read([2, 3, 1, 2]));
  // [column, channel, output] from [output, channel, row, column]
  assert.deepEqual([...read([2, 6])!], [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
  assert.throws(() => read([4, 3]), /patch_embed\.proj\.weight.*\[4, 3\].*\[2, 3, 1, 2\]/);
});

test('what a layout does not speak of is said', () => {
  const parameter = { name: 'decoder_norm/scale', shape: [2] };
  assert.equal(storedAs(timmVit([4, 4]), parameter), undefined);
  assert.deepEqual(fromLayout(timmVit([4, 4]), [parameter], new Map()).missing, ['decoder_norm/scale']);
  assert.throws(() => toLayout(timmVit([4, 4]), [parameter], new Map()), /"decoder_norm\/scale" has no name/);
});

test('first values: tables are fixed sines and cosines, the rest is drawn', () => {
  const values = initialize(models.MAE.needs.parameters, keyFrom(1));
  const positions = values.get('positions')!;
  assert.ok(positions.subarray(0, 12).every((v) => v === 0));
  assert.equal(positions[12 + 3], 1);
  assert.ok(models.MAE.needs.parameters.get('positions')!.frozen);
  const bound = Math.sqrt(6 / (12 + 20));
  const hidden = values.get('blocks/0/mlp/hidden/w')!;
  assert.ok(hidden.every((v) => Math.abs(v) <= bound) && Math.max(...hidden) > 0.8 * bound);
});
