/**
 * Perceiver IO as the HiP repository has it for comparison: every modality in one single group, one block of latents,
 * and the same reconstruction head.
 */
import { concat, type Tensor } from '../graph/index.js';
import type { Scope } from '../nn/index.js';
import type { Grouping } from './grouping.js';
import { inputStage, type PositionOptions, unembed } from './inputStage.js';
import { indexDim, type Modality } from './modality.js';
import { blockName, embedderName, signalHeadName } from './partNames.js';
import { crossAttention, perceiverBlock } from './perceiverBlock.js';
import type { ApplyOptions, PerceiverOutputs } from './system.js';
import { checkValid, readableInOneGroup } from './validity.js';

/** The names are the reference's. */
export interface PerceiverIoConfig extends PositionOptions {
  numSelfAttendsPerBlock: number;
  zIndexDim: number;
  numZChannels: number;
  numCrossAttendHeads: number;
  numSelfAttendHeads: number;
  crossAttendWideningFactor: number;
  selfAttendWideningFactor: number;
  numEmbeddingChannels: number;
  dropoutProb: number;
  dropPathRate: number;
  /** Latents while training, or at evaluation, where they differ. */
  zIndexDimTrain?: number;
  zIndexDimEval?: number;
}

/** One group for each modality, as long as the longest: masks count a modality's own rows alone. */
export function perceiverIoGrouping(_: PerceiverIoConfig, modalities: readonly Modality[]): Grouping {
  const longest = Math.max(...modalities.map(indexDim));
  return {
    indexDimPerGroup: longest,
    modalities: modalities.map((m) => ({
      name: m.name,
      indexDim: indexDim(m),
      groups: 1,
      finalPadding: 0,
      groupPadding: longest - indexDim(m),
    })),
  };
}

/** Applies Perceiver IO. `inputs[name]`: `[B, I, C]`; outputs as those of `hip`. */
export function perceiverIo(
  root: Scope,
  config: PerceiverIoConfig,
  modalities: readonly Modality[],
  inputs: Record<string, Tensor>,
  options: ApplyOptions = {},
): PerceiverOutputs {
  checkValid(modalities, options.valid);
  const scope = root.child('perceiver');
  // Each modality is embedded as one group of its own length; they are joined along the index axis below.
  const stems = modalities.map((modality, order) =>
    inputStage(scope, [modality], inputs, perceiverIoGrouping(config, [modality]), config.numEmbeddingChannels, {
      ...config,
      order,
      selections: options.selections,
      valid: options.valid,
    }),
  );
  const x = scope.tap(
    'inputs',
    concat(
      stems.map((s) => s.x),
      2,
    ),
  );
  const readable = stems.some((s) => s.readable)
    ? readableInOneGroup(stems.map((s) => ({ rows: s.readable?.rows, count: s.x.shape[2] })))
    : undefined;
  const latents = perceiverBlock(scope.child(blockName(0, false)), x, {
    numLatentsEval: config.zIndexDimEval ?? config.zIndexDim,
    numLatentsTrain: config.zIndexDimTrain ?? config.zIndexDim,
    channels: config.numZChannels,
    numSelfAttends: config.numSelfAttendsPerBlock,
    crossHeads: config.numCrossAttendHeads,
    selfHeads: config.numSelfAttendHeads,
    crossWideningFactor: config.crossAttendWideningFactor,
    selfWideningFactor: config.selfAttendWideningFactor,
    dropoutProb: config.dropoutProb,
    dropPathRate: config.dropPathRate,
    readable: readable?.rows,
  });
  scope.tap('block.0', latents);
  if (options.encoderOnly) return { blocks: [latents], reconstruction: {}, latents: {} };

  const asked = modalities.map(({ name }, i) => stems[i].queries[name]);
  const read = crossAttention(
    scope.child(signalHeadName(false)).child('hi_p_cross_attention'),
    concat(asked, 2),
    latents,
    {
      heads: 1,
      wideningFactor: 1,
      queryKeyChannels: config.numZChannels,
      valueChannels: config.numZChannels,
      residual: false,
    },
  );
  const rows = read.split(
    asked.map((q) => q.shape[2]),
    2,
  );
  const [batch, , count, channels] = latents.shape;
  const flat = latents.reshape([batch, count, channels]);
  return {
    blocks: [latents],
    reconstruction: Object.fromEntries(
      modalities.map(({ name, channels: own }, i) => {
        const [b, , n, c] = rows[i].shape;
        const grouped = options.selections?.[name]?.queried ? rows[i] : rows[i].reshape([b, n, c]);
        const isFeatures = options.readout === 'features';
        return [name, isFeatures ? grouped : unembed(scope.child(embedderName()), name, grouped, own)];
      }),
    ),
    latents: Object.fromEntries(modalities.map(({ name }) => [name, flat])),
  };
}
