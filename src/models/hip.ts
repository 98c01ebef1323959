/**
 * The Hierarchical Perceiver (arXiv 2202.10890), equal to the reference google-deepmind/hierarchical_perceiver:
 * raw inputs are cut into groups, blocks of latents merge the groups down to one (the processor) and part them again,
 * and a reconstruction head reads every input's value from the latents of its own group.
 */
import { ensure } from '../errors/index.js';
import { concat, type Tensor } from '../graph/index.js';
import { linear, type Scope } from '../nn/index.js';
import {
  constNumGrouping,
  type Grouping,
  joinGroups,
  padRows,
  type RegroupType,
  regroup,
  ungroup,
} from './grouping.js';
import { inputStage, type PositionOptions, positionTable, unembed } from './inputStage.js';
import { indexDim, type Modality } from './modality.js';
import { blockName, embedderName, embedName, labelHeadName, positionEncoderName, signalHeadName } from './partNames.js';
import { crossAttention, perceiverBlock } from './perceiverBlock.js';
import type { ApplyOptions, PerceiverOutputs } from './system.js';
import { checkValid, onlyReal, type Readable, readableInOneGroup, readableLatents, realElements } from './validity.js';

/** One entry per block, first to last, where a list is asked for. The names are the reference's. */
export interface HipConfig extends PositionOptions {
  numGroups: number[];
  numSelfAttendsPerBlock: number[];
  /** Latents per group. */
  zIndexDim: number[];
  /** Channels of the latents. */
  numZChannels: number[];
  numCrossAttendHeads: number[];
  numSelfAttendHeads: number[];
  crossAttendWideningFactor: number[];
  selfAttendWideningFactor: number[];
  numEmbeddingChannels: number;
  regroupType: RegroupType;
  dropoutProb: number;
  dropPathRate: number;
  /** Latents of the processor while training, or at evaluation, where they differ (one of the two). */
  processorIndexDimTrain?: number;
  processorIndexDimEval?: number;
  /** HiPClassBottleneck: modalities that enter and leave at the processor. */
  labelModalities?: string[];
}

/** Index of the processor: the middle block. */
function processorIndex(config: Pick<HipConfig, 'numGroups'>): number {
  return Math.floor(config.numGroups.length / 2);
}

/** Groups of the inputs (label modalities are not grouped). */
export function hipGrouping(config: HipConfig, modalities: readonly Modality[]): Grouping {
  const grouped = modalities.filter((m) => !config.labelModalities?.includes(m.name));
  return constNumGrouping(
    config.numGroups[0],
    grouped.map((m) => ({ name: m.name, indexDim: indexDim(m) })),
  );
}

/** Applies HiP, or HiPClassBottleneck where label modalities are configured. `inputs[name]`: `[B, I, C]`. */
export function hip(
  root: Scope,
  config: HipConfig,
  modalities: readonly Modality[],
  inputs: Record<string, Tensor>,
  options: ApplyOptions = {},
): PerceiverOutputs {
  checkConfig(config);
  checkValid(modalities, options.valid);
  const scope = root.child('perceiver');
  const isLabel = (m: Modality) => config.labelModalities?.includes(m.name) ?? false;
  const signals = modalities.filter((m) => !isLabel(m));
  const labels = modalities.filter(isLabel);
  const grouping = hipGrouping(config, modalities);
  const stem = inputStage(scope, signals, inputs, grouping, config.numEmbeddingChannels, {
    ...config,
    selections: options.selections,
    valid: options.valid,
  });
  const processor = processorIndex(config);
  const count = config.numGroups.length;

  const blocks: Tensor[] = [];
  const readable: (Readable | undefined)[] = [stem.readable];
  const reconstruction: Record<string, Tensor> = {};
  let x = scope.tap('inputs', stem.x);
  for (let i = 0; i < (options.encoderOnly ? processor + 1 : count); i++) {
    if (i > 0) {
      const before = readable[i - 1];
      // What the processor gives is real as a whole, and so is all that the decoder makes of it.
      if (before && i <= processor)
        readable[i] = readableLatents(before, x.shape[2], config.numGroups[i], config.regroupType);
      x = regroup(x, config.numGroups[i], config.regroupType);
    }
    const asked =
      i === processor && labels.length > 0
        ? labelQueries(scope, labels, inputs, x.shape[3], config, options.valid)
        : undefined;
    if (asked) {
      const ends = [
        { rows: readable[i]?.rows, count: x.shape[2] },
        ...asked.map(({ real, content: { shape } }) => ({
          rows: real?.reshape([-1, 1, shape[2], 1]),
          count: shape[2],
        })),
      ];
      if (ends.some(({ rows }) => rows)) readable[i] = readableInOneGroup(ends);
      x = concat([x, ...asked.map((a) => a.content)], 2);
    }
    x = perceiverBlock(scope.child(blockName(i, labels.length > 0)), x, {
      ...latentCounts(config, i, processor),
      channels: config.numZChannels[i],
      numSelfAttends: config.numSelfAttendsPerBlock[i],
      crossHeads: config.numCrossAttendHeads[i],
      selfHeads: config.numSelfAttendHeads[i],
      crossWideningFactor: config.crossAttendWideningFactor[i],
      selfWideningFactor: config.selfAttendWideningFactor[i],
      dropoutProb: config.dropoutProb,
      dropPathRate: config.dropPathRate,
      skip: i > processor ? realSkip(blocks[count - 1 - i], readable[count - 1 - i]) : undefined,
      readable: readable[i]?.rows,
    });
    blocks.push(scope.tap(`block.${i}`, x));
    // The label head is made before the main one and so owns the name without a number.
    asked?.forEach(({ name, position, embedder, channels }) => {
      const read = reconstructionHead(scope.child(labelHeadName), position, x);
      const rows = read.reshape([-1, ...read.shape.slice(2)]);
      reconstruction[name] = options.readout === 'features' ? rows : unembed(embedder, name, rows, channels);
    });
  }
  if (options.encoderOnly) return { blocks, reconstruction, latents: {} };

  const head = scope.child(signalHeadName(labels.length > 0));
  Object.assign(reconstruction, reconstructSignals(scope, head, signals, grouping, stem.queries, x, options));
  return { blocks, reconstruction, latents: ungroup(x, grouping) };
}

