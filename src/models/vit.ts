/**
 * The vision transformer (arXiv 2010.11929), equal to timm's `VisionTransformer` and Hugging Face's `ViTModel`: patches as
 * tokens, a class token, learned positions, pre-norm blocks, and a head on the class token or the mean of the patches.
 */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import {
  type ActivationName,
  activationByName,
  dropout,
  gaussian,
  linear,
  norm,
  patchEmbedding,
  patchGrid,
  resizedPositions,
  type Scope,
  type Size2d,
  type TransformerBlockOptions,
  transformerBlock,
} from '../nn/index.js';
import { withClassToken, withoutClassToken } from './tokens.js';

/** Sizes and forms of the encoder. */
export interface VitEncoderConfig {
  patch: Size2d;
  width: number;
  depth: number;
  heads: number;
  mlpWidth: number;
  qkvBias: boolean;
  activation: ActivationName;
  normEpsilon: number;
  classToken: boolean;
  /** Whether the class token has a row in the table of positions (DeiT III: no). */
  classPosition: boolean;
  /** Rows and columns of the stored table of positions, where they differ from the image's: it is resized. */
  positionGrid?: Size2d;
  /** Layer norm after the positions, and no bias in the patch embedding (CLIP). */
  preNorm: boolean;
  /** First value of the factors on each branch; none where absent. */
  layerScale?: number;
  dropout: number;
  /** Of the last block; the rate rises linearly from 0. */
  dropPath: number;
}

/** An encoder with what reads its tokens. */
export interface VitConfig extends VitEncoderConfig {
  /** What the head reads: the class token, the mean of the patches, or (none) every token by itself. */
  pooling: 'token' | 'average' | 'none';
  /** Whether the last norm comes after the pooling instead of before it. */
  normAfterPooling: boolean;
  /** A linear layer with tanh on the class token, as Hugging Face's `ViTModel` alone has it. */
  pooler: boolean;
  /** 0: no head. */
  classes: number;
}

/** What all named sizes share. */
export const vitDefaults = {
  qkvBias: true,
  activation: 'gelu',
  normEpsilon: 1e-6,
  classToken: true,
  classPosition: true,
  preNorm: false,
  dropout: 0,
  dropPath: 0,
  pooling: 'token',
  normAfterPooling: false,
  pooler: false,
  classes: 0,
} as const satisfies Partial<VitConfig>;

/** What an encoder gives. */
export interface VitTokens {
  /** What the first block reads, `[B, (1+)N, D]`. */
  embedded: Tensor;
  /** Output of each block, `[B, (1+)N, D]`. */
  blocks: Tensor[];
}

/** What the whole model gives. */
export interface VitOutputs extends VitTokens {
  /** After the last norm where it precedes the pooling, else the last block's output. */
  tokens: Tensor;
  /** `[B, D]`; every token's where nothing is pooled. */
  pooled: Tensor;
  /** `[B, classes]`, where there is a head. */
  logits?: Tensor;
}

/** How linear maps begin: normal with deviation 0.02, as in timm. */
export const vitWeights = gaussian(0.02);

/** Tokens of an image before any block. `pixels`: `[B, H·W, C]`, row by row. */
export function embedPatches(scope: Scope, config: VitEncoderConfig, pixels: Tensor, size: Size2d): Tensor {
  const { patch, width, preNorm } = config;
  return patchEmbedding(scope.child('patch_embedding'), pixels, {
    size,
    patch,
    width,
    bias: !preNorm,
    initializer: vitWeights,
  });
}

/** The transformer blocks under `<scope>/<name>/<i>`: x `[B, N, D]` → the output of each. */
export function transformer(
  scope: Scope,
  name: string,
  x: Tensor,
  depth: number,
  { dropPath = 0, ...options }: TransformerBlockOptions,
): Tensor[] {
  const outputs: Tensor[] = [];
  for (let i = 0, y = x; i < depth; i++) {
    const rate = depth > 1 ? (dropPath * i) / (depth - 1) : 0;
    y = transformerBlock(scope.child(`${name}/${i}`), y, { ...options, dropPath: rate });
    outputs.push(y);
  }
  return outputs;
}

