/** Classification as graphs: a head on the processor's latents, one true class for each example. */
import { mixes, softLabels } from '../data/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import type { ClassLogits, PerceiverOutputs, System } from '../models/index.js';
import { type Rematerialization, Scope } from '../nn/index.js';
import { crossEntropy, softCrossEntropy } from '../objectives/index.js';
import { applyModel, type ModelDescription, modelInputs, systemOf, validityFeeds } from '../training/description.js';
import { modelFeeds, type Objective } from '../training/objective.js';
import { checkHead, readLatents } from './heads.js';
import { majorityLabels, mixed, type TaskOptions } from './mixing.js';
import { segment } from './segmentation.js';

/** What of the encoder is taken as features: the mean of its last latents, or all latents of one block side by side. */
export type FeatureView = 'mean' | { block: number };

/**
 * Outputs of the encoder's blocks, `[B, G, N, D]`, as the checkpoint has it: a head of its own may stand in the place of the
 * encoder's last norm. Nothing is masked.
 */
export function encoded(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): PerceiverOutputs {
  if (description.head === 'own') return classified(description, scope, inputs);
  if (description.task === 'segmentation' && systemOf(description).segment) return segment(description, scope, inputs);
  return applyModel(description, scope, inputs, { encoderOnly: true });
}

/**
 * The features of an example: `[B, D_p]` for the mean of the processor's latents, `[B, G·N·D]` for all latents of a
 * block. Nothing is masked.
 * @throws HiperceiverError where the encoder has no such block
 */
export function features(
  description: ModelDescription,
  scope: Scope,
  inputs: Record<string, Tensor>,
  view: FeatureView = 'mean',
): Tensor {
  const { blocks } = encoded(description, scope, inputs);
  if (view === 'mean') return blocks[blocks.length - 1].mean([1, 2]);
  const latents = blocks[view.block];
  ensure(latents, () => `The encoder has the blocks 0 to ${blocks.length - 1} and no block ${view.block}.`);
  return latents.reshape([latents.shape[0], -1]);
}

/** Width of each encoder block's latents side by side, first to processor. */
export function latentWidths(description: ModelDescription): number[] {
  const { blocks } = encoded(description, Scope.root(), modelInputs(description, 1));
  return blocks.map((latents) => latents.size);
}

/**
 * Logits `[B, classes]` of a model that was trained to classify or to tag whole examples.
 * @throws HiperceiverError where it was not
 */
export function classify(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): Tensor {
  return classified(description, scope, inputs).logits;
}

/** {@link classify}, with the outputs of the encoder's blocks. */
export function classified(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): ClassLogits {
  const { classes, task, head = 'mean', config, modalities } = description;
  if (!classes) throw new HiperceiverError('The model has no classifier: fine-tune it first (hip finetune).');
  ensure(
    task !== 'segmentation',
    () => 'The model gives a class to every pixel and none to the whole: use one that was fine-tuned to classify.',
  );
  if (head === 'own') return ownHead(description)(scope, config, modalities, inputs, classes.length);
  checkHead(head, config);
  const outputs = applyModel(description, scope, inputs, { encoderOnly: true });
  const last = outputs.blocks[outputs.blocks.length - 1];
  return { ...outputs, logits: readLatents(scope.child('classifier'), head, last, classes.length) };
}

function ownHead(description: ModelDescription): NonNullable<System['classify']> {
  const { classify: own } = systemOf(description);
  ensure(
    own,
    () => `${description.system} has no published head of its own: choose --finetune.head latents, mean or attention.`,
  );
  return own;
}

/**
 * The graph of classification (cross-entropy, and accuracy on the batch), and what feeds it: signals, labels and draws.
 * Where examples are mixed, the labels are distributions, and as accurate counts what names the larger part.
 */
export function classificationObjective(
  description: ModelDescription,
  options: TaskOptions,
  batchSize: number,
  rematerialize?: Rematerialization,
): Objective {
  const { labelSmoothing } = options;
  const scope = Scope.root({ training: true, rematerialize });
  const inputs = modelInputs(description, batchSize);
  const labels = input('labels', [batchSize], 'i32');
  const logits = classify(description, scope, inputs);
  const { indices } = logits.topK(1);
  const soft = mixes(options) ? input('softLabels', logits.shape) : undefined;
  return {
    loss: soft ? softCrossEntropy(logits, soft) : crossEntropy(logits, labels, { labelSmoothing }),
    metrics: { accuracy: indices.reshape([batchSize]).equal(labels).cast('f32').mean() },
    needs: scope.needs,
    feeds: (batch, key) => {
      const { share, ...signals } = mixed(batch, description, options, key);
      const own = batch.labels!;
      return {
        labels: majorityLabels(own, share),
        ...(soft ? { softLabels: softLabels(own, logits.shape[1], share, labelSmoothing) } : {}),
        ...validityFeeds(description, batchSize, signals.lengths).feeds,
        ...modelFeeds(inputs, scope.needs, { ...batch, ...signals }, key),
      };
    },
  };
}
