/** What a classifier gets right. */
import type { Dataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import type { Tensor } from '../graph/index.js';
import type { Scope } from '../nn/index.js';
import { classify } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { confusionMatrix, topKAccuracy, topKIndices } from './metrics/index.js';
import { overDataset } from './runner.js';
import { agreedClasses, type ScoredData } from './score.js';
import type { Watch } from './watch.js';

/** How well a classifier does on a data set. */
export interface ClassificationScore extends ScoredData {
  task: 'classification';
  /** Shares of the examples, 0 … 1. */
  top1: number;
  top5: number;
  /** `[classes, classes]`: rows are true classes. */
  confusion: Float64Array;
}

/** Accuracy and confusion of a classifier over a whole data set. */
export async function evaluateClassifier(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize = 50,
  watch?: Watch,
): Promise<ClassificationScore> {
  const classes = agreedClasses(model, dataset, 'classification');
  const build = (scope: Scope, inputs: Record<string, Tensor>) => classify(model.description, scope, inputs);
  const {
    values: logits,
    labels,
    skipped,
    flawed,
  } = await overDataset(model, dataset, engine, batchSize, build, watch);
  const predictions = topKIndices(logits, classes.length, 1);
  return {
    task: 'classification',
    kind: dataset.kind,
    classes,
    size: labels.length,
    skipped,
    flawed,
    top1: topKAccuracy(logits, labels, 1),
    top5: topKAccuracy(logits, labels, Math.min(5, classes.length)),
    confusion: confusionMatrix(predictions, labels, classes.length),
  };
}
