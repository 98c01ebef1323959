/** Masked auto-encoding as something to minimise: the same in Node and in a browser. */
import type { Tensor } from '../graph/index.js';
import { type Rematerialization, Scope } from '../nn/index.js';
import { type AutoencodingOptions, type MaskPlan, maskedAutoencoding, maskFeeds } from '../objectives/index.js';
import { fold } from '../random/index.js';
import { type ModelDescription, modelInputs, systemOf, validityFeeds, validityInputs } from './description.js';
import { modelFeeds, type Objective } from './objective.js';

/** The graph of masked auto-encoding, and what feeds it: signals, masks and draws of a step. */
export function autoencodingObjective(
  description: ModelDescription,
  masking: AutoencodingOptions,
  batchSize: number,
  rematerialize?: Rematerialization,
): Objective & { plans: MaskPlan[]; reconstruction: Record<string, Tensor> } {
  const scope = Scope.root({ training: true, rematerialize });
  const inputs = modelInputs(description, batchSize);
  const built = maskedAutoencoding(
    scope,
    systemOf(description),
    description.config,
    description.modalities,
    inputs,
    masking,
    validityInputs(description, batchSize),
  );
  const several = Object.keys(built.losses).length > 1;
  return {
    loss: built.loss,
    metrics: several
      ? Object.fromEntries(Object.entries(built.losses).map(([name, loss]) => [`loss/${name}`, loss]))
      : {},
    needs: scope.needs,
    plans: built.plans,
    reconstruction: built.outputs.reconstruction,
    feeds: (batch, key) => {
      const { feeds, valid } = validityFeeds(description, batchSize, batch.lengths);
      return {
        ...feeds,
        ...maskFeeds(built.plans, masking, fold(key, 'masks'), valid),
        ...modelFeeds(inputs, scope.needs, batch, key),
      };
    },
  };
}