/** One head for all signals: each group of queries reads the latents of its own group. */
function reconstructSignals(
  scope: Scope,
  head: Scope,
  signals: readonly Modality[],
  grouping: Grouping,
  queries: Record<string, Tensor>,
  latents: Tensor,
  { selections = {}, readout }: ApplyOptions,
): Record<string, Tensor> {
  const parts = signals.map((m) => queries[m.name]);
  const longest = Math.max(...parts.map((q) => q.shape[2]));
  const padded = parts.map((q) => padRows(q, longest - q.shape[2]));
  const read = reconstructionHead(head, joinGroups(padded), latents);
  const groups = read.split(
    grouping.modalities.map((m) => m.groups),
    1,
  );
  return Object.fromEntries(
    signals.map(({ name, channels }, i) => {
      const part = grouping.modalities[i];
      const rows = selections[name]?.queried
        ? groups[i].slice([undefined, undefined, [0, parts[i].shape[2]]])
        : ungroup(groups[i], { ...grouping, modalities: [part] })[name];
      return [name, readout === 'features' ? rows : unembed(scope.child(embedderName()), name, rows, channels)];
    }),
  );
}

function reconstructionHead(scope: Scope, queries: Tensor, latents: Tensor): Tensor {
  const channels = latents.shape[3];
  return scope.part('layers', () =>
    crossAttention(scope.child('hi_p_cross_attention'), queries, latents, {
      heads: 1,
      wideningFactor: 1,
      queryKeyChannels: channels,
      valueChannels: channels,
      residual: false,
    }),
  );
}

/** What a block hands to its mirror image: latents of groups that hold nothing real become zero rows. */
function realSkip(latents: Tensor, readable: Readable | undefined): Tensor {
  return readable ? latents.mul(readable.groups) : latents;
}

interface LabelQuery {
  name: string;
  channels: number;
  embedder: Scope;
  /** Positions alone and positions with content, `[1 or B, 1, I, C]`. */
  position: Tensor;
  content: Tensor;
  /** Which elements are real, `[B, I, 1]`; all where absent. */
  real?: Tensor;
}

/** Label modalities at the processor's entrance: own embedder and position table each, at the width met there. */
function labelQueries(
  scope: Scope,
  labels: readonly Modality[],
  inputs: Record<string, Tensor>,
  width: number,
  config: HipConfig,
  valid: ApplyOptions['valid'] = {},
): LabelQuery[] {
  return labels.map((modality, i) => {
    const { name, channels } = modality;
    const embedder = scope.child(embedderName(i));
    const table = positionTable(scope.child(positionEncoderName(i)), modality, 0, width, {
      ...config,
      numPositionEncodingChannels: undefined,
    });
    const position = table.reshape([1, 1, ...table.shape]);
    const real = realElements(modality, inputs[name], valid[name]);
    const embedded = linear(embedder.child(embedName(name)), onlyReal(inputs[name], real), width);
    const [batch, rows] = embedded.shape;
    const content = embedded.reshape([batch, 1, rows, width]).add(position);
    return { name, channels, embedder, position, content, real };
  });
}

function latentCounts(
  config: HipConfig,
  block: number,
  processor: number,
): { numLatentsEval: number; numLatentsTrain: number } {
  const usual = config.zIndexDim[block];
  const isProcessor = block === processor;
  return {
    numLatentsEval: (isProcessor && config.processorIndexDimEval) || usual,
    numLatentsTrain: (isProcessor && config.processorIndexDimTrain) || usual,
  };
}

function checkConfig(config: HipConfig): void {
  const { numGroups } = config;
  const count = numGroups.length;
  ensure(
    count >= 3 && count % 2 === 1,
    () => `HiP needs an odd number of blocks, 3 or more, not ${count} (numGroups).`,
  );
  for (const key of [
    'numSelfAttendsPerBlock',
    'zIndexDim',
    'numZChannels',
    'numCrossAttendHeads',
    'numSelfAttendHeads',
    'crossAttendWideningFactor',
    'selfAttendWideningFactor',
  ] as const) {
    ensure(config[key].length === count, () => `HiP: ${key} has ${config[key].length} entries for ${count} blocks.`);
  }
  ensure(
    numGroups[processorIndex(config)] === 1,
    () =>
      `HiP: the processor (block ${processorIndex(config)}) needs 1 group, not ${numGroups[processorIndex(config)]}.`,
  );
  ensure(
    numGroups[0] === numGroups[count - 1],
    () => `HiP: first and last block need equal groups, not ${numGroups[0]} and ${numGroups[count - 1]}.`,
  );
  ensure(
    !(config.processorIndexDimTrain && config.processorIndexDimEval),
    () => 'HiP: set processorIndexDimTrain or processorIndexDimEval, not both.',
  );
}
