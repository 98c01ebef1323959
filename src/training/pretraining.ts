/** Pre-training as something to minimise: the same in Node and in a browser. */
import { type Rematerialization, Scope } from '../nn/index.js';
import { type PretrainedModel, type Pretraining, type PretrainingOptions, pretrainingOf } from '../objectives/index.js';
import { fold } from '../random/index.js';
import { type ModelDescription, modelInputs, systemOf, validityFeeds, validityInputs } from './description.js';
import { modelFeeds, type Objective } from './objective.js';

/** The described model's own objective on a batch, in a scope. */
export function buildPretraining(
  description: ModelDescription,
  masking: PretrainingOptions,
  scope: Scope,
  inputs: ReturnType<typeof modelInputs>,
): Pretraining {
  const [batchSize] = Object.values(inputs)[0].shape;
  const model: PretrainedModel = {
    system: systemOf(description),
    config: description.config,
    modalities: description.modalities,
    statistics: statisticsOf(description),
  };
  return pretrainingOf(description.system)(scope, model, inputs, masking, validityInputs(description, batchSize));
}

/** The graph of a model's pre-training, and what feeds it: signals, masks and draws of a step. */
export function pretrainingObjective(
  description: ModelDescription,
  masking: PretrainingOptions,
  batchSize: number,
  rematerialize?: Rematerialization,
): Objective {
  const scope = Scope.root({ training: true, rematerialize });
  const inputs = modelInputs(description, batchSize);
  const { loss, metrics, about, feeds } = buildPretraining(description, masking, scope, inputs);
  return {
    loss,
    metrics,
    about,
    needs: scope.needs,
    feeds: (batch, key, progress = 0) => {
      const told = validityFeeds(description, batchSize, batch.lengths);
      return {
        ...told.feeds,
        ...feeds({ key: fold(key, 'masks'), progress, valid: told.valid }),
        ...modelFeeds(inputs, scope.needs, batch, key),
      };
    },
  };
}

/** Mean and deviation that the reader of a model with one signal brings it to. */
function statisticsOf({ reader, modalities }: ModelDescription): PretrainedModel['statistics'] {
  if (!reader?.mean || !reader.std || modalities.length !== 1) return undefined;
  return { [modalities[0].name]: { mean: reader.mean, std: reader.std } };
}
