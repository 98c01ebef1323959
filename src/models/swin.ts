/**
 * The Swin transformer (Liu et al. 2021, arXiv 2103.14030): attention inside small windows, which are shifted by half their
 * width in every second block so that neighbours meet; between stages 2 x 2 tokens are merged into one of twice the channels.
 */
import { ensure } from '../errors/index.js';
import { concat, constant, type Tensor } from '../graph/index.js';
import {
  gaussian,
  linear,
  norm,
  normBefore,
  patchEmbedding,
  patchGrid,
  relativePositionBias,
  relativePositionRows,
  residual,
  type Scope,
  type Size2d,
  selfAttention,
  transformerMlp,
} from '../nn/index.js';

/** Sizes of the encoder. Lists have one entry for each stage. */
export interface SwinConfig {
  size: Size2d;
  patch: Size2d;
  /** Channels of the first stage; each further one has twice as many. */
  width: number;
  depths: readonly number[];
  heads: readonly number[];
  /** Width of a window in tokens; a stage whose grid is no larger is one window. */
  window: number;
  /** Channels between the two maps of an MLP, as a multiple of the stage's. */
  mlpRatio: number;
  qkvBias: boolean;
  /** A norm after the patch embedding. */
  patchNorm: boolean;
  /** A learned vector for each patch, beside the relative positions inside windows. */
  absolutePositions: boolean;
  /** Whether every second block shifts its windows. */
  shifted: boolean;
  normEpsilon: number;
  /** Of the last block; the rate rises linearly from 0. */
  dropPath: number;
}

/** What all named sizes share. */
export const swinDefaults = {
  patch: [4, 4],
  mlpRatio: 4,
  qkvBias: true,
  patchNorm: true,
  absolutePositions: false,
  shifted: true,
  normEpsilon: 1e-5,
  dropPath: 0,
} as const satisfies Partial<SwinConfig>;

/** What the encoder gives. */
export interface SwinStates {
  /** What the first block reads, `[B, L, width]`. */
  embedded: Tensor;
  /** Output of each stage before its tokens are merged, `[B, L_s, width·2^s]`. */
  stages: Tensor[];
  /** The last of them after the final norm. */
  output: Tensor;
  /** Rows and columns of the last stage's tokens. */
  grid: Size2d;
}

const weights = { kind: 'truncatedNormal' as const, deviation: 0.02 };

/** Width of the windows on a grid, and by how much shifted ones are shifted; both in tokens. */
export function windowOf(grid: Size2d, { window, shifted }: Pick<SwinConfig, 'window' | 'shifted'>): Window {
  const smallest = Math.min(...grid);
  if (smallest <= window) return { width: smallest, shift: 0 };
  return { width: window, shift: shifted ? Math.floor(window / 2) : 0 };
}

interface Window {
  width: number;
  shift: number;
}

/** Rows and columns of a stage's tokens. Throws where they cannot be merged so often. */
export function stageGrid({ size, patch }: Pick<SwinConfig, 'size' | 'patch'>, stage: number): Size2d {
  const [rows, columns] = patchGrid(size, patch);
  const factor = 2 ** stage;
  ensure(
    rows % factor === 0 && columns % factor === 0,
    () =>
      `A grid of ${rows} x ${columns} patches cannot be halved ${stage} times: choose an image size that is a multiple of ${patch[0] * factor}.`,
  );
  return [rows / factor, columns / factor];
}

