/**
 * The discrete variational auto-encoder that gives BEiT its visual tokens (Ramesh et al. 2021, arXiv 2102.12092, appendix A):
 * images → logits over a vocabulary for each cell of a grid → images. Names and weights are those of DALL-E's encoder and
 * decoder, so that published ones load.
 */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import { convolution, doubledByRepetition, fromMap, halvedByMax, type Scope, type Size2d, toMap } from '../nn/index.js';

/** Sizes of encoder and decoder. */
export interface DiscreteVaeConfig {
  /** Channels of the first group; each following group has twice as many. */
  hidden: number;
  blocksPerGroup: number;
  /** Groups of blocks, between which the map is halved: a token stands for 2^(groups - 1) pixels on each side. */
  groups: number;
  /** Number of different tokens. */
  vocabulary: number;
  /** Channels that a token becomes at first in the decoder. */
  decoderInputs: number;
}

/** DALL-E's, and one that two cores train in minutes. */
export const discreteVaeVariants: Record<string, DiscreteVaeConfig> = {
  dalle: { hidden: 256, blocksPerGroup: 2, groups: 4, vocabulary: 8192, decoderInputs: 128 },
  tiny: { hidden: 16, blocksPerGroup: 1, groups: 4, vocabulary: 256, decoderInputs: 32 },
};

/** Values of 0 to 1 are moved into 0.1 to 0.9, so that their logits are finite. */
const MARGIN = 0.1;

/** 0 … 1 → 0.1 … 0.9: what encoder and likelihood work on. */
export function mapPixels(x: Tensor): Tensor {
  return x.mul(1 - 2 * MARGIN).add(MARGIN);
}

/** Pixels on each side of a token's cell. */
export function tokenStride({ groups }: DiscreteVaeConfig): number {
  return 2 ** (groups - 1);
}

/** Rows and columns of tokens. Throws where the image is not a multiple of a token's cell. */
export function tokenGrid(config: DiscreteVaeConfig, [height, width]: Size2d): [number, number] {
  const stride = tokenStride(config);
  ensure(
    height % stride === 0 && width % stride === 0,
    () => `Images of ${height}x${width} have no whole number of tokens: choose a multiple of ${stride} pixels.`,
  );
  return [height / stride, width / stride];
}

/** Logits of every cell: pixels `[B, H·W, C]`, 0 to 1, → `[B, N, vocabulary]`, cells row by row. */
export function encodeTokens(scope: Scope, config: DiscreteVaeConfig, pixels: Tensor, size: Size2d): Tensor {
  tokenGrid(config, size);
  const { hidden, groups, vocabulary } = config;
  const blocks = scope.child('blocks');
  let map = convolution(blocks.child('input'), toMap(mapPixels(pixels), size), hidden, { kernel: 7 });
  for (let group = 1; group <= groups; group++) {
    map = residualGroup(blocks.child(`group_${group}`), config, map, hidden * 2 ** (group - 1), [3, 3, 3, 1]);
    if (group < groups) map = halvedByMax(map);
  }
  return fromMap(convolution(blocks.child('output').child('conv'), map.relu(), vocabulary));
}

/** The most probable token of every cell: logits `[B, N, V]` → i32 `[B, N]`. */
export function mostProbableTokens(logits: Tensor): Tensor {
  return logits.topK(1).indices.reshape(logits.shape.slice(0, -1));
}

/**
 * Tokens, or mixtures of them, `[B, N, vocabulary]` on a grid → `[B, H·W, 2·C]`: for each value first the location, then the
 * logarithm of the scale of its logit's Laplace distribution.
 */
export function decodeTokens(
  scope: Scope,
  config: DiscreteVaeConfig,
  choice: Tensor,
  grid: Size2d,
  channels: number,
): Tensor {
  const { hidden, groups, decoderInputs } = config;
  const blocks = scope.child('blocks');
  let map = convolution(blocks.child('input'), toMap(choice, grid), decoderInputs);
  for (let group = 1; group <= groups; group++) {
    map = residualGroup(blocks.child(`group_${group}`), config, map, hidden * 2 ** (groups - group), [1, 3, 3, 3]);
    if (group < groups) map = doubledByRepetition(map);
  }
  return fromMap(convolution(blocks.child('output').child('conv'), map.relu(), 2 * channels));
}

/** The image that the decoder's locations `[B, H·W, 2·C]` mean: `[B, H·W, C]`, 0 to 1. */
export function decodedPixels(decoded: Tensor): Tensor {
  const [location] = decoded.split(2, -1);
  return location
    .sigmoid()
    .sub(MARGIN)
    .div(1 - 2 * MARGIN)
    .maximum(0)
    .minimum(1);
}

/** Residual blocks of one width; the branch is divided by the square of the number of all blocks. */
function residualGroup(scope: Scope, config: DiscreteVaeConfig, x: Tensor, out: number, kernels: number[]): Tensor {
  ensure(
    config.hidden % 4 === 0,
    () => `A discrete auto-encoder's hidden channels are divided by 4 inside its blocks: ${config.hidden} does not do.`,
  );
  const gain = 1 / (config.groups * config.blocksPerGroup) ** 2;
  let map = x;
  for (let block = 1; block <= config.blocksPerGroup; block++) {
    const own = scope.child(`block_${block}`);
    const kept = map.shape[1] === out ? map : convolution(own.child('id_path'), map, out);
    const branch = kernels.reduce((y, kernel, i) => {
      const width = i === kernels.length - 1 ? out : out / 4;
      return convolution(own.child('res_path').child(`conv_${i + 1}`), y.relu(), width, { kernel });
    }, map);
    map = kept.add(branch.mul(gain));
  }
  return map;
}
