/** The tasks that a model can be fine-tuned for, chosen by what the data tell: how each is learned and how it is scored. */
import { type Dataset, requireClasses } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import type { ModelDescription, Task } from '../training/description.js';
import type { BuildObjective } from '../training/objective.js';
import { classificationObjective } from './classification.js';
import { type ClassificationScore, evaluateClassifier } from './evaluateClassifier.js';
import { evaluateSegmenter, type SegmentationScore } from './evaluateSegmenter.js';
import { evaluateTagger, type TaggingScore } from './evaluateTagger.js';
import type { TrainedModel } from './loadModel.js';
import type { TaskOptions } from './mixing.js';
import { segmentationObjective } from './segmentation.js';
import { taggingObjective } from './tagging.js';
import type { Watch } from './watch.js';

/** How well a fine-tuned model does; `task` tells which of them it is. */
export type Score = ClassificationScore | TaggingScore | SegmentationScore;

interface TaskRules<S extends Score> {
  /** @throws HiperceiverError where the data set cannot be learned from */
  require(dataset: Dataset): void;
  objective(
    description: ModelDescription,
    options: TaskOptions,
    ...how: Parameters<BuildObjective>
  ): ReturnType<BuildObjective>;
  evaluate(model: TrainedModel, dataset: Dataset, engine: Engine, batchSize?: number, watch?: Watch): Promise<S>;
  /** The number that is logged while training goes on: a share, 0 … 1. */
  headline: { name: string; of(score: S): number };
}

const rules: { [T in Task]: TaskRules<Extract<Score, { task: T }>> } = {
  classification: {
    require: requireClasses,
    objective: classificationObjective,
    evaluate: evaluateClassifier,
    headline: { name: 'testAccuracy', of: ({ top1 }) => top1 },
  },
  tagging: {
    require: requireSeveral,
    objective: taggingObjective,
    evaluate: evaluateTagger,
    headline: { name: 'testMeanAveragePrecision', of: ({ mAP }) => mAP },
  },
  segmentation: {
    require: requireSeveral,
    objective: segmentationObjective,
    evaluate: evaluateSegmenter,
    headline: { name: 'testMeanIoU', of: ({ meanIoU }) => meanIoU },
  },
};

function requireSeveral({ path, classes }: Dataset): void {
  ensure(classes.length > 1, () => `"${path}" has ${classes.length} classes: give data of at least two.`);
}

/**
 * The task that a data set is made for: a class for every element, several classes for an example, or one.
 * @throws HiperceiverError where it has no classes, or too few
 */
export function taskOf(dataset: Dataset): Task {
  const task = dataset.dense ? 'segmentation' : dataset.tags ? 'tagging' : 'classification';
  rules[task].require(dataset);
  return task;
}

/** How a task is learned and scored. */
export function taskRules(task: Task): TaskRules<Score> {
  return rules[task] as unknown as TaskRules<Score>;
}

/** Scores a fine-tuned model on a data set, as its task is scored. */
export function evaluateTask(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize?: number,
  watch?: Watch,
): Promise<Score> {
  return taskRules(model.description.task ?? 'classification').evaluate(model, dataset, engine, batchSize, watch);
}
