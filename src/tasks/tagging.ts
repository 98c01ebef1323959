/** Multi-label tagging as a graph: any number of classes applies to an example, each is decided by itself. */
import { average } from '../data/index.js';
import { input } from '../graph/index.js';
import { type Rematerialization, Scope } from '../nn/index.js';
import { binaryCrossEntropyWithLogits } from '../objectives/index.js';
import { type ModelDescription, modelInputs, validityFeeds } from '../training/description.js';
import { modelFeeds, type Objective } from '../training/objective.js';
import { classify } from './classification.js';
import { mixed, type TaskOptions } from './mixing.js';

/**
 * The graph of tagging (binary cross-entropy of each class), and what feeds it: signals, tags and draws. Where examples are
 * mixed, so are their tags.
 */
export function taggingObjective(
  description: ModelDescription,
  options: TaskOptions,
  batchSize: number,
  rematerialize?: Rematerialization,
): Objective {
  const scope = Scope.root({ training: true, rematerialize });
  const inputs = modelInputs(description, batchSize);
  const logits = classify(description, scope, inputs);
  const tags = input('tags', logits.shape);
  return {
    loss: binaryCrossEntropyWithLogits(logits, tags),
    metrics: {},
    needs: scope.needs,
    feeds: (batch, key) => {
      const { share, ...signals } = mixed(batch, description, options, key);
      return {
        tags: share === 1 ? batch.tags! : average(batch.tags!, batchSize, share),
        ...validityFeeds(description, batchSize, signals.lengths).feeds,
        ...modelFeeds(inputs, scope.needs, { ...batch, ...signals }, key),
      };
    },
  };
}
