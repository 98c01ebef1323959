/** How well a tagger ranks the examples of each class above the others. */
import type { Dataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import type { Tensor } from '../graph/index.js';
import type { Scope } from '../nn/index.js';
import { classify } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { type TaggingMetrics, taggingMetrics } from './metrics/index.js';
import { overDataset } from './runner.js';
import { agreedClasses, type ScoredData } from './score.js';
import type { Watch } from './watch.js';

/** How well a tagger does on a data set. */
export interface TaggingScore extends ScoredData, TaggingMetrics {
  task: 'tagging';
  /** Share of the examples that each class applies to: what the average precision of a random order would be. */
  prevalence: Float64Array;
  /** Mean of `prevalence` over the classes that occur: the mAP of chance. */
  chance: number;
}

/** Mean average precision and d' of a tagger over a whole data set. */
export async function evaluateTagger(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize = 50,
  watch?: Watch,
): Promise<TaggingScore> {
  const classes = agreedClasses(model, dataset, 'tagging');
  const build = (scope: Scope, inputs: Record<string, Tensor>) => classify(model.description, scope, inputs);
  const {
    values: logits,
    tags,
    ids,
    skipped,
    flawed,
  } = await overDataset(model, dataset, engine, batchSize, build, watch);
  const prevalence = new Float64Array(classes.length);
  for (let i = 0; i < tags.length; i++) prevalence[i % classes.length] += tags[i] / ids.length;
  const occurring = prevalence.filter((share) => share > 0);
  return {
    task: 'tagging',
    kind: dataset.kind,
    classes,
    size: ids.length,
    skipped,
    flawed,
    prevalence,
    chance: occurring.reduce((sum, share) => sum + share, 0) / occurring.length,
    ...taggingMetrics(logits, tags, classes.length),
  };
}
