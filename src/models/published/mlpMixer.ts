/** MLP-Mixer and its relatives of timm. */
import { unknownName } from '../../errors/index.js';
import type { Size2d } from '../../nn/index.js';
import { timmMixer } from '../layouts/index.js';
import { type MixerBlockKind, type MlpMixerConfig, mixerDefaults } from '../mlpMixer.js';
import {
  type Arguments,
  classNames,
  countOf,
  type ForeignCheckpoint,
  imageModality,
  type PublishedLayout,
  SYMMETRIC,
  shapeOf,
  sizeOfTable,
  sizesOf,
  toldArguments,
} from './published.js';
import { epsilonOf, layerNorm, pairOf, torchActivation } from './torchArguments.js';

/** Our kinds of block by timm's `block_layer` and `mlp_layer`, of which names are enough. */
const BLOCK_KINDS: Record<string, MixerBlockKind> = {
  'MixerBlock Mlp': 'mixer',
  'MixerBlock GluMlp': 'gated',
  'ResBlock Mlp': 'linear',
  'SpatialGatingBlock GatedMlp': 'spatialGate',
};

/** The arguments of timm's `MlpMixer`, with its defaults. */
export function mixerOfTimm(c: Arguments): MlpMixerConfig {
  const lastWord = (name: string | undefined, otherwise: string) => (name ?? otherwise).split('.').pop()!;
  const isSpatial = lastWord(c.block_layer, '') === 'SpatialGatingBlock';
  const kind = `${lastWord(c.block_layer, 'MixerBlock')} ${lastWord(c.mlp_layer, isSpatial ? 'GatedMlp' : 'Mlp')}`;
  if (!Object.hasOwn(BLOCK_KINDS, kind)) throw unknownName('block_layer and mlp_layer', kind, Object.keys(BLOCK_KINDS));
  const block = BLOCK_KINDS[kind];
  const width: number = c.embed_dim ?? 512;
  const ratios = pairOf(c.mlp_ratio ?? (block === 'linear' || block === 'spatialGate' ? 4 : [0.5, 4]));
  return {
    ...mixerDefaults,
    block,
    patch: pairOf(c.patch_size ?? 16),
    width,
    depth: c.num_blocks ?? 8,
    tokenWidth: Math.trunc(ratios[0] * width),
    channelWidth: Math.trunc(ratios[1] * width),
    activation: torchActivation(c.act_layer ?? undefined),
    affine: lastWord(c.norm_layer, '') === 'Affine',
    normEpsilon: epsilonOf(c.norm_layer, 1e-6),
    stemNorm: c.stem_norm ?? false,
    pooling: (c.global_pool ?? 'avg') === 'avg' ? 'average' : 'none',
    classes: c.num_classes ?? 1000,
  };
}

/** The kind of block by its tensors, and how many tokens there are. */
function blockOf(checkpoint: ForeignCheckpoint): { block: MixerBlockKind; tokens: number; tokenWidth: number } {
  const shape = (name: string) => checkpoint.shapes.get(`blocks.0.${name}.weight`);
  const linear = shape('linear_tokens');
  if (linear) return { block: 'linear', tokens: linear[0], tokenWidth: linear[0] };
  const gate = shape('mlp_channels.gate.proj');
  if (gate) return { block: 'spatialGate', tokens: gate[0], tokenWidth: gate[0] };
  const [hidden, tokens] = shapeOf(checkpoint, 'blocks.0.mlp_tokens.fc1.weight');
  const [, read] = shapeOf(checkpoint, 'blocks.0.mlp_tokens.fc2.weight');
  return { block: read === hidden ? 'mixer' : 'gated', tokens, tokenWidth: hidden };
}

/** What names of classes that timm's layout knows, by our kinds of block. */
const LAYERS: Record<MixerBlockKind, Arguments> = {
  mixer: {},
  gated: { mlp_layer: 'GluMlp' },
  linear: { block_layer: 'ResBlock' },
  spatialGate: { block_layer: 'SpatialGatingBlock', mlp_layer: 'GatedMlp' },
};

const layoutOf = ({ patch, affine, width, block }: Arguments) =>
  timmMixer(patch as Size2d, { affine: affine ? width : undefined, spatialGate: block === 'spatialGate' });

export const timmMixerLayout: PublishedLayout = {
  name: 'timm',
  of: "timm's MlpMixer",

  recognises: ({ shapes }) =>
    shapes.has('stem.proj.weight') &&
    ['mlp_tokens.fc1', 'linear_tokens', 'mlp_channels.gate.proj'].some((name) => shapes.has(`blocks.0.${name}.weight`)),

  read(checkpoint) {
    const { shapes } = checkpoint;
    const told = toldArguments(checkpoint);
    const [width, channels, ...patch] = shapeOf(checkpoint, 'stem.proj.weight');
    const { block, tokens, tokenWidth } = blockOf(checkpoint);
    const classes = shapes.get('head.weight')?.[0] ?? 0;
    const config: MlpMixerConfig = {
      ...mixerDefaults,
      block,
      patch: pairOf(patch),
      width,
      depth: countOf(checkpoint, 'blocks.'),
      tokenWidth,
      channelWidth: shapeOf(checkpoint, 'blocks.0.mlp_channels.fc1.weight')[0],
      // Gated mixers have SiLU in timm, all others GELU.
      activation: torchActivation(told.act_layer ?? (block === 'gated' ? 'silu' : undefined)),
      affine: shapes.has('norm.alpha'),
      normEpsilon: epsilonOf(told.norm_layer, 1e-6),
      stemNorm: shapes.has('stem.norm.weight') || shapes.has('stem.norm.alpha'),
    };
    const { pretrained_cfg: published } = checkpoint.config ?? {};
    const input = published?.input_size as number[] | undefined;
    const size = sizeOfTable(tokens, config.patch, told.img_size ?? input?.slice(1) ?? checkpoint.size);
    return {
      config,
      modalities: imageModality(size, channels),
      form: classes > 0 ? 'classes' : 'encoder',
      classes: classes > 0 ? classNames(classes, checkpoint.config) : undefined,
      layout: layoutOf(config),
      statistics: published?.mean && published.std ? { mean: published.mean, std: published.std } : SYMMETRIC,
      remarks: [],
    };
  },

  layout: layoutOf,

  configOf: (config, { classes, modalities }) => ({
    architecture: 'mlp_mixer',
    num_classes: classes?.length ?? 0,
    model_args: {
      img_size: sizesOf(modalities).size,
      patch_size: config.patch,
      in_chans: sizesOf(modalities).channels,
      embed_dim: config.width,
      norm_layer: config.affine ? 'Affine' : layerNorm(config.normEpsilon),
      num_blocks: config.depth,
      mlp_ratio: [config.tokenWidth / config.width, config.channelWidth / config.width],
      stem_norm: config.stemNorm,
      ...LAYERS[config.block as MixerBlockKind],
      ...(config.activation === 'gelu' ? {} : { act_layer: config.activation }),
    },
    ...(classes ? { label_names: classes } : {}),
  }),
};
