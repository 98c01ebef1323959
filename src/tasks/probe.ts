/** What features are worth without training the encoder: a linear probe, nearest neighbours, and the same on raw pixels. */
import { type ImageDataset, materialize, type SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { Graph, gradients, input, sizeOf } from '../graph/index.js';
import { PARAMETER } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import { adamw, updateGraph, warmupCosine } from '../optim/index.js';
import { fold, keyFrom, permutation } from '../random/index.js';
import { transformFor } from '../training/images.js';
import { features } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { knnClassify, topKAccuracy } from './metrics/index.js';
import { overDataset } from './runner.js';

/** Features of a data set, row-major `[N, D]`, with labels. */
export interface FeatureSet {
  data: Float32Array;
  dim: number;
  labels: Int32Array;
}

/** The model's features of every example; nothing is masked, nothing is random. */
export async function embedDataset(
  model: TrainedModel,
  dataset: ImageDataset,
  engine: Engine,
  batchSize = 50,
): Promise<FeatureSet & { ids: Int32Array; skipped: readonly SkippedFile[] }> {
  const { values, labels, ids, skipped } = await overDataset(model, dataset, engine, batchSize, (scope, inputs) =>
    features(model.description, scope, inputs),
  );
  return { data: values, dim: values.length / ids.length, labels, ids, skipped };
}

/** The normalised pixels as features: what any encoder has to beat. */
export async function pixelFeatures(
  model: Pick<TrainedModel, 'description'>,
  dataset: ImageDataset,
): Promise<FeatureSet> {
  const { images, labels, size } = await materialize(dataset, transformFor(model.description));
  ensure(labels, () => `${dataset.path} has no labels: put the images in one folder per class.`);
  return { data: images, dim: images.length / size, labels };
}

/** How a linear probe is trained. */
export interface ProbeOptions {
  /** Default 30. */
  epochs?: number;
  /** Default 256, or all examples where there are fewer. */
  batchSize?: number;
  /** Peak rate of AdamW, after one epoch of warm-up; default 3e-3. */
  learningRate?: number;
  /** Of the matrix alone; default 1e-2. */
  weightDecay?: number;
  /** Of the order of the examples; default 0. */
  seed?: number;
}

/** Accuracy (top-1, 0 … 1) on `test` of a linear classifier trained on standardised `train` features. */
export async function linearProbe(
  train: FeatureSet,
  test: FeatureSet,
  numClasses: number,
  engine: Engine,
  options: ProbeOptions = {},
): Promise<number> {
  const { epochs = 30, learningRate = 3e-3, weightDecay = 1e-2, seed = 0 } = options;
  const { dim } = train;
  const batchSize = Math.min(options.batchSize ?? 256, train.labels.length);
  const [mean, scale] = standardization(train);
  const x = input('x', [batchSize, dim]);
  const labels = input('labels', [batchSize], 'i32');
  const parameters = [
    { name: 'probe/w', shape: [dim, numClasses] },
    { name: 'probe/b', shape: [numClasses] },
  ];
  const [w, b] = parameters.map((p) => input(PARAMETER + p.name, p.shape));
  const logits = x.matmul(w).add(b);
  const [gw, gb] = gradients(crossEntropy(logits, labels), [w, b]);
  const update = updateGraph(parameters, {
    optimizer: adamw({ betas: [0.9, 0.999] }),
    groups: new Map(
      parameters.map((p) => [p.name, { learningRateScale: 1, weightDecay: p.shape.length > 1 ? weightDecay : 0 }]),
    ),
  });
  const resident = Object.fromEntries(parameters.map((p) => [PARAMETER + p.name, PARAMETER + p.name]));
  const buffers = [...parameters.map((p) => ({ buffer: PARAMETER + p.name, shape: p.shape })), ...update.state];
  await engine.write(
    Object.fromEntries(
      buffers.map(({ buffer, shape }) => [
        buffer,
        { type: { shape, dtype: 'f32' as const }, values: new Float32Array(sizeOf(shape)) },
      ]),
    ),
  );
  const forward = await engine.compile(Graph.of({ 'gradient/probe/w': gw, 'gradient/probe/b': gb }), {
    inputs: resident,
    outputs: { 'gradient/probe/w': 'gradient/probe/w', 'gradient/probe/b': 'gradient/probe/b' },
  });
  const step = await engine.compile(update.graph, update.residency);
  const predict = await engine.compile(Graph.of({ logits }), { inputs: resident });

  const perEpoch = Math.floor(train.labels.length / batchSize);
  const schedule = warmupCosine({ base: learningRate, min: 0, warmup: perEpoch, total: epochs * perEpoch });
  for (let epoch = 0, at = 1; epoch < epochs; epoch++) {
    const order = permutation(fold(keyFrom(seed), 'probe', epoch), train.labels.length);
    for (let i = 0; i < perEpoch; i++, at++) {
      const rows = order.subarray(i * batchSize, (i + 1) * batchSize);
      await forward.run({
        x: standardized(train, rows, mean, scale, batchSize),
        labels: Int32Array.from(rows, (r) => train.labels[r]),
      });
      await step.run(update.feeds(at, schedule(at)));
    }
  }
  const all = new Float32Array(test.labels.length * numClasses);
  for (let i = 0; i < test.labels.length; i += batchSize) {
    const rows = Int32Array.from({ length: Math.min(batchSize, test.labels.length - i) }, (_, j) => i + j);
    const result = (await predict.run({ x: standardized(test, rows, mean, scale, batchSize) })).logits as Float32Array;
    all.set(result.subarray(0, rows.length * numClasses), i * numClasses);
  }
  await Promise.all([forward, step, predict].map((p) => p.dispose()));
  await engine.free([...buffers.map((s) => s.buffer), 'gradient/probe/w', 'gradient/probe/b']);
  return topKAccuracy(all, test.labels, 1);
}

/** Accuracy (top-1, 0 … 1) of weighted votes of the k nearest training examples by cosine. */
export function knnAccuracy(train: FeatureSet, test: FeatureSet, numClasses: number, k = 20): number {
  const { predictions } = knnClassify({
    trainFeatures: train.data,
    trainLabels: train.labels,
    testFeatures: test.data,
    numClasses,
    k,
  });
  return test.labels.reduce((right, label, i) => right + Number(predictions[i] === label), 0) / test.labels.length;
}

/** Mean and 1 / deviation of every feature over the training set. */
function standardization({ data, dim, labels }: FeatureSet): [Float64Array, Float64Array] {
  const mean = new Float64Array(dim);
  const square = new Float64Array(dim);
  for (let i = 0; i < data.length; i++) {
    mean[i % dim] += data[i] / labels.length;
    square[i % dim] += (data[i] * data[i]) / labels.length;
  }
  return [mean, square.map((s, d) => 1 / Math.sqrt(Math.max(s - mean[d] ** 2, 0) + 1e-6))];
}

function standardized(
  { data, dim }: FeatureSet,
  rows: Int32Array,
  mean: Float64Array,
  scale: Float64Array,
  batchSize: number,
): Float32Array {
  const out = new Float32Array(batchSize * dim);
  rows.forEach((row, i) => {
    for (let d = 0; d < dim; d++) out[i * dim + d] = (data[row * dim + d] - mean[d]) * scale[d];
  });
  return out;
}
