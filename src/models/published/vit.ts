/** Vision transformers of timm and of Hugging Face. */
import type { Size2d } from '../../nn/index.js';
import { hfVit, timmVit } from '../layouts/index.js';
import { type VitConfig, vitDefaults } from '../vit.js';
import { vitVariants } from '../vitVariants.js';
import {
  type Arguments,
  classNames,
  countOf,
  type ForeignCheckpoint,
  headsOf,
  hfLabels,
  imageModality,
  isHf,
  type PublishedLayout,
  SYMMETRIC,
  shapeOf,
  sizeOfTable,
  sizesOf,
  toldArguments,
} from './published.js';
import { epsilonOf, layerNorm, pairOf, torchActivation } from './torchArguments.js';

/** The arguments of timm's `VisionTransformer`, with its defaults. */
export function vitOfTimm(c: Arguments): VitConfig {
  const width = c.embed_dim ?? 768;
  const pooling = c.global_pool ?? 'token';
  return {
    ...vitDefaults,
    patch: pairOf(c.patch_size ?? 16),
    width,
    depth: c.depth ?? 12,
    heads: c.num_heads ?? 12,
    mlpWidth: Math.trunc(width * (c.mlp_ratio ?? 4)),
    qkvBias: c.qkv_bias ?? true,
    activation: torchActivation(c.act_layer ?? undefined),
    normEpsilon: epsilonOf(c.norm_layer, 1e-6),
    classToken: c.class_token ?? true,
    classPosition: !c.no_embed_class,
    preNorm: c.pre_norm ?? false,
    layerScale: c.init_values ?? undefined,
    pooling: pooling === 'avg' || pooling === true ? 'average' : pooling === 'token' || !pooling ? 'token' : 'none',
    normAfterPooling: c.fc_norm ?? (pooling === 'avg' || pooling === true),
    classes: c.num_classes ?? 1000,
  };
}

/** The arguments that tensors of timm's `VisionTransformer` tell: all but heads, epsilon, activation and the image's size. */
function shapesOfTimm(checkpoint: ForeignCheckpoint): Arguments {
  const { shapes } = checkpoint;
  const [width, , ...patch] = shapeOf(checkpoint, 'patch_embed.proj.weight');
  const hidden = shapeOf(checkpoint, 'blocks.0.mlp.fc1.weight')[0];
  const classToken = shapes.has('cls_token');
  const rows = shapeOf(checkpoint, 'pos_embed')[1];
  const isSquare = (n: number) => Number.isInteger(Math.sqrt(n));
  return {
    embed_dim: width,
    patch_size: patch,
    depth: countOf(checkpoint, 'blocks.'),
    mlp_ratio: hidden / width,
    qkv_bias: shapes.has('blocks.0.attn.qkv.bias'),
    class_token: classToken,
    no_embed_class: classToken && isSquare(rows) && !isSquare(rows - 1),
    pre_norm: shapes.has('norm_pre.weight'),
    init_values: shapes.has('blocks.0.ls1.gamma') ? 1e-5 : undefined,
    global_pool: shapes.has('fc_norm.weight') || !classToken ? 'avg' : 'token',
    fc_norm: shapes.has('fc_norm.weight'),
    num_classes: shapes.get('head.weight')?.[0] ?? 0,
  };
}

/** Arguments that change what is computed and that tensors do not tell, or tell less well. */
const TOLD = [
  'num_heads',
  'act_layer',
  'norm_layer',
  'global_pool',
  'fc_norm',
  'no_embed_class',
  'mlp_ratio',
  'init_values',
];

/** timm's layout, which DeiT, and MAE's fine-tuned models, have too. */
export const timmVitLayout: PublishedLayout = {
  name: 'timm',
  of: "timm's VisionTransformer",

  recognises: ({ shapes }) =>
    shapes.has('patch_embed.proj.weight') &&
    shapes.has('blocks.0.attn.qkv.weight') &&
    shapes.has('pos_embed') &&
    !['mask_token', 'decoder_pos_embed', 'channel_embed', 'blocks.0.gamma_1', 'blocks.0.attn.q_bias'].some((name) =>
      shapes.has(name),
    ) &&
    shapes.get('pos_embed')?.[2] === shapes.get('patch_embed.proj.weight')?.[0],

  read(checkpoint) {
    const remarks: string[] = [];
    const found = shapesOfTimm(checkpoint);
    const told = toldArguments(checkpoint);
    const own = Object.fromEntries(TOLD.filter((key) => told[key] !== undefined).map((key) => [key, told[key]]));
    const about = { width: found.embed_dim, depth: found.depth };
    const heads = headsOf(told.num_heads, about, vitVariants, remarks);
    const config = vitOfTimm({ ...found, ...own, num_heads: heads });
    const { patch, classToken, classPosition } = config;
    const rows = shapeOf(checkpoint, 'pos_embed')[1] - (classToken && classPosition ? 1 : 0);
    const { pretrained_cfg: published } = checkpoint.config ?? {};
    const input = published?.input_size as number[] | undefined;
    const size = sizeOfTable(rows, patch, told.img_size ?? input?.slice(1) ?? checkpoint.size);
    const { classes } = config;
    return {
      config: { ...config, classes: 0 },
      modalities: imageModality(size, shapeOf(checkpoint, 'patch_embed.proj.weight')[1]),
      form: classes > 0 ? 'classes' : 'encoder',
      classes: classes > 0 ? classNames(classes, checkpoint.config) : undefined,
      layout: timmVit(patch),
      statistics: published?.mean && published.std ? { mean: published.mean, std: published.std } : SYMMETRIC,
      remarks,
    };
  },

  layout: ({ patch }) => timmVit(patch),

  configOf: (config, { classes, modalities }) => ({
    architecture: 'vit',
    num_classes: classes?.length ?? 0,
    model_args: {
      img_size: sizesOf(modalities).size,
      patch_size: config.patch,
      in_chans: sizesOf(modalities).channels,
      embed_dim: config.width,
      norm_layer: layerNorm(config.normEpsilon),
      depth: config.depth,
      num_heads: config.heads,
      mlp_ratio: config.mlpWidth / config.width,
      qkv_bias: config.qkvBias,
      class_token: config.classToken,
      no_embed_class: !config.classPosition,
      pre_norm: config.preNorm,
      init_values: config.layerScale,
      global_pool: config.pooling === 'average' ? 'avg' : config.pooling === 'token' ? 'token' : '',
      fc_norm: config.normAfterPooling,
      ...(config.activation === 'gelu' ? {} : { act_layer: config.activation }),
    },
    ...(classes ? { label_names: classes } : {}),
  }),
};

