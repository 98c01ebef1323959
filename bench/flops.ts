/**
 * Floating-point operations of the plain architectures: every linear layer over all its rows, and the two products of
 * every attention, 2 for each multiply-add; learned queries and positions, which are the same for every example of a
 * batch, are projected once. Compilers may need fewer for the same result; efficiency counts these.
 */
import { type HipConfig, hipGrouping, type Modality, type PerceiverIoConfig } from '../src/models/index.js';
import { indexDim } from '../src/models/modality.js';

/** Forward and backward together, relative to forward alone: two products for the gradients of each. */
export const TRAINING_FACTOR = 3;

/** A model applied to one modality. */
export interface Applied {
  system: string;
  config: unknown;
  modality: Modality;
  batch: number;
  /** Stop after the processor. */
  encoderOnly?: boolean;
}

/** Operations of one forward pass. */
export function forwardFlops({ system, config, modality, batch, encoderOnly = false }: Applied): number {
  const io = system === 'perceiver_io';
  const shape = io ? perceiverShape(config as PerceiverIoConfig, modality) : hipShape(config as HipConfig, modality);
  const { embedding, projects, groups, rows, blocks, processor } = shape;
  const inputs = indexDim(modality);
  let total = batch * product(inputs, modality.channels, embedding);
  // Positions are the same for every example.
  if (projects) total += product(inputs, embedding, embedding);
  let [width, arriving] = [embedding, rows * groups];
  for (const [i, block] of blocks.slice(0, encoderOnly ? processor + 1 : blocks.length).entries()) {
    // What the decoder's blocks ask with holds the encoder's outputs and so differs between examples.
    total += blockFlops(block, { rows: arriving / block.groups, width, batch, queryBatch: i > processor ? batch : 1 });
    [width, arriving] = [block.channels, block.groups * block.latents];
  }
  if (encoderOnly) return total;
  const last = blocks[blocks.length - 1];
  const head = { queries: rows, width: embedding, inputs: last.latents, inner: width, widening: 1 };
  total += groups * crossFlops({ ...head, batch, queryBatch: 1 });
  return total + batch * product(inputs, embedding, modality.channels);
}

interface BlockShape {
  groups: number;
  /** Per group. */
  latents: number;
  channels: number;
  layers: number;
  crossWidening: number;
  selfWidening: number;
  /** Channels of the encoder's block that is added to the queries, where they must be adapted. */
  skipChannels?: number;
}

interface ModelShape {
  embedding: number;
  /** Whether the position table is projected. */
  projects: boolean;
  groups: number;
  /** Per group, paddings included. */
  rows: number;
  blocks: BlockShape[];
  processor: number;
}

function hipShape(config: HipConfig, modality: Modality): ModelShape {
  const processor = Math.floor(config.numGroups.length / 2);
  const count = config.numGroups.length;
  const { indexDimPerGroup } = hipGrouping(config, [modality]);
  return {
    ...embeddingOf(config),
    groups: config.numGroups[0],
    rows: indexDimPerGroup,
    processor,
    blocks: config.numGroups.map((groups, i) => {
      const opposite = config.numZChannels[count - 1 - i];
      return {
        groups,
        latents: config.zIndexDim[i],
        channels: config.numZChannels[i],
        layers: config.numSelfAttendsPerBlock[i],
        crossWidening: config.crossAttendWideningFactor[i],
        selfWidening: config.selfAttendWideningFactor[i],
        skipChannels: i > processor && opposite !== config.numZChannels[i] ? opposite : undefined,
      };
    }),
  };
}

function perceiverShape(config: PerceiverIoConfig, modality: Modality): ModelShape {
  return {
    ...embeddingOf(config),
    groups: 1,
    rows: indexDim(modality),
    processor: 0,
    blocks: [
      {
        groups: 1,
        latents: config.zIndexDim,
        channels: config.numZChannels,
        layers: config.numSelfAttendsPerBlock,
        crossWidening: config.crossAttendWideningFactor,
        selfWidening: config.selfAttendWideningFactor,
      },
    ],
  };
}

function embeddingOf(config: HipConfig | PerceiverIoConfig): Pick<ModelShape, 'embedding' | 'projects'> {
  const { numEmbeddingChannels: embedding, numPositionEncodingChannels: asked, positions } = config;
  return { embedding, projects: positions === 'learned' && asked !== undefined && asked !== embedding };
}

/** What a block reads: rows of each group, their channels, examples, and examples whose queries differ. */
interface Reading {
  rows: number;
  width: number;
  batch: number;
  queryBatch: number;
}

function blockFlops(block: BlockShape, { rows, width, batch, queryBatch }: Reading): number {
  const { groups, latents, channels, layers, crossWidening, selfWidening, skipChannels } = block;
  const cross = crossFlops({
    queries: latents,
    width: channels,
    inputs: rows,
    inner: width,
    widening: crossWidening,
    batch,
    queryBatch,
  });
  const self =
    4 * product(latents, channels, channels) +
    2 * product(latents, channels, latents) +
    2 * product(latents, channels, selfWidening * channels);
  const skip = skipChannels === undefined ? 0 : product(latents, skipChannels, channels);
  return groups * (cross + batch * (layers * self + skip));
}

/** One group's cross-attention with its MLP. Queries, keys and values have as many channels inside as the inputs. */
function crossFlops(sizes: {
  queries: number;
  width: number;
  inputs: number;
  inner: number;
  widening: number;
  batch: number;
  queryBatch: number;
}): number {
  const { queries, width, inputs, inner, widening, batch, queryBatch } = sizes;
  const perExample =
    2 * product(inputs, inner, inner) +
    2 * product(queries, inner, inputs) +
    product(queries, inner, width) +
    2 * product(queries, width, widening * width);
  return batch * perExample + queryBatch * product(queries, width, inner);
}

/** Operations of an `[n, k] x [k, m]` matrix product. */
function product(n: number, k: number, m: number): number {
  return 2 * n * k * m;
}
