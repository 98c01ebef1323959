/** Dense segmentation as graphs: the decoder answers for every element of the input, and a linear names its class. */
import { ensure } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import { type DenseLogits, type Modality, systems } from '../models/index.js';
import { linear, type Rematerialization, Scope } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import { applyModel, type ModelDescription, modelInputs, systemOf, validityFeeds } from '../training/description.js';
import { modelFeeds, type Objective } from '../training/objective.js';
import type { Recipe } from '../training/recipe.js';

/** Label of elements without a class, in targets. */
export const VOID_LABEL = -1;

/** Weight of the loss of a second head (UperNet's, as BEiT takes it). */
const AUXILIARY_WEIGHT = 0.4;

/** The modality whose elements have classes: the first. */
export function segmentedModality({ modalities }: Pick<ModelDescription, 'modalities'>): Modality {
  return modalities[0];
}

/**
 * A model with logits for every element: by the head of the published models where the system has one, else by a linear on
 * what the reconstruction head reads for it, before it would become the signal's own channels.
 * @throws HiperceiverError where the model was not trained to segment, or cannot be
 */
export function segment(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): DenseLogits {
  const { classes, task, system, config, modalities } = description;
  ensure(
    classes && task === 'segmentation',
    () => 'The model does not segment: fine-tune it on images with label maps (hip finetune).',
  );
  const own = systemOf(description).segment;
  if (own) return own(scope, config, modalities, inputs, classes.length);
  const outputs = applyModel(description, scope, inputs, { readout: 'features' });
  const features = systemOf(description).masksElements && outputs.reconstruction[segmentedModality(description).name];
  ensure(features, () => {
    const able = Object.values(systems).filter(({ segment, masksElements }) => segment || masksElements);
    return `${system} has an answer for whole examples alone: segment with ${able.map(({ name }) => name).join(', ')}.`;
  });
  return { ...outputs, logits: linear(scope.child('classifier/linear'), features, classes.length) };
}

/** The most likely class of every element, `[B, I]`, as whole numbers in f32. */
export function segmentLabels(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): Tensor {
  const { indices } = segment(description, scope, inputs).logits.topK(1);
  return indices.reshape(indices.shape.slice(0, -1)).cast('f32');
}

/**
 * The graph of segmentation (cross-entropy over the elements that have a class, and their accuracy on the batch), and what
 * feeds it: signals, targets and draws. A batch without any class has loss 0.
 */
export function segmentationObjective(
  description: ModelDescription,
  { labelSmoothing }: Pick<Recipe['finetune'], 'labelSmoothing'>,
  batchSize: number,
  rematerialize?: Rematerialization,
): Objective {
  const scope = Scope.root({ training: true, rematerialize });
  const inputs = modelInputs(description, batchSize);
  const { logits, auxiliary } = segment(description, scope, inputs);
  const [, elements, classes] = logits.shape;
  const targets = input('targets', [batchSize, elements], 'i32').reshape([-1]);
  const lossOf = (dense: Tensor) =>
    crossEntropy(dense.reshape([-1, classes]), targets, { labelSmoothing, ignore: VOID_LABEL });
  const hits = logits.reshape([-1, classes]).topK(1).indices.reshape([-1]).equal(targets).cast('f32').sum();
  const counted = targets.greaterEqual(0).cast('f32').sum().maximum(1);
  const loss = lossOf(logits);
  return {
    loss: auxiliary ? loss.add(lossOf(auxiliary).mul(AUXILIARY_WEIGHT)) : loss,
    metrics: { pixelAccuracy: hits.div(counted) },
    needs: scope.needs,
    feeds: (batch, key) => ({
      targets: batch.targets!,
      ...validityFeeds(description, batchSize, batch.lengths).feeds,
      ...modelFeeds(inputs, scope.needs, batch, key),
    }),
  };
}