/** The arguments of Hugging Face's `ViTConfig`, with its defaults; head and pooler are for the tensors to tell. */
export function vitOfHf(c: Arguments): VitConfig {
  return {
    ...vitDefaults,
    patch: pairOf(c.patch_size ?? 16),
    width: c.hidden_size ?? 768,
    depth: c.num_hidden_layers ?? 12,
    heads: c.num_attention_heads ?? 12,
    mlpWidth: c.intermediate_size ?? 3072,
    qkvBias: c.qkv_bias ?? true,
    activation: torchActivation(c.hidden_act),
    normEpsilon: c.layer_norm_eps ?? 1e-12,
  };
}

/** Hugging Face's fields for the blocks of a transformer. */
export function hfFields(config: Arguments, size: Size2d, channels: number): Arguments {
  const { width, depth, heads, mlpWidth, activation, normEpsilon, patch, qkvBias } = config;
  const square = ([a, b]: Size2d) => (a === b ? a : [a, b]);
  return {
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    intermediate_size: mlpWidth,
    hidden_act: HF_ACTIVATIONS[activation as string] ?? activation,
    layer_norm_eps: normEpsilon,
    image_size: square(size),
    patch_size: square(patch),
    num_channels: channels,
    qkv_bias: qkvBias,
  };
}

/** Our activations by Hugging Face's words, where they differ. */
const HF_ACTIVATIONS: Record<string, string> = { geluTanh: 'gelu_pytorch_tanh', quickGelu: 'quick_gelu' };

/** Below what the tensors of a bare `ViTModel` and of the classes with a head are. */
const prefixOf = ({ shapes }: ForeignCheckpoint) => (shapes.has('vit.embeddings.cls_token') ? 'vit.' : '');

/** Hugging Face's layout. */
export const hfVitLayout: PublishedLayout = {
  name: 'hf',
  of: "Hugging Face's ViTForImageClassification and ViTModel",

  recognises: (checkpoint) =>
    checkpoint.config?.model_type !== undefined
      ? isHf(checkpoint, 'vit') || isHf(checkpoint, 'deit')
      : checkpoint.shapes.has('vit.embeddings.cls_token') && !checkpoint.shapes.has('decoder.mask_token'),

  read(checkpoint) {
    const { config: c = {}, shapes } = checkpoint;
    const remarks: string[] = [];
    const prefix = prefixOf(checkpoint);
    const [width, channels, ...patch] = shapeOf(checkpoint, `${prefix}embeddings.patch_embeddings.projection.weight`);
    const depth = countOf(checkpoint, `${prefix}encoder.layer.`);
    const heads = headsOf(c.num_attention_heads, { width, depth }, vitVariants, remarks);
    const told = {
      ...c,
      hidden_size: width,
      num_hidden_layers: depth,
      num_attention_heads: heads,
      intermediate_size: shapeOf(checkpoint, `${prefix}encoder.layer.0.intermediate.dense.weight`)[0],
      patch_size: patch,
      qkv_bias: shapes.has(`${prefix}encoder.layer.0.attention.attention.query.bias`),
    };
    const config = vitOfHf(told);
    const rows = shapeOf(checkpoint, `${prefix}embeddings.position_embeddings`)[1] - 1;
    const classes = shapes.get('classifier.weight')?.[0];
    return {
      config,
      modalities: imageModality(sizeOfTable(rows, config.patch, c.image_size ?? checkpoint.size), channels),
      form: classes ? 'classes' : 'encoder',
      classes: classes ? classNames(classes, c) : undefined,
      layout: hfVit(config.patch, prefix),
      statistics: SYMMETRIC,
      remarks,
    };
  },

  layout: ({ patch }, form) => hfVit(patch, form === 'encoder' ? '' : 'vit.'),

  configOf: (config, { form, classes, modalities }) => {
    const { size, channels } = sizesOf(modalities);
    return {
      model_type: 'vit',
      architectures: [form === 'encoder' ? 'ViTModel' : 'ViTForImageClassification'],
      ...hfFields(config, size, channels),
      ...hfLabels(classes),
    };
  },
};
