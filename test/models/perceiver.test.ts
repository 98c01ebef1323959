/** What the Perceiver's parts do, by hand, and where other implementations keep its parameters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { constant, Graph, input, type Tensor, type Values } from '../../src/graph/index.js';
import { fromLayout, toLayout } from '../../src/models/layouts/index.js';
import {
  encode,
  encoderDefaults,
  type HfPerceiverConfig,
  hfPerceiverModel,
  neighbourhoods,
  type PerceiverModel,
  perceiverAutoencoder,
  perceiverClassifier,
  perceiverLanguageModel,
  perceiverOpticalFlow,
  perceiverTextClassifier,
  perceiverVariants,
  pointFeatures,
  preprocessImages,
} from '../../src/models/perceiver/index.js';
import { initialize, type ModelNeeds, PARAMETER, Scope } from '../../src/nn/index.js';
import { keyFrom, normal } from '../../src/random/index.js';

const small: HfPerceiverConfig = {
  num_latents: 4,
  d_latents: 16,
  d_model: 16,
  num_blocks: 2,
  num_self_attends_per_block: 2,
  num_self_attention_heads: 2,
  num_cross_attention_heads: 1,
  qk_channels: 8,
  v_channels: 16,
  vocab_size: 19,
  max_position_embeddings: 6,
  image_size: 8,
  train_size: [5, 4],
  num_frames: 2,
  audio_samples_per_frame: 8,
  samples_per_patch: 4,
  output_shape: [1, 2, 4, 8],
  num_labels: 3,
};

/** Builds a model on inputs of random numbers; gives the needs, the outputs and the feeds. */
function build(model: PerceiverModel): { needs: ModelNeeds; outputs: Record<string, Tensor> } {
  const scope = Scope.root();
  const ids = () => input('ids', [2, 6], 'i32');
  const outputs = ((): Record<string, Tensor> => {
    switch (model.task) {
      case 'imageClassification':
        return { ...perceiverClassifier(scope, model.config, input('images', [2, 8, 8, 3])) };
      case 'maskedLanguage':
        return { ...perceiverLanguageModel(scope, model.config, ids(), input('readable', [2, 6])) };
      case 'textClassification':
        return { ...perceiverTextClassifier(scope, model.config, ids()) };
      case 'opticalFlow':
        return { flow: perceiverOpticalFlow(scope, model.config, input('frames', [2, 2, 5, 4, 27])) };
      case 'autoencoding':
        return perceiverAutoencoder(scope, model.config, {
          audio: input('audio', [2, 16, 1]),
          image: input('image', [2, 2, 4, 8, 3]),
          label: input('label', [2, 3]),
        }).outputs;
    }
  })();
  return { needs: scope.needs, outputs };
}

const CLASSES = [
  'PerceiverForImageClassificationFourier',
  'PerceiverForImageClassificationLearned',
  'PerceiverForImageClassificationConvProcessing',
  'PerceiverForMaskedLM',
  'PerceiverForSequenceClassification',
  'PerceiverForOpticalFlow',
  'PerceiverForMultimodalAutoencoding',
];

test("parameters go to Hugging Face's names and come back as they were", () => {
  for (const name of CLASSES) {
    const { model, layout } = hfPerceiverModel(name, small);
    const { needs } = build(model);
    const values = initialize(needs.parameters, keyFrom(1));
    const theirs = toLayout(layout, needs.parameters.values(), values);
    assert.equal(theirs.size, needs.parameters.size, name);
    const back = fromLayout(layout, needs.parameters.values(), theirs);
    assert.deepEqual([back.missing, back.unexpected], [[], []], name);
    assert.deepEqual(back.values, values, name);
  }
});

test("each of our sizes has a place for every parameter under DeepMind's names", () => {
  const { tiny } = perceiverVariants;
  const { needs } = build(tiny.model);
  const theirs = toLayout(tiny.layout, needs.parameters.values(), initialize(needs.parameters, keyFrom(1)));
  assert.equal(theirs.size, needs.parameters.size);
  assert.ok(theirs.has('classification_decoder/~/basic_decoder/output/w'));
});

test('a class that is not built is told with the nearest', () => {
  assert.throws(() => hfPerceiverModel('PerceiverForMaskedML', small), /PerceiverForMaskedLM/);
});

test('what an auto-encoder gives has the form of what it was given', () => {
  const { outputs } = build(hfPerceiverModel('PerceiverForMultimodalAutoencoding', small).model);
  const shapes = Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, shape]));
  assert.deepEqual(shapes, { audio: [2, 16], image: [2, 64, 3], label: [2, 3] });
  assert.deepEqual(build(hfPerceiverModel('PerceiverForOpticalFlow', small).model).outputs.flow.shape, [2, 5, 4, 2]);
});

