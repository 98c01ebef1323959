/** Multi-label tagging as a graph: any number of classes applies to an example, each is decided by itself. */
import { input } from '../graph/index.js';
import { type Rematerialization, Scope } from '../nn/index.js';
import { binaryCrossEntropyWithLogits } from '../objectives/index.js';
import { type ModelDescription, modelInputs, validityFeeds } from '../training/description.js';
import { modelFeeds, type Objective } from '../training/objective.js';
import { classify } from './classification.js';

/** The graph of tagging (binary cross-entropy of each class), and what feeds it: signals, tags and draws. */
export function taggingObjective(
  description: ModelDescription,
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
    feeds: (batch, key) => ({
      tags: batch.tags!,
      ...validityFeeds(description, batchSize, batch.lengths).feeds,
      ...modelFeeds(inputs, scope.needs, batch, key),
    }),
  };
}
