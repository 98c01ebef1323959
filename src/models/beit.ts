/**
 * BEiT (Bao et al. 2021, arXiv 2106.08254): a vision transformer with relative position bias and layer scale, pre-trained by
 * predicting the visual tokens of masked patches.
 */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import {
  type ActivationName,
  activationByName,
  linear,
  norm,
  patchEmbedding,
  patchGrid,
  relativePositionBias,
  relativePositionRows,
  resizedPositions,
  resizedRelativePositions,
  type Scope,
  type Size2d,
  transformerBlock,
  zeros,
} from '../nn/index.js';
import { withClassToken } from './tokens.js';

/** Sizes of the transformer. */
export interface BeitConfig {
  /** Height and width of images and of patches, in pixels. */
  size: Size2d;
  patch: Size2d;
  /** Channels of a pixel. */
  channels: number;
  width: number;
  depth: number;
  heads: number;
  /** Channels between the two maps of a block's MLP. */
  mlpWidth: number;
  /** Whether queries and values have a bias; keys never have. */
  qkvBias: boolean;
  /** A learned vector for each token, added once. */
  absolutePositions: boolean;
  /** Tables of relative position bias: one that all blocks share, and one for each block. Either, both or none. */
  sharedRelativePositions: boolean;
  relativePositions: boolean;
  /**
   * Rows and columns of patches that the tables of positions are stored for. Given, they are resized to those of the image
   * wherever they are used, as Hugging Face does; absent, they are for the image.
   */
  tableGrid?: Size2d;
  /** First value of the factors by which branches are scaled, channel by channel; no factors where absent. */
  layerScale?: number;
  normEpsilon: number;
  activation: ActivationName;
  /** A learned vector takes the place of masked patches. */
  maskToken: boolean;
  /** A norm after the last block, before whatever the head does. */
  finalNorm: boolean;
  dropout: number;
  /** Share of examples whose branches are dropped in the last block; rises linearly from 0 in the first. */
  dropPath: number;
}

/** Standard deviation of all weights that do not begin at a constant. */
const DEVIATION = 0.02;
const initializer = { kind: 'truncatedNormal' as const, deviation: DEVIATION };

/** What the blocks give. */
export interface BeitStates {
  /** The embedded tokens, then the output of every block: `[B, 1 + N, D]`, class token first. */
  states: Tensor[];
  /** The last of them, after the final norm where there is one. */
  output: Tensor;
}

/**
 * Pixels `[B, H·W, C]` → tokens after every block.
 * @param masked patches whose embedding the mask token replaces: `[B, N]`, 1 = masked
 */
export function beit(scope: Scope, config: BeitConfig, pixels: Tensor, masked?: Tensor): BeitStates {
  const { depth, heads, mlpWidth, qkvBias, layerScale, normEpsilon, dropout } = config;
  const window = patchGrid(config.size, config.patch);
  const stored = config.tableGrid;
  const rows = relativePositionRows(stored ?? window);
  const toBias = relativePositionBias(window);
  const biasOf = (own: Scope) => {
    const table = own.parameter('relative_positions', [rows, heads], zeros);
    return toBias(stored ? resizedRelativePositions(table, stored, window) : table);
  };
  const shared = config.sharedRelativePositions ? biasOf(scope) : undefined;
  const states = [embed(scope, config, pixels, masked)];
  for (let i = 0; i < depth; i++) {
    const block = scope.child('blocks').child(`${i}`);
    const own = config.relativePositions ? biasOf(block.child('attention')) : undefined;
    const bias = shared && own ? shared.add(own) : (shared ?? own);
    // The deeper a block, the smaller its branches begin, as all of them add up.
    const outputScale = 1 / Math.sqrt(2 * (i + 1));
    const x = transformerBlock(block, states[i], {
      heads,
      mlpWidth,
      activation: activationByName(config.activation),
      normEpsilon,
      layerScale,
      dropout,
      dropPath: (config.dropPath * i) / Math.max(depth - 1, 1),
      qkvBias: qkvBias ? 'queryAndValue' : 'none',
      attentionBias: bias?.reshape([1, ...bias.shape]),
      initializer: (_inputs, _outputs, map) => ({
        ...initializer,
        deviation: DEVIATION * (map === 'output' ? outputScale : 1),
      }),
    });
    states.push(x);
  }
  const last = states[depth];
  return { states, output: config.finalNorm ? norm(scope.child('norm'), last, normEpsilon) : last };
}

/** Patches, masked ones replaced; the class token in front; positions added: `[B, 1 + N, D]`. */
function embed(scope: Scope, config: BeitConfig, pixels: Tensor, masked?: Tensor): Tensor {
  const { size, patch, width, absolutePositions } = config;
  const maskToken = config.maskToken ? scope.parameter('mask_token', [1, 1, width], initializer) : undefined;
  let tokens = patchEmbedding(scope.child('patch_embedding'), pixels, { size, patch, width, initializer });
  if (masked) {
    ensure(maskToken, () => 'Patches are masked, but the model has no mask token: set maskToken.');
    const share = masked.reshape([...masked.shape, 1]);
    tokens = tokens.mul(share.neg().add(1)).add(share.mul(maskToken));
  }
  const classToken = scope.parameter('class_token', [1, 1, width], initializer);
  const all = withClassToken(classToken, tokens);
  if (!absolutePositions) return all;
  const grid = patchGrid(size, patch);
  const stored = config.tableGrid ?? grid;
  const table = scope.parameter('positions', [1, 1 + stored[0] * stored[1], width], initializer);
  return all.add(resizedPositions(table, stored, grid, 1));
}

/** Logits of visual tokens for tokens `[..., D]`: `[..., vocabulary]`. */
export function beitTokenHead(scope: Scope, tokens: Tensor, vocabulary: number): Tensor {
  return linear(scope.child('token_head'), tokens, vocabulary, { initializer });
}

/** The tokens of the patches alone: `[B, 1 + N, D]` → `[B, N, D]`. */
export function patchTokens(tokens: Tensor): Tensor {
  return tokens.slice([undefined, [1, tokens.shape[1]]]);
}

/** What a classifier reads: the norm of the mean of all patches, or the class token. */
export type BeitPooling = 'mean' | 'class';

/** Last tokens `[B, 1 + N, D]` → `[B, D]`. */
export function beitPool(scope: Scope, output: Tensor, pooling: BeitPooling, epsilon: number): Tensor {
  if (pooling === 'mean') return norm(scope.child('pool_norm'), patchTokens(output).mean(1), epsilon);
  return output.slice([undefined, [0, 1]]).reshape([output.shape[0], output.shape[2]]);
}

/** The classifier begins this much smaller than other maps, so that fine-tuning begins with even odds. */
const HEAD_SCALE = 0.001;

/** Pooled features `[B, D]` → logits `[B, classes]`. */
export function beitClassHead(scope: Scope, pooled: Tensor, classes: number): Tensor {
  return linear(scope.child('head'), pooled, classes, {
    initializer: { ...initializer, deviation: DEVIATION * HEAD_SCALE },
  });
}
