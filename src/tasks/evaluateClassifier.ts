/** What a classifier gets right. */
import type { Dataset, SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import type { Scope } from '../nn/index.js';
import { classify } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { confusionMatrix, topKAccuracy } from './metrics/index.js';
import { overDataset } from './runner.js';
import type { Watch } from './watch.js';

/** How well a classifier does on a data set. */
export interface ClassificationScore {
  /** Shares of the examples, 0 … 1. */
  top1: number;
  top5: number;
  /** `[classes, classes]`: rows are true classes. */
  confusion: Float64Array;
  classes: string[];
  size: number;
  skipped: readonly SkippedFile[];
}

/** Accuracy and confusion of a classifier over a whole data set. */
export async function evaluateClassifier(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize = 50,
  watch?: Watch,
): Promise<ClassificationScore> {
  const { description } = model;
  const { classes } = description;
  ensure(classes, () => `${model.path} has no classifier: fine-tune it first (hip finetune --from ${model.path}).`);
  ensure(
    dataset.labels && dataset.classes.join() === classes.join(),
    () =>
      `${dataset.path} has the classes ${dataset.classes.join(', ') || '(none)'}, the model ${classes.join(', ')}: give images of the model's classes with --data.`,
  );
  const build = (scope: Scope, inputs: Record<string, Tensor>) => classify(description, scope, inputs);
  const { values: logits, labels, skipped } = await overDataset(model, dataset, engine, batchSize, build, watch);
  const predictions = new Int32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes.length, (i + 1) * classes.length);
    predictions[i] = row.indexOf(Math.max(...row));
  }
  return {
    top1: topKAccuracy(logits, labels, 1),
    top5: topKAccuracy(logits, labels, Math.min(5, classes.length)),
    confusion: confusionMatrix(predictions, labels, classes.length),
    classes,
    size: labels.length,
    skipped,
  };
}
