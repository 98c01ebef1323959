/**
 * MLP-Mixer (arXiv 2105.01601) and its relatives ResMLP (2105.03404), gMLP (2105.08050) and the gated mixer, equal to timm's
 * `MlpMixer`: patches as tokens, layers that mix tokens by a map over their axis, layers that mix channels, and a head on the
 * mean. There are no positions: the maps over tokens know them, and fix their number.
 */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import {
  type ActivationName,
  activationByName,
  applyMap,
  dropPath,
  gaussian,
  type LinearMap,
  linear,
  linearMap,
  mlp,
  norm,
  ones,
  patchEmbedding,
  type Scope,
  type Size2d,
  xavierUniform,
  zeros,
} from '../nn/index.js';

/**
 * Kinds of block:
 * - `mixer`: an MLP over tokens, then one over channels;
 * - `gated`: the same with MLPs of which one half gates the other;
 * - `linear`: one linear map over tokens, then an MLP over channels, both scaled (ResMLP);
 * - `spatialGate`: one MLP over channels, of whose hidden values one half, mixed over tokens, gates the other (gMLP).
 */
export type MixerBlockKind = 'mixer' | 'gated' | 'linear' | 'spatialGate';

/** Sizes and forms of a mixer. */
export interface MlpMixerConfig {
  block: MixerBlockKind;
  patch: Size2d;
  width: number;
  depth: number;
  /** Hidden channels of the MLP over tokens (`mixer`, `gated`) and of that over channels. */
  tokenWidth: number;
  channelWidth: number;
  activation: ActivationName;
  /** Trained scale and shift of each channel in the place of layer norms (ResMLP). */
  affine: boolean;
  normEpsilon: number;
  /** A norm after the patch embedding. */
  stemNorm: boolean;
  /** First value of the factors on each branch of `linear` blocks. */
  layerScale: number;
  /** Of every block. */
  dropPath: number;
  pooling: 'average' | 'none';
  /** 0: no head. */
  classes: number;
  /** First value of the head's bias. */
  headBias: number;
}

/** What all named sizes share. */
export const mixerDefaults = {
  block: 'mixer',
  activation: 'gelu',
  affine: false,
  normEpsilon: 1e-6,
  stemNorm: false,
  layerScale: 1e-4,
  dropPath: 0,
  pooling: 'average',
  classes: 0,
  headBias: 0,
} as const satisfies Partial<MlpMixerConfig>;

/** What a mixer gives. */
export interface MlpMixerOutputs {
  /** What the first block reads, `[B, N, D]`, and the output of each block. */
  embedded: Tensor;
  blocks: Tensor[];
  /** After the last norm. */
  tokens: Tensor;
  /** `[B, D]`; every token's where nothing is pooled. */
  pooled: Tensor;
  /** `[B, classes]`, where there is a head. */
  logits?: Tensor;
}

/** The whole model. `pixels`: `[B, H·W, C]`, row by row; `size`: H and W. */
export function mlpMixer(scope: Scope, config: MlpMixerConfig, pixels: Tensor, size: Size2d): MlpMixerOutputs {
  checkConfig(config);
  const { patch, width, depth, stemNorm, pooling, classes } = config;
  const patches = patchEmbedding(scope.child('patch_embedding'), pixels, { size, patch, width });
  const embedded = stemNorm ? normOf(scope.child('norm_stem'), patches, config) : patches;
  const blocks: Tensor[] = [];
  let x = embedded;
  for (let i = 0; i < depth; i++) {
    const [own, before] = [scope.child(`blocks/${i}`), x];
    x = scope.part('layers', () => BLOCKS[config.block](own, before, config));
    blocks.push(x);
  }
  const tokens = normOf(scope.child('norm'), x, config);
  const pooled = pooling === 'average' ? tokens.mean(1) : tokens;
  if (classes === 0) return { embedded, blocks, tokens, pooled };
  const logits = linear(scope.child('head'), pooled, classes, {
    initializer: zeros,
    biasInitializer: { kind: 'constant', value: config.headBias },
  });
  return { embedded, blocks, tokens, pooled, logits };
}

type Block = (scope: Scope, x: Tensor, config: MlpMixerConfig) => Tensor;

/** Blocks of an MLP over tokens and one over channels, plain or gated. */
function mixerBlock(perceptron: typeof plainMlp): Block {
  return (scope, x, config) => {
    const { tokenWidth, channelWidth } = config;
    const tokens = swapped(normOf(scope.child('norm_1'), x, config));
    const mixed = swapped(perceptron(scope.child('tokens'), tokens, tokenWidth, config));
    const y = x.add(dropPath(scope.child('tokens'), mixed, config.dropPath));
    const channels = normOf(scope.child('norm_2'), y, config);
    const changed = perceptron(scope.child('channels'), channels, channelWidth, config);
    return y.add(dropPath(scope.child('channels'), changed, config.dropPath));
  };
}

