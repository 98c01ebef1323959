/** Named sizes: the reference's, and our own that two cores train in minutes. */
import type { HipConfig } from './hip.js';
import type { PerceiverIoConfig } from './perceiverIo.js';

/** `num_position_encoding_channels` of the reference's own unit test: projects every table that is not this wide. */
const REFERENCE_POSITION_CHANNELS = 512;

const hipDefaults = {
  regroupType: 'reshape' as const,
  dropoutProb: 0,
  dropPathRate: 0,
  positions: 'learned' as const,
  positionInitScale: 1,
};

interface HipSize {
  groups: number[];
  layers: number[];
  latents: number[];
  channels: number[];
  heads: number[];
  embedding: number;
  /** Projection of the position tables; none in our own sizes. */
  positionChannels?: number;
}

/** Cross-attention: one head, widening 1. Self-attention: widening 4. As all sizes of the paper. */
function hipConfig({ groups, layers, latents, channels, heads, embedding, positionChannels }: HipSize): HipConfig {
  const all = (value: number) => groups.map(() => value);
  return {
    ...hipDefaults,
    numGroups: groups,
    numSelfAttendsPerBlock: layers,
    zIndexDim: latents,
    numZChannels: channels,
    numCrossAttendHeads: all(1),
    numSelfAttendHeads: heads,
    crossAttendWideningFactor: all(1),
    selfAttendWideningFactor: all(4),
    numEmbeddingChannels: embedding,
    numPositionEncodingChannels: positionChannels,
  };
}

const reference = (size: Omit<HipSize, 'positionChannels'>) =>
  hipConfig({ ...size, positionChannels: REFERENCE_POSITION_CHANNELS });

/** HiP's variants (arXiv 2202.10890, table 6 and the reference's `perceiver_blocks.py`), then our own. */
export const hipVariants: Record<string, HipConfig> = {
  Mini: reference({
    groups: [16, 1, 16],
    layers: [2, 1, 1],
    latents: [128, 64, 128],
    channels: [128, 1024, 128],
    heads: [4, 32, 4],
    embedding: 32,
  }),
  '16': reference({
    groups: [16, 4, 1, 1, 1, 4, 16],
    layers: [2, 2, 18, 2, 1, 1, 1],
    latents: [128, 256, 256, 64, 256, 256, 128],
    channels: [128, 256, 512, 1024, 512, 256, 128],
    heads: [4, 8, 16, 32, 16, 8, 4],
    embedding: 32,
  }),
  '256': reference({
    groups: [256, 64, 16, 4, 1, 1, 1, 4, 16, 64, 256],
    layers: [1, 1, 2, 2, 18, 2, 1, 1, 1, 1, 1],
    latents: [32, 64, 128, 256, 256, 64, 256, 256, 128, 64, 32],
    channels: [64, 96, 128, 256, 512, 1024, 256, 128, 64, 32, 16],
    heads: [1, 2, 4, 8, 16, 32, 16, 8, 4, 2, 1],
    embedding: 16,
  }),
  '16x3': reference({
    groups: [16, 1, 16],
    layers: [2, 18, 2],
    latents: [128, 256, 128],
    channels: [128, 1024, 128],
    heads: [4, 32, 4],
    embedding: 32,
  }),
  tiny: hipConfig({
    groups: [4, 1, 4],
    layers: [1, 2, 1],
    latents: [32, 32, 32],
    channels: [64, 128, 64],
    heads: [2, 4, 2],
    embedding: 32,
  }),
  small: hipConfig({
    groups: [4, 1, 4],
    layers: [1, 4, 1],
    latents: [32, 64, 32],
    channels: [64, 192, 64],
    heads: [2, 6, 2],
    embedding: 32,
  }),
  deep: hipConfig({
    groups: [16, 4, 1, 4, 16],
    layers: [1, 1, 4, 1, 1],
    latents: [8, 16, 64, 16, 8],
    channels: [64, 96, 192, 96, 64],
    heads: [2, 3, 6, 3, 2],
    embedding: 32,
  }),
};

/** Perceiver IO's variants in the HiP repository. */
export const perceiverIoVariants: Record<string, PerceiverIoConfig> = {
  io_mini: perceiverIoConfig({
    layers: 2,
    latents: 128,
    channels: 128,
    crossHeads: 1,
    selfHeads: 2,
    crossWidening: 1,
    selfWidening: 2,
    embedding: 128,
  }),
  io_c_50m: perceiverIoConfig({
    layers: 8,
    latents: 1024,
    channels: 512,
    crossHeads: 8,
    selfHeads: 8,
    crossWidening: 4,
    selfWidening: 4,
    embedding: 512,
  }),
  io_c_150m: perceiverIoConfig({
    layers: 12,
    latents: 1024,
    channels: 896,
    crossHeads: 16,
    selfHeads: 16,
    crossWidening: 4,
    selfWidening: 4,
    embedding: 896,
  }),
};

function perceiverIoConfig(size: {
  layers: number;
  latents: number;
  channels: number;
  crossHeads: number;
  selfHeads: number;
  crossWidening: number;
  selfWidening: number;
  embedding: number;
}): PerceiverIoConfig {
  return {
    positions: 'learned',
    positionInitScale: 1,
    dropoutProb: 0,
    dropPathRate: 0,
    numSelfAttendsPerBlock: size.layers,
    zIndexDim: size.latents,
    numZChannels: size.channels,
    numCrossAttendHeads: size.crossHeads,
    numSelfAttendHeads: size.selfHeads,
    crossAttendWideningFactor: size.crossWidening,
    selfAttendWideningFactor: size.selfWidening,
    numEmbeddingChannels: size.embedding,
    numPositionEncodingChannels: REFERENCE_POSITION_CHANNELS,
  };
}
