import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFrom, normal } from '../../src/random/index.js';
import {
  averagePrecision,
  confusionMatrix,
  knnClassify,
  medianRank,
  nearestNeighbours,
  normalQuantile,
  recallAtK,
  retrievalMetrics,
  retrievalRanks,
  rocAuc,
  segmentationMetrics,
  taggingMetrics,
  topKAccuracy,
  topKIndices,
} from '../../src/tasks/metrics/index.js';
import { goldenCase } from './goldenCase.js';

test('top-k accuracy and indices equal the reference', () => {
  const { tensors, floats, expectClose } = goldenCase('topk_accuracy');
  const labels = tensors['input.labels'].data as BigInt64Array;
  expectClose('output.top1', 100 * topKAccuracy(floats('input.logits'), labels, 1));
  expectClose('output.top5', 100 * topKAccuracy(floats('input.logits'), labels, 5));
  expectClose('output.top5_index', topKIndices(floats('input.logits'), 12, 5));
});

test('a constant or diverged output never looks accurate', () => {
  const labels = [0, 1, 2, 3];
  assert.equal(topKAccuracy(new Float32Array(16), labels, 1), 0.25);
  assert.equal(topKAccuracy(new Float32Array(16).fill(NaN), labels, 4), 0);
  assert.deepEqual([...topKIndices([NaN, 1, NaN, 3, 1], 5, 5)], [3, 1, 4, 0, 2]);
  assert.deepEqual([...retrievalRanks(new Float32Array(6).fill(1), new Float32Array(6).fill(1), 3)], [0, 1, 2]);
});

test('wrong labels and sizes are named in one sentence', () => {
  assert.throws(() => topKAccuracy([1, 2, 3, 4], [0, 2], 1), /labels\[1\] is 2, outside the classes 0 to 1/);
  assert.throws(() => topKAccuracy([1, 2, 3, 4], [0, 1], 3), /Top-3 needs 1 <= k <= 2/);
  assert.throws(() => topKAccuracy([1, 2, 3], [0, 1], 1), /3 values cannot be laid out as 2 equal rows/);
  assert.throws(() => confusionMatrix([0], [255], 2), /ignoreIndex/);
  assert.throws(() => confusionMatrix([0], [0, 1], 2), /1 predictions but 2 labels/);
  assert.throws(() => taggingMetrics([0, NaN], [0, 1], 1), /score 1 is NaN/);
});

test('segmentation metrics equal the reference, also gathered in two batches', () => {
  const { json, tensors, expectClose } = goldenCase('mean_iou');
  const { num_classes: numClasses, ignore_index: ignoreIndex } = json.config;
  const predictions = tensors['input.pred'].data as BigInt64Array;
  const labels = tensors['input.target'].data as BigInt64Array;
  const confusion = confusionMatrix(predictions, labels, numClasses, { ignoreIndex });
  expectClose('output.confusion', confusion);
  const metrics = segmentationMetrics(confusion);
  expectClose('output.iou', metrics.iou);
  expectClose('output.mIoU', metrics.meanIoU);
  expectClose('output.pixel_accuracy', metrics.pixelAccuracy);
  expectClose('output.mean_class_accuracy', metrics.meanClassAccuracy);

  const into = new Float64Array(numClasses ** 2);
  for (const [from, to] of [
    [0, 99],
    [99, 198],
  ]) {
    confusionMatrix(predictions.subarray(from, to), labels.subarray(from, to), numClasses, { ignoreIndex, into });
  }
  assert.deepEqual(into, confusion);
});

test('a class that is neither present nor predicted does not count in mIoU', () => {
  const metrics = segmentationMetrics(confusionMatrix([0, 1, 1, 0], [0, 1, 1, 1], 3));
  assert.ok(Number.isNaN(metrics.iou[2]));
  assert.equal(metrics.meanIoU, (1 / 2 + 2 / 3) / 2);
  assert.equal(metrics.pixelAccuracy, 3 / 4);
});

test('tagging metrics equal the reference, ties included', () => {
  const { floats, expectClose } = goldenCase('multilabel_metrics');
  const metrics = taggingMetrics(floats('input.scores'), floats('input.targets'), 6);
  expectClose('output.average_precision', metrics.averagePrecision);
  expectClose('output.mAP', metrics.mAP);
  expectClose('output.auc', metrics.auc);
  expectClose('output.mean_auc', metrics.meanAuc);
  expectClose('output.d_prime_per_class', metrics.dPrime);
  expectClose('output.d_prime_mean_of_classes', metrics.dPrimeMeanOfClasses);
  expectClose('output.d_prime_of_mean_auc', metrics.dPrimeOfMeanAuc);
});

