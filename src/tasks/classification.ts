/** Classification as graphs: a linear on the mean of the encoder's latents. */
import { HiperceiverError } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import { linear, Scope } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import { applyModel, type ModelDescription, modelInputs } from '../training/description.js';
import { modelFeeds, type Objective } from '../training/objective.js';
import type { Recipe } from '../training/recipe.js';

/** Mean of the encoder's last latents, `[B, D]`: the features of an example. Nothing is masked. */
export function features(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): Tensor {
  const { blocks } = applyModel(description, scope, inputs, { encoderOnly: true });
  return blocks[blocks.length - 1].mean([1, 2]);
}

/** Logits `[B, classes]` of the described model. */
export function classify(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): Tensor {
  const { classes } = description;
  if (!classes) throw new HiperceiverError('The model has no classifier: fine-tune it first (hip finetune).');
  return linear(scope.child('classifier/linear'), features(description, scope, inputs), classes.length);
}

/** The graph of classification (cross-entropy, and accuracy on the batch), and what feeds it: signals, labels and draws. */
export function classificationObjective(
  description: ModelDescription,
  { labelSmoothing }: Recipe['finetune'],
  batchSize: number,
): Objective {
  const scope = Scope.root({ training: true });
  const inputs = modelInputs(description, batchSize);
  const labels = input('labels', [batchSize], 'i32');
  const logits = classify(description, scope, inputs);
  const { indices } = logits.topK(1);
  return {
    loss: crossEntropy(logits, labels, { labelSmoothing }),
    metrics: { accuracy: indices.reshape([batchSize]).equal(labels).cast('f32').mean() },
    needs: scope.needs,
    feeds: (batch, key) => ({ labels: batch.labels!, ...modelFeeds(inputs, scope.needs, batch, key) }),
  };
}
