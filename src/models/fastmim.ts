/**
 * FastMIM (arXiv 2212.06593): masked-image modelling on small images. Masked pixels take one learned colour and every token goes
 * through the encoder, so that any backbone will do; a light decoder predicts what each token's area looked like.
 */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import { gaussian, linear, norm, patchGrid, type Scope, type Size2d, xavierUniform } from '../nn/index.js';
import { gridPositions } from './gridPositions.js';
import { type SwinConfig, stageGrid, swin } from './swin.js';
import { withClassToken, withoutClassToken } from './tokens.js';
import { blockOptions, embedPatches, transformer, type VitEncoderConfig } from './vit.js';

/** What the decoder is to predict: histograms of oriented gradients, or pixels. */
export type FastMimTarget = 'hog' | 'pixels';

/** Sizes of the model. */
export interface FastMimConfig {
  size: Size2d;
  encoder: { kind: 'vit'; vit: VitEncoderConfig } | { kind: 'swin'; swin: SwinConfig };
  /** Width in pixels of the area that a token of the encoder's output stands for. */
  token: number;
  /** Width in pixels of the blocks that are masked as a whole. */
  block: number;
  target: FastMimTarget;
  decoder: {
    width: number;
    /** Blocks; with none the decoder is a norm and a linear map, and its width must be the encoder's. */
    depth: number;
    mlpWidth: number;
    qkvBias: boolean;
    normEpsilon: number;
  };
}

/** Orientations and width of the cells of the histograms. */
export const FASTMIM_HOG = { bins: 9, cell: 8 } as const;

const COLOURS = 3;
/** Channels of a head of the decoder. */
const HEAD_WIDTH = 32;

/** Rows and columns of blocks that are masked as a whole. */
export function blockGrid({ size, block }: Pick<FastMimConfig, 'size' | 'block'>): Size2d {
  const grid: Size2d = [Math.floor(size[0] / block), Math.floor(size[1] / block)];
  ensure(
    grid.every((count, axis) => count > 0 && size[axis] % count === 0),
    () =>
      `An image of ${size.join(' x ')} pixels does not divide into blocks of about ${block} x ${block}: change block.`,
  );
  return grid;
}

/** Rows and columns of the encoder's last tokens. */
export function fastMimGrid({ size, encoder }: Pick<FastMimConfig, 'size' | 'encoder'>): Size2d {
  return encoder.kind === 'vit'
    ? patchGrid(size, encoder.vit.patch)
    : stageGrid(encoder.swin, encoder.swin.depths.length - 1);
}

/** What the encoder gives. */
export interface FastMimEncoded {
  /** `[B, (1+)L, D]` after the encoder's norm; a vision transformer has its class token in front. */
  encoded: Tensor;
  /** What the first block reads, and what each block (or stage) puts out. */
  embedded: Tensor;
  blocks: Tensor[];
}

/** What the model gives. */
export interface FastMimOutputs extends FastMimEncoded {
  /** `[B, L, values of a token]` */
  prediction: Tensor;
}

/**
 * @param pixels `[B, H·W, 3]`
 * @param masked blocks whose pixels are hidden, `[B, blocks]`, 1 = hidden
 */
export function fastMim(scope: Scope, config: FastMimConfig, pixels: Tensor, masked: Tensor): FastMimOutputs {
  const { encoder, decoder } = config;
  const x = recoloured(scope.parameter('mask_token', [1, 1, COLOURS], gaussian(0.02)), config, pixels, masked);
  const read = fastMimEncoder(scope, config, x);
  const { encoded } = read;
  const values = tokenValues(config);
  const { width, normEpsilon } = decoder;
  const y = norm(scope.child('decoder_norm'), decoded(scope, config, encoded), normEpsilon);
  const all = linear(scope.child('decoder_prediction'), y, values, { initializer: xavierUniform(width, values) });
  return { ...read, prediction: encoder.kind === 'vit' ? withoutClassToken(all) : all };
}

/** The encoder alone, on pixels `[B, H·W, 3]` of which nothing, or everything that is masked, is hidden. */
export function fastMimEncoder(
  scope: Scope,
  { encoder, size }: Pick<FastMimConfig, 'encoder' | 'size'>,
  pixels: Tensor,
): FastMimEncoded {
  if (encoder.kind === 'vit') return vitTokens(scope, encoder.vit, pixels, size);
  const { output, embedded, stages } = swin(scope.child('encoder'), encoder.swin, pixels);
  return { encoded: output, embedded, blocks: stages };
}

/** Pixels of masked blocks become the mask's colour. */
function recoloured(colour: Tensor, config: FastMimConfig, pixels: Tensor, masked: Tensor): Tensor {
  const [rows, columns] = blockGrid(config);
  const [height, width] = config.size;
  const [batch, , channels] = pixels.shape;
  ensure(channels === COLOURS, () => `FastMIM takes images of ${COLOURS} colours, not ${channels}.`);
  const blocks = pixels.reshape([batch, rows, height / rows, columns, width / columns, channels]);
  const hidden = masked.reshape([batch, rows, 1, columns, 1, 1]);
  const painted = hidden.mul(colour.reshape([1, 1, 1, 1, 1, channels]));
  return blocks.mul(hidden.neg().add(1)).add(painted).reshape(pixels.shape);
}

/** A vision transformer with fixed sine-cosine positions and a class token, after its norm. */
function vitTokens(scope: Scope, config: VitEncoderConfig, pixels: Tensor, size: Size2d): FastMimEncoded {
  const { width, patch, depth, normEpsilon } = config;
  const positions = gridPositions(scope, 'positions', width, patchGrid(size, patch), { frozen: true });
  const token = scope.parameter('class_token', [1, 1, width], gaussian(0.02));
  const x = withClassToken(token, embedPatches(scope, config, pixels, size)).add(positions);
  const blocks = transformer(scope, 'blocks', x, depth, { ...blockOptions(config), initializer: xavierUniform });
  return { encoded: norm(scope.child('norm'), blocks.at(-1) ?? x, normEpsilon), embedded: x, blocks };
}

function decoded(scope: Scope, { decoder }: FastMimConfig, encoded: Tensor): Tensor {
  const { width, depth, mlpWidth, qkvBias, normEpsilon } = decoder;
  const channels = encoded.shape[2];
  if (depth === 0) {
    ensure(
      width === channels,
      () => `Without decoder blocks the decoder must be as wide as the encoder, ${channels}, not ${width}.`,
    );
    return encoded;
  }
  const x = linear(scope.child('decoder_embedding'), encoded, width, { initializer: xavierUniform(channels, width) });
  const heads = Math.floor(width / HEAD_WIDTH);
  ensure(heads >= 1, () => `The decoder needs at least ${HEAD_WIDTH} channels, not ${width}.`);
  const options = { heads, mlpWidth, normEpsilon, qkvBias: qkvBias ? ('all' as const) : ('none' as const) };
  return transformer(scope, 'decoder_blocks', x, depth, { ...options, initializer: xavierUniform }).at(-1)!;
}

/** Values that a token's prediction has. */
function tokenValues({ token, target }: FastMimConfig): number {
  if (target === 'pixels') return token ** 2 * COLOURS;
  return Math.floor(token / FASTMIM_HOG.cell) ** 2 * FASTMIM_HOG.bins * COLOURS;
}
