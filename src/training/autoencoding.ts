/** Masked auto-encoding as something to minimise: the same in Node and in a browser. */
import { input, type Tensor, type Values } from '../graph/index.js';
import { DRAW, drawAll, Scope } from '../nn/index.js';
import { type AutoencodingOptions, type MaskPlan, maskedAutoencoding, maskFeeds } from '../objectives/index.js';
import { fold } from '../random/index.js';
import { inputShapes, type ModelDescription, systemOf } from './description.js';
import type { Objective } from './objective.js';

/** The graph of masked auto-encoding, and what feeds it: signals, masks and draws of a step. */
export function autoencodingObjective(
  description: ModelDescription,
  masking: AutoencodingOptions,
  batchSize: number,
): Objective & { plans: MaskPlan[]; reconstruction: Record<string, Tensor> } {
  const scope = Scope.root({ training: true });
  const shapes = inputShapes(description, batchSize);
  const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]));
  const built = maskedAutoencoding(
    scope,
    systemOf(description),
    description.config,
    description.modalities,
    inputs,
    masking,
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
      const feeds: Record<string, Values> = { ...maskFeeds(built.plans, masking, fold(key, 'masks')) };
      for (const name of Object.keys(shapes)) feeds[name] = batch.signals[name];
      for (const [name, values] of drawAll(scope.needs.draws, key)) feeds[DRAW + name] = values;
      return feeds;
    },
  };
}