const linearBlock: Block = (scope, x, config) => {
  const { layerScale, dropPath: rate } = config;
  const scaled = (name: string, branch: Tensor) =>
    branch.mul(scope.parameter(name, [x.shape[2]], { kind: 'constant', value: layerScale }));
  const tokens = swapped(normOf(scope.child('norm_1'), x, config));
  const mixed = swapped(linear(scope.child('tokens'), tokens, x.shape[1]));
  const y = x.add(dropPath(scope.child('tokens'), scaled('layer_scale_1', mixed), rate));
  const channels = normOf(scope.child('norm_2'), y, config);
  const changed = plainMlp(scope.child('channels'), channels, config.channelWidth, config);
  return y.add(dropPath(scope.child('channels'), scaled('layer_scale_2', changed), rate));
};

const spatialGateBlock: Block = (scope, x, config) => {
  const own = scope.child('channels');
  const { hidden, output } = mlpMaps(own, x, config.channelWidth, config.channelWidth / 2);
  const before = applyMap(hidden, normOf(scope.child('norm_1'), x, config));
  const gated = spatialGate(own, activationByName(config.activation)(before));
  return x.add(dropPath(own, applyMap(output, gated), config.dropPath));
};

const BLOCKS: Record<MixerBlockKind, Block> = {
  mixer: mixerBlock(plainMlp),
  gated: mixerBlock(gatedMlp),
  linear: linearBlock,
  spatialGate: spatialGateBlock,
};

function plainMlp(scope: Scope, x: Tensor, hiddenWidth: number, { activation }: MlpMixerConfig): Tensor {
  return mlp(scope, x, { ...mlpMaps(scope, x, hiddenWidth, hiddenWidth), activation: activationByName(activation) });
}

/** The second half of the hidden values, activated, gates the first. */
function gatedMlp(scope: Scope, x: Tensor, hiddenWidth: number, { activation }: MlpMixerConfig): Tensor {
  const half = hiddenWidth / 2;
  return mlp(scope, x, {
    ...mlpMaps(scope, x, hiddenWidth, half),
    activation: (hidden) => {
      const [values, gates] = hidden.split([half, half], -1);
      return values.mul(activationByName(activation)(gates));
    },
  });
}

/** Maps `[in, hidden]` and `[read, in]`; first values as in timm. */
function mlpMaps(scope: Scope, x: Tensor, hidden: number, read: number): { hidden: LinearMap; output: LinearMap } {
  const inputs = x.shape[x.rank - 1];
  const map = (name: string, from: number, to: number) =>
    linearMap(scope.child(name), from, to, {
      initializer: xavierUniform(from, to),
      biasInitializer: gaussian(1e-6),
    });
  return { hidden: map('hidden', inputs, hidden), output: map('output', read, inputs) };
}

/** u times the map over tokens of norm(v), for the halves u and v of the hidden channels; begins as (nearly) u. */
function spatialGate(scope: Scope, hidden: Tensor): Tensor {
  const [, count, width] = hidden.shape;
  const [values, gates] = hidden.split([width / 2, width / 2], -1);
  const mixed = linear(scope.child('gate'), swapped(norm(scope.child('gate_norm'), gates)), count, {
    initializer: gaussian(1e-6),
    biasInitializer: ones,
  });
  return values.mul(swapped(mixed));
}

/** Layer norm, or scale and shift alone. */
function normOf(scope: Scope, x: Tensor, { affine, normEpsilon }: MlpMixerConfig): Tensor {
  if (!affine) return norm(scope, x, normEpsilon);
  const shape = [x.shape[x.rank - 1]];
  return x.mul(scope.parameter('scale', shape, ones)).add(scope.parameter('offset', shape, zeros));
}

/** `[B, N, D]` ↔ `[B, D, N]` */
function swapped(x: Tensor): Tensor {
  return x.transpose([0, 2, 1]);
}

function checkConfig({ depth, block, tokenWidth, channelWidth }: MlpMixerConfig): void {
  ensure(depth >= 1, () => `A mixer needs at least one block, not ${depth} (depth).`);
  const halved = block === 'gated' ? [tokenWidth, channelWidth] : block === 'spatialGate' ? [channelWidth] : [];
  for (const width of halved)
    ensure(width % 2 === 0, () => `Gated blocks halve their hidden channels: ${width} is odd.`);
}