test('tied scores give chance, perfect scores give 1, missing classes are left out', () => {
  assert.equal(rocAuc([1, 1, 1, 1], [1, 0, 0, 1]), 0.5);
  assert.equal(averagePrecision([1, 1, 1, 1], [1, 0, 0, 0]), 0.25);
  assert.equal(averagePrecision([4, 3, 2, 1], [1, 1, 0, 0]), 1);
  assert.equal(rocAuc([Infinity, 3, 2, -Infinity], [1, 1, 0, 0]), 1);
  const metrics = taggingMetrics([2, 9, 1, 8], [1, 0, 0, 0], 2);
  assert.equal(metrics.mAP, 1);
  assert.ok(Number.isNaN(metrics.averagePrecision[1]));
});

test('the normal quantile is accurate in the centre and far into the tails', () => {
  // P(Z <= z) for these z, from the error function to 17 digits.
  const known: [p: number, z: number][] = [
    [0.5, 0],
    [0.8413447460685429, 1],
    [0.9772498680518208, 2],
    [0.9986501019683699, 3],
    [2.866515718791939e-7, -5],
    [7.61985302416047e-24, -10],
    [2.7536241186061556e-89, -20],
  ];
  for (const [p, z] of known)
    assert.ok(Math.abs(normalQuantile(p) - z) < 1e-12 * Math.max(1, Math.abs(z)), `quantile of ${p}`);
  assert.equal(normalQuantile(0), -Infinity);
  assert.equal(normalQuantile(1), Infinity);
  assert.ok(Number.isNaN(normalQuantile(1.1)));
});

test('retrieval metrics equal the reference', () => {
  const { floats, expectClose } = goldenCase('retrieval_metrics');
  const metrics = retrievalMetrics(floats('input.query'), floats('input.gallery'), 15);
  expectClose('output.rank', metrics.ranks);
  expectClose('output.R1', metrics.recall[1]);
  expectClose('output.R5', metrics.recall[5]);
  expectClose('output.R10', metrics.recall[10]);
  expectClose('output.median_rank', metrics.medianRank);
  assert.equal(medianRank([0, 3, 4, 9]), 4.5);
  assert.equal(recallAtK([0, 3, 4, 9], 4), 0.5);
});

test('kNN neighbours and votes equal a plain computation, for sizes that fill no tile', () => {
  const [numTrain, numTest, dim, k, temperature] = [131, 9, 7, 5, 0.07];
  const train = normal(keyFrom(1), numTrain * dim);
  const queries = normal(keyFrom(2), numTest * dim);
  const labels = Array.from({ length: numTrain }, (_, i) => i % 3);
  const { predictions, votes } = knnClassify({
    trainFeatures: train,
    trainLabels: labels,
    testFeatures: queries,
    numClasses: 3,
    k,
    temperature,
  });
  const neighbours = nearestNeighbours(train, queries, dim, k);
  const row = (x: Float32Array, i: number) => [...x.subarray(i * dim, (i + 1) * dim)];
  const dot = (x: number[], y: number[]) => x.reduce((total, value, d) => total + value * y[d], 0);
  for (let i = 0; i < numTest; i++) {
    const q = row(queries, i);
    const ranked = labels
      .map((label, j) => ({
        label,
        j,
        similarity: dot(q, row(train, j)) / Math.sqrt(dot(q, q) * dot(row(train, j), row(train, j))),
      }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, k);
    assert.deepEqual(
      [...neighbours.indices.subarray(i * k, (i + 1) * k)],
      ranked.map(({ j }) => j),
    );
    const weights = [0, 0, 0];
    for (const { label, similarity } of ranked) weights[label] += Math.exp(similarity / temperature);
    const total = weights[0] + weights[1] + weights[2];
    weights.forEach((weight, c) => assert.ok(Math.abs(votes[i * 3 + c] - weight / total) < 1e-6));
    assert.equal(predictions[i], weights.indexOf(Math.max(...weights)));
  }
});

test('kNN tells separated classes apart, tolerates zero vectors and few samples, refuses NaN', () => {
  const trainFeatures = Float32Array.from([1, 0, 0.9, 0.1, 0, 1, 0.1, 0.9]);
  const classify = (testFeatures: Float32Array, temperature = 0.07) =>
    knnClassify({ trainFeatures, trainLabels: [0, 0, 1, 1], testFeatures, numClasses: 2, temperature });
  assert.deepEqual([...classify(Float32Array.from([5, 1, 1, 5])).predictions], [0, 1]);
  assert.deepEqual([...classify(Float32Array.from([5, 1, 1, 5]), 1e-5).predictions], [0, 1]);
  assert.deepEqual([...classify(Float32Array.from([0, 0])).votes], [0.5, 0.5]);
  assert.throws(() => classify(Float32Array.from([NaN, 0])), /test feature row 0 is not finite/);
  assert.throws(() => classify(Float32Array.from([1, 2, 3])), /do not divide into features of width 2/);
});