/** Pixels `[B, H·W, C]` → tokens after every stage. */
export function swin(scope: Scope, config: SwinConfig, pixels: Tensor): SwinStates {
  const { size, patch, width, depths, normEpsilon } = config;
  let x = patchEmbedding(scope.child('patch_embedding'), pixels, { size, patch, width, initializer: weights });
  if (config.patchNorm) x = norm(scope.child('patch_norm'), x, normEpsilon);
  if (config.absolutePositions) x = x.add(scope.parameter('positions', [1, x.shape[1], width], weights));
  const embedded = x;
  const stages: Tensor[] = [];
  const total = depths.reduce((sum, depth) => sum + depth);
  depths.forEach((depth, stage) => {
    const before = depths.slice(0, stage).reduce((sum, n) => sum + n, 0);
    const own = scope.child(`stages/${stage}`);
    const grid = stageGrid(config, stage);
    if (stage > 0) x = merge(scope.child(`stages/${stage - 1}/merge`), x, stageGrid(config, stage - 1), normEpsilon);
    x = swinStage(own, x, grid, config, { depth, heads: config.heads[stage], before, total });
    stages.push(x);
  });
  return {
    embedded,
    stages,
    output: norm(scope.child('norm'), x, normEpsilon),
    grid: stageGrid(config, depths.length - 1),
  };
}

/** Mean of all tokens `[B, L, D]`, and a linear head: `[B, classes]`. */
export function swinClassifier(scope: Scope, output: Tensor, classes: number): Tensor {
  return linear(scope.child('head'), output.mean(1), classes, { initializer: weights });
}

interface StageOptions {
  depth: number;
  heads: number;
  /** Blocks of earlier stages, and of all. */
  before: number;
  total: number;
}

function swinStage(
  scope: Scope,
  x: Tensor,
  grid: Size2d,
  config: SwinConfig,
  { depth, heads, before, total }: StageOptions,
): Tensor {
  const { width, shift } = windowOf(grid, config);
  const isCut = grid.every((n) => n % width === 0);
  ensure(
    isCut,
    () =>
      `A grid of ${grid.join(' x ')} tokens does not divide into windows of ${width} x ${width}: change window or size.`,
  );
  const biasOf = relativePositionBias([width, width], { classToken: false });
  const separate = shift > 0 ? constant(shiftMask(grid, { width, shift }), maskShape(grid, width)) : undefined;
  let y = x;
  for (let i = 0; i < depth; i++) {
    const window = { width, shift: i % 2 === 1 ? shift : 0 };
    const dropPath = (config.dropPath * (before + i)) / Math.max(total - 1, 1);
    const mask = window.shift > 0 ? separate : undefined;
    y = swinBlock(scope.child(`blocks/${i}`), y, grid, window, { config, heads, dropPath, biasOf, mask });
  }
  return y;
}

interface BlockOptions {
  config: SwinConfig;
  heads: number;
  dropPath: number;
  biasOf: (table: Tensor) => Tensor;
  /** Added to scores in shifted windows, `[1, windows, 1, N, N]`. */
  mask?: Tensor;
}

/** One block: x `[B, L, C]` → the same. */
function swinBlock(scope: Scope, x: Tensor, grid: Size2d, window: Window, options: BlockOptions): Tensor {
  const { config, heads, dropPath, biasOf, mask } = options;
  const { qkvBias, mlpRatio, normEpsilon } = config;
  const channels = x.shape[2];
  const mlpWidth = Math.trunc(channels * mlpRatio);
  const initializer = () => weights;
  return scope.part('layers', () => {
    const attention = scope.child('attention');
    const rows = relativePositionRows([window.width, window.width], { classToken: false });
    const bias = biasOf(attention.parameter('relative_positions', [rows, heads], weights));
    const ofAll = bias.reshape([1, 1, ...bias.shape]);
    const windows = toWindows(x, grid, window);
    const before = normBefore(scope.child('norm_1'), windows, 3 * channels, normEpsilon);
    const attended = selfAttention(attention, windows, before, {
      heads,
      qkvBias: qkvBias ? 'all' : 'none',
      attentionBias: mask ? ofAll.add(mask) : ofAll,
      initializer,
    });
    const y = residual(scope, '1', x, fromWindows(attended, grid, window), { dropPath });
    const between = normBefore(scope.child('norm_2'), y, mlpWidth, normEpsilon);
    return residual(scope, '2', y, transformerMlp(scope.child('mlp'), y, between, { mlpWidth, initializer }), {
      dropPath,
    });
  });
}

