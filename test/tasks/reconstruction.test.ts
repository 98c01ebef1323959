/** What a model makes of masked batches of several modalities, some of them padded, missing, or hidden as a whole. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { configOf, indexDim, type Modality, systemByName } from '../../src/models/index.js';
import { initialize, Scope } from '../../src/nn/index.js';
import { type AutoencodingOptions, maskedAutoencoding } from '../../src/objectives/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { reconstruct, type TrainedModel } from '../../src/tasks/index.js';
import { modelInputs, validityInputs } from '../../src/training/description.js';
import { smallHip } from '../smallHip.js';

const SIZE = 3;
const key = keyFrom(5);
const modalities: Modality[] = [
  { name: 'video', indexShape: [2, 4, 4], channels: 3 },
  { name: 'audio', indexShape: [24], channels: 1 },
];
const masking: AutoencodingOptions = {
  scheme: 'group',
  ratio: { video: 0.5, audio: 0.5 },
  input: 'drop',
  perExample: true,
  reconstruct: 'masked',
  normalizeTargets: false,
};
const signals = Object.fromEntries(
  modalities.map((m) => [m.name, normal(fold(key, m.name), SIZE * indexDim(m) * m.channels)]),
);
/** A whole sound, half of one, and none. */
const lengths = { audio: Int32Array.of(24, 12, 0) };

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
after(() => engine.dispose());

function model(partial: string[] | undefined): TrainedModel {
  const system = systemByName('hip');
  const description = {
    system: 'hip',
    variant: 'tiny',
    config: configOf(system, 'tiny', smallHip),
    modalities,
    partial,
  };
  const scope = Scope.root();
  const valid = validityInputs(description, 1);
  const inputs = modelInputs(description, 1);
  maskedAutoencoding(scope, system, description.config, modalities, inputs, masking, valid);
  return { path: 'made', description, parameters: initialize(scope.needs.parameters, key) };
}

const batch = { signals, lengths, size: SIZE };

/** Mean squared error over what is masked and real. */
function errorOf(name: string, mask: Float32Array, predicted: Float32Array): number {
  const { channels, indexShape } = modalities.find((m) => m.name === name)!;
  const elements = indexDim({ indexShape });
  let [sum, count] = [0, 0];
  for (let i = 0; i < SIZE * elements; i++) {
    const real = (lengths as Record<string, Int32Array>)[name]?.[Math.floor(i / elements)] ?? elements;
    if (mask[i] === 0 || i % elements >= real) continue;
    for (let c = 0; c < channels; c++, count++)
      sum += (predicted[i * channels + c] - signals[name][i * channels + c]) ** 2;
  }
  return sum / count;
}

test('every modality is reconstructed, and its loss counts what is masked and real', async () => {
  const { loss, modalities: made } = await reconstruct(model(['audio']), batch, masking, key, engine);
  for (const { name, indexShape, channels } of modalities) {
    const { reconstruction, mask, loss: own } = made[name];
    assert.equal(reconstruction.length, SIZE * indexDim({ indexShape }) * channels);
    assert.equal(mask.length, SIZE * indexDim({ indexShape }));
    const share = mask.reduce((a, b) => a + b, 0) / mask.length;
    assert.ok(Math.abs(share - 0.5) < 0.05, `${share} of ${name} is masked`);
    assert.ok(Math.abs(own - errorOf(name, mask, reconstruction)) < 1e-4 * own);
  }
  assert.ok(Math.abs(loss - (made.video.loss + made.audio.loss) / 2) < 1e-5);
});

test('what stands in padding changes nothing', async () => {
  const audio = signals.audio.slice();
  audio.fill(7, 24 + 12);
  const [one, other] = await Promise.all(
    [signals, { ...signals, audio }].map((own) =>
      reconstruct(model(['audio']), { ...batch, signals: own }, masking, key, engine),
    ),
  );
  assert.deepEqual(other.modalities.video.reconstruction, one.modalities.video.reconstruction);
  assert.equal(other.loss, one.loss);
});

test('a modality of ratio 1 is made from the others alone', async () => {
  const hidden = { ...masking, ratio: { video: 0.5, audio: 1 } };
  const other = { ...signals, audio: signals.audio.map((x) => -3 * x) };
  const [a, b] = await Promise.all(
    [signals, other].map((own) => reconstruct(model(undefined), { ...batch, signals: own }, hidden, key, engine)),
  );
  assert.ok(a.modalities.audio.mask.every((m) => m === 1));
  assert.deepEqual(b.modalities.audio.reconstruction, a.modalities.audio.reconstruction);
});

test('normalised targets come back in the scale of what is real of each group', async () => {
  const scaled = { ...signals, audio: signals.audio.map((x) => 100 + 10 * x) };
  const options = { ...masking, normalizeTargets: true };
  const { modalities: made } = await reconstruct(model(['audio']), { ...batch, signals: scaled }, options, key, engine);
  const ofWhole = made.audio.reconstruction.subarray(0, 24);
  assert.ok(ofWhole.every((x) => x > 40 && x < 160));
  const ofHalf = made.audio.reconstruction.subarray(24, 24 + 12);
  assert.ok(
    ofHalf.every((x) => x > 40 && x < 160),
    'padding does not pull the mean down',
  );
});
