/**
 * Masked auto-encoders (arXiv 2111.06377), equal to facebookresearch/mae and Hugging Face's `ViTMAEForPreTraining`: a vision
 * transformer reads the patches that are not masked; a light decoder gets mask tokens for the others and predicts every
 * patch's pixels.
 */
import { ensure } from '../errors/index.js';
import { concat, type Tensor } from '../graph/index.js';
import {
  activationByName,
  gaussian,
  linear,
  norm,
  patchEmbedding,
  patchGrid,
  type Scope,
  type Size2d,
  xavierUniform,
} from '../nn/index.js';
import { gridPositions } from './gridPositions.js';
import { restoreTokens, selectTokens, withClassToken, withoutClassToken } from './tokens.js';
import { transformer, type VitEncoderConfig, vitDefaults } from './vit.js';

/** Blocks of one width. */
export interface MaeStack {
  width: number;
  depth: number;
  heads: number;
  mlpWidth: number;
}

/** Sizes of encoder and decoder. */
export interface MaeConfig
  extends MaeStack,
    Pick<VitEncoderConfig, 'patch' | 'qkvBias' | 'activation' | 'normEpsilon' | 'dropPath'> {
  decoder: MaeStack;
}

/** What all named sizes share. */
export const maeDefaults = {
  qkvBias: vitDefaults.qkvBias,
  activation: vitDefaults.activation,
  normEpsilon: vitDefaults.normEpsilon,
  dropPath: 0,
} as const satisfies Partial<MaeConfig>;

/** How the class token and the mask token begin. */
const token = gaussian(0.02);

/** What the encoder gives. */
export interface MaeEncoded {
  /** After the last norm, class token first: `[B, 1 + K, D]`. */
  tokens: Tensor;
  /** What the first block reads, and the output of each block, `[B, 1 + K, D]`. */
  embedded: Tensor;
  blocks: Tensor[];
}

/**
 * The encoder on the patches that are kept.
 * @param pixels `[B, H·W, C]`, row by row
 * @param kept places of the patches that are kept, in the order in which they are read, `[B, K]` i32; all where absent
 */
export function maeEncoder(scope: Scope, config: MaeConfig, pixels: Tensor, size: Size2d, kept?: Tensor): MaeEncoded {
  const { patch, width, normEpsilon } = config;
  checkStack('encoder', config);
  const values = patch[0] * patch[1] * pixels.shape[2];
  const patches = patchEmbedding(scope.child('patch_embedding'), pixels, {
    size,
    patch,
    width,
    initializer: xavierUniform(values, width),
  });
  const positions = gridPositions(scope, 'positions', width, patchGrid(size, patch), { frozen: true });
  const placed = patches.add(withoutClassToken(positions));
  const visible = kept ? selectTokens(placed, kept) : placed;
  const first = scope.parameter('class_token', [1, 1, width], token).add(positions.slice([undefined, [0, 1]]));
  const embedded = withClassToken(first, visible);
  const blocks = stack(scope, 'blocks', embedded, config, config, config.dropPath);
  const tokens = norm(scope.child('norm'), blocks.at(-1) ?? embedded, normEpsilon);
  return { tokens, embedded, blocks };
}

/**
 * The decoder: the pixels of every patch, `[B, L, p·q·channels]`, ordered by row, column and channel.
 * @param encoded the encoder's tokens, `[B, 1 + K, D]`
 * @param restore where each patch stands in a list of the kept ones followed by the others, `[B, L]` i32
 */
export function maeDecoder(
  scope: Scope,
  config: MaeConfig,
  encoded: Tensor,
  restore: Tensor,
  { size, channels }: { size: Size2d; channels: number },
): Tensor {
  const { decoder, patch, normEpsilon } = config;
  checkStack('decoder', decoder);
  const y = linear(scope.child('decoder_embedding'), encoded, decoder.width, {
    initializer: xavierUniform(config.width, decoder.width),
  });
  const maskToken = scope.parameter('mask_token', [1, 1, decoder.width], token);
  const all = concat([y.slice([undefined, [0, 1]]), restoreTokens(withoutClassToken(y), maskToken, restore)], 1);
  const positions = gridPositions(scope, 'decoder_positions', decoder.width, patchGrid(size, patch), { frozen: true });
  const placed = all.add(positions);
  const last = stack(scope, 'decoder_blocks', placed, config, decoder).at(-1) ?? placed;
  const values = patch[0] * patch[1] * channels;
  const predicted = linear(
    scope.child('decoder_prediction'),
    norm(scope.child('decoder_norm'), last, normEpsilon),
    values,
    {
      initializer: xavierUniform(decoder.width, values),
    },
  );
  return withoutClassToken(predicted);
}

function stack(
  scope: Scope,
  name: string,
  x: Tensor,
  { qkvBias, activation, normEpsilon }: MaeConfig,
  { depth, heads, mlpWidth }: MaeStack,
  dropPath = 0,
): Tensor[] {
  return transformer(scope, name, x, depth, {
    heads,
    mlpWidth,
    normEpsilon,
    dropPath,
    qkvBias: qkvBias ? 'all' : 'none',
    activation: activationByName(activation),
    initializer: xavierUniform,
  });
}

function checkStack(part: string, { width, heads }: MaeStack): void {
  ensure(
    width % heads === 0,
    () => `The ${part}'s width ${width} does not divide into ${heads} heads: change width or heads.`,
  );
  ensure(
    width % 4 === 0,
    () => `The ${part}'s width must be a multiple of 4, for sines and cosines of row and column, not ${width}.`,
  );
}