/** Sizes of the encoder's blocks. */
export function blockOptions(config: VitEncoderConfig): TransformerBlockOptions {
  return {
    heads: config.heads,
    mlpWidth: config.mlpWidth,
    qkvBias: config.qkvBias ? 'all' : 'none',
    activation: activationByName(config.activation),
    normEpsilon: config.normEpsilon,
    layerScale: config.layerScale,
    dropout: config.dropout,
    dropPath: config.dropPath,
    initializer: () => vitWeights,
  };
}

/** Embedding and blocks. `pixels`: `[B, H·W, C]`, row by row; `size`: H and W. */
export function vitEncoder(scope: Scope, config: VitEncoderConfig, pixels: Tensor, size: Size2d): VitTokens {
  checkConfig(config);
  const { width, classToken, classPosition } = config;
  const patches = embedPatches(scope, config, pixels, size);
  const token = classToken ? scope.parameter('class_token', [1, 1, width], gaussian(1e-6)) : undefined;
  const positions = positionsOf(scope, config, patchGrid(size, config.patch));
  const begins = token && classPosition ? withClassToken(token, patches).add(positions) : undefined;
  const placed = begins ?? (token ? withClassToken(token, patches.add(positions)) : patches.add(positions));
  const dropped = dropout(scope.child('embedding'), placed, config.dropout);
  const embedded = config.preNorm ? norm(scope.child('norm_pre'), dropped, config.normEpsilon) : dropped;
  return { embedded, blocks: transformer(scope, 'blocks', embedded, config.depth, blockOptions(config)) };
}

/** The learned table, resized to the image's grid. */
function positionsOf(scope: Scope, config: VitEncoderConfig, grid: Size2d): Tensor {
  const prefix = config.classToken && config.classPosition ? 1 : 0;
  const stored = config.positionGrid ?? grid;
  const table = scope.parameter('positions', [1, prefix + stored[0] * stored[1], config.width], vitWeights);
  return resizedPositions(table, stored, grid, prefix);
}

/** The whole model. `pixels`: `[B, H·W, C]`, row by row; `size`: H and W. */
export function vit(scope: Scope, config: VitConfig, pixels: Tensor, size: Size2d): VitOutputs {
  ensure(
    config.classToken || config.pooling !== 'token',
    () => 'A vision transformer without class token cannot be read from it: set pooling to "average".',
  );
  const encoded = vitEncoder(scope, config, pixels, size);
  const last = encoded.blocks[config.depth - 1] ?? encoded.embedded;
  const { normAfterPooling, normEpsilon } = config;
  const tokens = normAfterPooling ? last : norm(scope.child('norm'), last, normEpsilon);
  const raw = pool(tokens, config);
  const normed = normAfterPooling ? norm(scope.child('pool_norm'), raw, normEpsilon) : raw;
  const pooled = config.pooler
    ? linear(scope.child('pooler'), normed, config.width, { initializer: vitWeights }).tanh()
    : normed;
  if (config.classes === 0) return { ...encoded, tokens, pooled };
  const logits = linear(scope.child('head'), pooled, config.classes, { initializer: vitWeights });
  return { ...encoded, tokens, pooled, logits };
}

function pool(tokens: Tensor, { pooling, classToken }: VitConfig): Tensor {
  const [batch, , width] = tokens.shape;
  if (pooling === 'token') return tokens.slice([undefined, [0, 1]]).reshape([batch, width]);
  if (pooling === 'none') return tokens;
  return (classToken ? withoutClassToken(tokens) : tokens).mean(1);
}

function checkConfig({ width, heads, depth, dropPath }: VitEncoderConfig): void {
  ensure(
    width % heads === 0,
    () => `A vision transformer of width ${width} does not divide into ${heads} heads: change width or heads.`,
  );
  ensure(depth >= 1, () => `A vision transformer needs at least one block, not ${depth} (depth).`);
  ensure(dropPath >= 0 && dropPath < 1, () => `dropPath is ${dropPath} but must lie in 0 to below 1.`);
}
