/** What features are worth without training the encoder: a linear probe, nearest neighbours, and the same on raw values. */
import { type Dataset, kindOf, materialize, type SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { Graph, input, type Tensor } from '../graph/index.js';
import { initialize, linear, PARAMETER, Scope, zeros } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import { adamw, parameterGroups, warmupCosine } from '../optim/index.js';
import { fold, keyFrom, permutation } from '../random/index.js';
import { Learner } from '../training/learner.js';
import { readerOf } from '../training/signals.js';
import { type FeatureView, features } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { knnClassify, topKAccuracy } from './metrics/index.js';
import { overDataset } from './runner.js';
import type { Watch } from './watch.js';

/** Features of a data set, row-major `[N, D]`, with labels. */
export interface FeatureSet {
  data: Float32Array;
  dim: number;
  labels: Int32Array;
}

/** The model's features of every example; nothing is masked, nothing is random. */
export async function embedDataset(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize = 50,
  view: FeatureView = 'mean',
  watch?: Watch,
): Promise<FeatureSet & { ids: Int32Array; skipped: readonly SkippedFile[] }> {
  const build = (scope: Scope, inputs: Record<string, Tensor>) => features(model.description, scope, inputs, view);
  const { values, labels, ids, skipped } = await overDataset(model, dataset, engine, batchSize, build, watch);
  return { data: values, dim: values.length / ids.length, labels, ids, skipped };
}

/** The normalised values themselves (pixels, samples, coordinates) as features: what any encoder has to beat. */
export async function rawFeatures(model: Pick<TrainedModel, 'description'>, dataset: Dataset): Promise<FeatureSet> {
  const { values, labels, size } = await materialize(dataset, { reader: readerOf(model.description) });
  ensure(labels, () => `${dataset.path} has no labels: put the ${kindOf(dataset).noun}s in one folder per class.`);
  return { data: values, dim: values.length / size, labels };
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
  watch?: Watch;
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
  const scope = Scope.root();
  const labels = input('labels', [batchSize], 'i32');
  const logits = linear(scope.child('probe'), input('x', [batchSize, dim]), numClasses, { initializer: zeros });
  const { parameters } = scope.needs;
  const objective = { loss: crossEntropy(logits, labels), metrics: {}, needs: scope.needs };
  const learner = await Learner.create(engine, objective, {
    optimizer: adamw({ betas: [0.9, 0.999] }),
    groups: parameterGroups(parameters.values(), { weightDecay }),
    accumulation: 1,
    trainable: () => true,
  });
  await learner.load(initialize(parameters, keyFrom(seed)), undefined, { transfer: true });
  const predict = await engine.compile(Graph.of({ logits }), {
    inputs: Object.fromEntries([...parameters.keys()].map((name) => [PARAMETER + name, PARAMETER + name])),
  });

  const perEpoch = Math.floor(train.labels.length / batchSize);
  const schedule = warmupCosine({ base: learningRate, min: 0, warmup: perEpoch, total: epochs * perEpoch });
  for (let epoch = 0, at = 1; epoch < epochs; epoch++) {
    options.watch?.('epochs of the probe', epoch, epochs);
    const order = permutation(fold(keyFrom(seed), 'probe', epoch), train.labels.length);
    for (let i = 0; i < perEpoch; i++, at++) {
      const rows = order.subarray(i * batchSize, (i + 1) * batchSize);
      await learner.gradient({
        x: standardized(train, rows, mean, scale, batchSize),
        labels: rows.map((r) => train.labels[r]),
      });
      await learner.update(at, schedule(at));
    }
  }
  options.watch?.('epochs of the probe', epochs, epochs);
  const all = new Float32Array(test.labels.length * numClasses);
  for (let i = 0; i < test.labels.length; i += batchSize) {
    const rows = Int32Array.from({ length: Math.min(batchSize, test.labels.length - i) }, (_, j) => i + j);
    const { logits: found } = await predict.run({ x: standardized(test, rows, mean, scale, batchSize) });
    all.set(found.subarray(0, rows.length * numClasses), i * numClasses);
  }
  await predict.dispose();
  await learner.dispose();
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