/** Feeds of a model's parameters, at random: latents and tables begin so small that they would hide differences. */
function parametersOf({ parameters }: ModelNeeds): Record<string, Values> {
  return Object.fromEntries(
    [...initialize(parameters, keyFrom(3))].map(([name, values]) => [
      PARAMETER + name,
      /latents|positions|embeddings/.test(name) ? normal(keyFrom(name.length), values.length) : values,
    ]),
  );
}

test('padding is read by nobody, and is answered with zeros of attention', () => {
  const { model } = hfPerceiverModel('PerceiverForMaskedLM', small);
  assert.ok(model.task === 'maskedLanguage');
  const { needs, outputs } = build({ ...model, config: { ...model.config, masksQueries: true } });
  const run = (ids: number[], readable: number[]) =>
    evaluate(Graph.of({ embeddings: outputs.embeddings }), {
      ...parametersOf(needs),
      ids: Int32Array.from(ids),
      readable: Float32Array.from(readable),
    }).get('embeddings')!;
  const real = [1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1];
  const one = run([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3], real);
  const other = run([1, 2, 3, 11, 12, 13, 7, 8, 9, 1, 2, 3], real);
  assert.deepEqual([...other], [...one]);
  assert.notDeepEqual([...run([1, 2, 3, 11, 12, 13, 7, 8, 9, 1, 2, 3], real.fill(1))], [...one]);
  // The rows of padding got nothing, and no residual: all are the same.
  assert.deepEqual([...one.slice(3 * 16, 4 * 16)], [...one.slice(4 * 16, 5 * 16)]);
});

test('weights are shared as asked: one set of self-attention, two of reading', () => {
  const names = (sharedCross: 'all' | 'allButFirst' | 'none') => {
    const scope = Scope.root();
    const sizes = { latents: 4, channels: 8, blocks: 3, layers: 1, selfHeads: 2 };
    const config = { ...encoderDefaults, ...sizes, reads: 'everyBlock' as const, sharedCross };
    encode(scope, input('inputs', [1, 5, 6]), config);
    const sets = [...scope.needs.parameters.keys()].map((name) => name.split('/').slice(0, 2).join('/'));
    return [...new Set(sets)].filter((name) => name.includes('attention'));
  };
  const self = 'self_attention/0';
  assert.deepEqual(names('all'), ['cross_attention/0', self]);
  assert.deepEqual(names('allButFirst'), ['cross_attention/0', self, 'cross_attention/1']);
  assert.deepEqual(names('none'), ['cross_attention/0', self, 'cross_attention/1', 'cross_attention/2']);
});

test('weights that are used several times have draws of their own for each use', () => {
  const scope = Scope.root({ training: true });
  const sizes = { latents: 4, channels: 8, blocks: 3, layers: 1, selfHeads: 2 };
  encode(scope, input('inputs', [1, 5, 6]), { ...encoderDefaults, ...sizes, reads: 'everyBlock', dropout: 0.1 });
  assert.equal(scope.needs.draws.size, 3 * 2 * 2);
});

test('neighbourhoods are ordered by row, column and channel, and zero outside', () => {
  const frame = constant(Float32Array.of(1, 2, 3, 4), [1, 1, 2, 2, 1]);
  const got = evaluate(Graph.of({ y: neighbourhoods(frame) }), {}).get('y')!;
  assert.deepEqual([...got.slice(0, 9)], [0, 0, 0, 0, 1, 2, 0, 3, 4]);
  assert.deepEqual([...got.slice(27, 36)], [1, 2, 0, 3, 4, 0, 0, 0, 0]);
});

test('patches are ordered by frame, row, column and channel', () => {
  const video = constant(
    Float32Array.from({ length: 2 * 2 * 4 * 2 }, (_, i) => i),
    [1, 2, 2, 4, 2],
  );
  const { inputs, indexShape } = preprocessImages(Scope.root(), video, {
    kind: 'patches',
    spatialStride: 2,
    temporalStride: 2,
  });
  assert.deepEqual(indexShape, [1, 2]);
  const got = evaluate(Graph.of({ inputs }), {}).get('inputs')!;
  assert.deepEqual([...got.slice(0, 16)], [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
  assert.throws(
    () => preprocessImages(Scope.root(), video, { kind: 'patches', spatialStride: 3 }),
    /do not divide into patches/,
  );
});

test('points of a grid that is decoded in parts begin at -1 and leave 1 out', () => {
  const positions = { kind: 'fourier' as const, numBands: 1, sineOnly: true };
  const { data, channels } = pointFeatures(positions, [2, 4], [0, 5, 7]);
  assert.equal(channels, 4);
  assert.deepEqual([...data.slice(0, 2)], [-1, -1]);
  assert.deepEqual([...data.slice(4, 6)], [0, -0.5]);
  assert.deepEqual([...data.slice(8, 10)], [0, 0.5]);
});