/** Four neighbours as one token: `[B, R·C, D]` → `[B, R·C/4, 2·D]`; the neighbours column by column. */
function merge(scope: Scope, x: Tensor, [rows, columns]: Size2d, epsilon: number): Tensor {
  const [batch, , channels] = x.shape;
  const joined = x
    .reshape([batch, rows / 2, 2, columns / 2, 2, channels])
    .transpose([0, 1, 3, 4, 2, 5])
    .reshape([batch, (rows * columns) / 4, 4 * channels]);
  const normed = norm(scope.child('norm'), joined, epsilon);
  return linear(scope.child('reduction'), normed, 2 * channels, { bias: false, initializer: gaussian(0.02) });
}

/** Tokens `[B, R·C, D]` → `[B, windows, N, D]`, after the grid was rolled up and left by the shift. */
function toWindows(x: Tensor, [rows, columns]: Size2d, { width, shift }: Window): Tensor {
  const [batch, , channels] = x.shape;
  const rolled = roll(x.reshape([batch, rows, columns, channels]), shift);
  return rolled
    .reshape([batch, rows / width, width, columns / width, width, channels])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([batch, (rows * columns) / width ** 2, width ** 2, channels]);
}

/** The token of the grid in each place of each window, `[windows·N]`, as {@link toWindows} lays them out. */
export function windowPlaces([rows, columns]: Size2d, { width, shift }: Window): Int32Array {
  const across = columns / width;
  return Int32Array.from({ length: rows * columns }, (_, at) => {
    const [window, place] = [Math.floor(at / width ** 2), at % width ** 2];
    const row = Math.floor(window / across) * width + Math.floor(place / width);
    const column = (window % across) * width + (place % width);
    return ((row + shift) % rows) * columns + ((column + shift) % columns);
  });
}

/** The inverse of {@link toWindows}. */
function fromWindows(x: Tensor, [rows, columns]: Size2d, { width, shift }: Window): Tensor {
  const [batch, , , channels] = x.shape;
  const whole = x
    .reshape([batch, rows / width, columns / width, width, width, channels])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([batch, rows, columns, channels]);
  return roll(whole, -shift).reshape([batch, rows * columns, channels]);
}

/** Moves rows up and columns left by `shift`, those that leave coming in at the other end: `[B, R, C, D]`. */
function roll(x: Tensor, shift: number): Tensor {
  if (shift === 0) return x;
  const along = (y: Tensor, axis: number) => {
    const size = y.shape[axis];
    const cut = (shift + size) % size;
    const [first, second] = y.split([cut, size - cut], axis);
    return concat([second, first], axis);
  };
  return along(along(x, 1), 2);
}

/** Score that keeps apart what the roll brought together. */
const APART = -100;

const maskShape = (grid: Size2d, width: number) => [1, (grid[0] * grid[1]) / width ** 2, 1, width ** 2, width ** 2];

/** What is added to the scores in shifted windows, `[windows, N, N]`: tokens that are no neighbours on the grid are kept apart. */
export function shiftMask(grid: Size2d, { width, shift }: Window): Float32Array {
  const [rows, columns] = grid;
  const regionOf = (index: number, size: number) => (index < size - width ? 0 : index < size - shift ? 1 : 2);
  const across = columns / width;
  const count = width ** 2;
  const mask = new Float32Array((rows / width) * across * count ** 2);
  for (let window = 0; window < (rows / width) * across; window++) {
    const regions = Int32Array.from({ length: count }, (_, i) => {
      const row = Math.floor(window / across) * width + Math.floor(i / width);
      const column = (window % across) * width + (i % width);
      return 3 * regionOf(row, rows) + regionOf(column, columns);
    });
    for (let query = 0; query < count; query++)
      for (let key = 0; key < count; key++)
        if (regions[query] !== regions[key]) mask[(window * count + query) * count + key] = APART;
  }
  return mask;
}
