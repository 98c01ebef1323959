import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input, type Tensor, type Values } from '../../src/graph/index.js';
import { type BeitConfig, beit, beitTokenHead, patchTokens } from '../../src/models/beit.js';
import { beitVariants, forMaskedImages } from '../../src/models/beitVariants.js';
import {
  type DiscreteVaeConfig,
  decodedPixels,
  decodeTokens,
  encodeTokens,
  mapPixels,
  tokenGrid,
} from '../../src/models/discreteVae.js';
import { patchSegmentation, segmentationOf } from '../../src/models/patchSegmentation.js';
import { initialize, PARAMETER, Scope } from '../../src/nn/index.js';
import { discreteVaeLoss, gumbelNoise, gumbelSoftmax, temperatureAt } from '../../src/objectives/index.js';
import { fold, keyFrom, uniform } from '../../src/random/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

const small: BeitConfig = { ...beitVariants.tiny, width: 24, depth: 2, size: [8, 16], patch: [4, 4] };

function start({ needs }: Scope): Map<string, Float32Array> {
  return initialize(needs.parameters, keyFrom(1));
}

const asFeeds = (values: Map<string, Float32Array>): Record<string, Values> =>
  Object.fromEntries([...values].map(([name, v]) => [PARAMETER + name, v]));

test('pixels of masked patches are not seen, those of others are', async () => {
  const scope = Scope.root();
  const masked = input('masked', [1, 8]);
  const { output } = beit(scope, forMaskedImages(small), input('pixels', [1, 128, 3]), masked);
  const y = beitTokenHead(scope, patchTokens(output), 10);
  const program = await engine.compile(Graph.of({ y }));
  const feeds = { ...asFeeds(start(scope)), masked: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0) };
  const run = async (change?: number) => {
    const pixels = uniform(keyFrom(2), 128 * 3);
    if (change !== undefined) pixels[change * 3] += 1;
    return [...(await program.run({ ...feeds, pixels })).y];
  };
  const plain = await run();
  assert.deepEqual(await run(0), plain);
  assert.notDeepEqual(await run(4), plain);
});

test('masked patches without a mask token are refused', () => {
  const masked = input('masked', [1, 8]);
  assert.throws(() => beit(Scope.root(), small, input('pixels', [1, 128, 3]), masked), /has no mask token/);
});

test('segmentation reads four states, of depths that exist', () => {
  assert.deepEqual(segmentationOf({ depth: 12 }, 2, 2).states, [2, 4, 6, 10]);
  assert.deepEqual(segmentationOf({ depth: 24 }, 2, 2).states, [6, 10, 14, 22]);
  assert.deepEqual(segmentationOf({ depth: 12 }, 2).states, [4, 6, 8, 12]);
  assert.deepEqual(segmentationOf({ depth: 4 }, 2).states, [1, 2, 3, 4]);
  assert.deepEqual(segmentationOf({ depth: 2 }, 2).states, [1, 2, 2, 2]);
  const scope = Scope.root();
  const { states } = beit(scope, small, input('pixels', [2, 128, 3]));
  const { main, auxiliary } = patchSegmentation(scope, segmentationOf(small, 5), states, [2, 4]);
  assert.deepEqual(
    [main.shape, auxiliary!.shape],
    [
      [2, 5, 8, 16],
      [2, 5, 2, 4],
    ],
  );
  const wrong = { ...segmentationOf(small, 5), states: [0, 1, 2, 9] };
  assert.throws(() => patchSegmentation(Scope.root(), wrong, states, [2, 4]), /0 to 2, not 0, 1, 2, 9/);
});

/** Encoder, relaxed choice, decoder. */
function autoencoder(config: DiscreteVaeConfig, pixels: Tensor, size: [number, number]) {
  const scope = Scope.root();
  const logits = encodeTokens(scope.child('encoder'), config, pixels, size);
  const noise = input('noise', logits.shape);
  const choice = gumbelSoftmax(logits, noise, { temperature: 0.9 });
  const decoded = decodeTokens(scope.child('decoder'), config, choice, tokenGrid(config, size), 3);
  return { scope, decoded, noise, ...discreteVaeLoss(logits, decoded, mapPixels(pixels), { weight: 0.1 }) };
}

test('a discrete auto-encoder learns by gradients through its choices', async () => {
  const config = { hidden: 8, blocksPerGroup: 1, groups: 3, vocabulary: 12, decoderInputs: 8 };
  const pixels = input('pixels', [2, 64, 3]);
  const { scope, loss, divergence, decoded, noise } = autoencoder(config, pixels, [8, 8]);
  const parameters = [...scope.needs.tensors];
  const grads = gradients(
    loss,
    parameters.map(([, t]) => t),
  );
  const outputs = { loss, divergence, image: decodedPixels(decoded) };
  const program = await engine.compile(
    Graph.of({ ...outputs, ...Object.fromEntries(parameters.map(([name], i) => [`d ${name}`, grads[i]])) }),
  );
  const values = start(scope);
  // Two images of one colour each.
  const image = Float32Array.from({ length: 2 * 64 * 3 }, (_, i) => (i < 192 ? 0.9 : 0.15));
  const losses: number[] = [];
  for (let step = 0; step < 100; step++) {
    const feeds = { pixels: image, noise: gumbelNoise(fold(keyFrom(4), step), noise.size), ...asFeeds(values) };
    const result = await program.run(feeds);
    losses.push(result.loss[0]);
    assert.ok([...result.image].every((x) => x >= 0 && x <= 1));
    assert.ok(result.divergence[0] >= -1e-5 && result.divergence[0] <= Math.log(12) + 1e-5);
    for (const [name, v] of values) {
      const g = result[`d ${name}`];
      for (let i = 0; i < v.length; i++) v[i] -= 0.15 * Math.max(-1, Math.min(1, g[i]));
    }
  }
  assert.ok(losses[99] < losses[0] - 0.2, `${losses[0]} → ${losses[99]}`);
  assert.ok([...scope.needs.parameters.keys()].some((name) => name.startsWith('encoder/blocks/group_1')));
});

test('noise is Gumbel distributed, and the temperature falls from its first value to its last', () => {
  const noise = gumbelNoise(keyFrom(5), 20000);
  const mean = noise.reduce((a, b) => a + b) / noise.length;
  assert.ok(noise.every(Number.isFinite) && Math.abs(mean - 0.5772) < 0.03);
  assert.deepEqual(
    [0, 100, 500].map((step) => temperatureAt(step, 100)),
    [1, 1 / 16, 1 / 16],
  );
  assert.ok(temperatureAt(50, 100) < 0.6 && temperatureAt(50, 100) > 0.5);
});

test('sizes that do not fit the tokens are refused', () => {
  const config = { hidden: 8, blocksPerGroup: 1, groups: 3, vocabulary: 12, decoderInputs: 8 };
  assert.throws(() => tokenGrid(config, [8, 10]), /8x10 have no whole number of tokens: choose a multiple of 4/);
  const odd = { ...config, hidden: 6 };
  assert.throws(() => encodeTokens(Scope.root(), odd, input('pixels', [1, 64, 3]), [8, 8]), /6 does not do/);
});
