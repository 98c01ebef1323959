/** What the scores of all tasks share. */
import { type Dataset, type KindName, kindOf, type LeftOut } from '../data/index.js';
import { ensure } from '../errors/index.js';
import type { Task } from '../training/description.js';
import type { TrainedModel } from './loadModel.js';

/** Of which data a score is. */
export interface ScoredData extends LeftOut {
  task: Task;
  /** What the examples are. */
  kind: KindName;
  classes: string[];
  /** Examples that could be read. */
  size: number;
}

/**
 * The classes that a model and a data set agree on.
 * @throws HiperceiverError where they do not, or the model was not fine-tuned for the task
 */
export function agreedClasses(model: TrainedModel, dataset: Dataset, task: Task): string[] {
  const { path, description } = model;
  const { classes } = description;
  ensure(classes, () => `${path} has no classifier: fine-tune it first (hip finetune --from ${path}).`);
  ensure(
    description.task === undefined || description.task === task,
    () => `${path} was fine-tuned for ${description.task}, which is not ${task}: give data of its own task.`,
  );
  const truths = { classification: dataset.labels, tagging: dataset.tags, segmentation: dataset.dense };
  ensure(
    truths[task] && dataset.classes.join() === classes.join(),
    () =>
      `${dataset.path} has the classes ${dataset.classes.join(', ') || '(none)'}, the model ${classes.join(', ')}: give ${kindOf(dataset).noun}s of the model's classes with --data.`,
  );
  return classes;
}
