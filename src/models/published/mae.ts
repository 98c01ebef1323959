/** Masked auto-encoders of their authors and of Hugging Face. */
import { hfMae, originalMae } from '../layouts/index.js';
import { type MaeConfig, maeDefaults } from '../mae.js';
import { maeVariants } from '../maeVariants.js';
import {
  type Arguments,
  countOf,
  type ForeignCheckpoint,
  headsOf,
  IMAGENET,
  imageModality,
  isHf,
  type PublishedLayout,
  type PublishedModel,
  shapeOf,
  sizeOfTable,
  sizesOf,
  toldArguments,
} from './published.js';
import { epsilonOf, layerNorm, pairOf, torchActivation } from './torchArguments.js';
import { hfFields } from './vit.js';

/** The arguments of the authors' `MaskedAutoencoderViT`, with its defaults. */
export function maeOfOriginal(c: Arguments): MaeConfig {
  const [width, decoderWidth] = [c.embed_dim ?? 1024, c.decoder_embed_dim ?? 512];
  return {
    ...maeDefaults,
    patch: pairOf(c.patch_size ?? 16),
    width,
    depth: c.depth ?? 24,
    heads: c.num_heads ?? 16,
    mlpWidth: Math.trunc(width * (c.mlp_ratio ?? 4)),
    qkvBias: c.qkv_bias ?? true,
    normEpsilon: epsilonOf(c.norm_layer, 1e-6),
    decoder: {
      width: decoderWidth,
      depth: c.decoder_depth ?? 8,
      heads: c.decoder_num_heads ?? 16,
      mlpWidth: Math.trunc(decoderWidth * (c.mlp_ratio ?? 4)),
    },
  };
}

/** The arguments of Hugging Face's `ViTMAEConfig`, with its defaults. */
export function maeOfHf(c: Arguments): MaeConfig {
  return {
    ...maeDefaults,
    patch: pairOf(c.patch_size ?? 16),
    width: c.hidden_size ?? 768,
    depth: c.num_hidden_layers ?? 12,
    heads: c.num_attention_heads ?? 12,
    mlpWidth: c.intermediate_size ?? 3072,
    qkvBias: c.qkv_bias ?? true,
    activation: torchActivation(c.hidden_act),
    normEpsilon: c.layer_norm_eps ?? 1e-12,
    decoder: {
      width: c.decoder_hidden_size ?? 512,
      depth: c.decoder_num_hidden_layers ?? 8,
      heads: c.decoder_num_attention_heads ?? 16,
      mlpWidth: c.decoder_intermediate_size ?? 2048,
    },
  };
}

/** What both layouts give; the decoder may be missing, and then is that of the paper. */
function model(
  config: MaeConfig,
  size: readonly [number, number],
  channels: number,
  rest: Pick<PublishedModel, 'layout' | 'remarks'>,
): PublishedModel {
  return { config, modalities: imageModality(size, channels), form: 'pretraining', statistics: IMAGENET, ...rest };
}

/** Encoder and decoder by the tensors of the authors' class; the decoder's are undefined where there is none. */
function shapesOfOriginal(checkpoint: ForeignCheckpoint): Arguments {
  const { shapes } = checkpoint;
  const [width, , ...patch] = shapeOf(checkpoint, 'patch_embed.proj.weight');
  return {
    embed_dim: width,
    patch_size: patch,
    depth: countOf(checkpoint, 'blocks.'),
    mlp_ratio: shapeOf(checkpoint, 'blocks.0.mlp.fc1.weight')[0] / width,
    qkv_bias: shapes.has('blocks.0.attn.qkv.bias'),
    ...(shapes.has('decoder_embed.weight') && {
      decoder_embed_dim: shapes.get('decoder_embed.weight')![0],
      decoder_depth: countOf(checkpoint, 'decoder_blocks.'),
    }),
  };
}

/** Heads of the decoder: as told, else that of the paper, else one for every 32 channels as there. */
const decoderHeads = (told: unknown, width = 512) =>
  typeof told === 'number' ? told : width === 512 ? 16 : Math.max(1, Math.round(width / 32));

/** The encoder alone, as the authors publish it, looks like timm's vision transformer without a head: the arguments tell. */
export const originalMaeLayout: PublishedLayout = {
  name: 'original',
  of: "facebookresearch/mae's MaskedAutoencoderViT",

  recognises: ({ shapes, args }) =>
    shapes.has('blocks.0.attn.qkv.weight') &&
    shapes.get('pos_embed')?.[2] === shapes.get('patch_embed.proj.weight')?.[0] &&
    (shapes.get('mask_token')?.length === 3
      ? shapes.has('decoder_pos_embed')
      : /^mae_vit/.test(String(args?.model)) && !shapes.has('head.weight') && !shapes.has('mask_token')),

  read(checkpoint) {
    const remarks: string[] = [];
    const told = toldArguments(checkpoint);
    const found = shapesOfOriginal(checkpoint);
    const heads = headsOf(told.num_heads, { width: found.embed_dim, depth: found.depth }, maeVariants, remarks);
    const config = maeOfOriginal({
      ...found,
      norm_layer: told.norm_layer,
      num_heads: heads,
      decoder_num_heads: decoderHeads(told.decoder_num_heads, found.decoder_embed_dim),
    });
    const size = sizeOfTable(shapeOf(checkpoint, 'pos_embed')[1] - 1, config.patch, told.img_size ?? checkpoint.size);
    const channels = shapeOf(checkpoint, 'patch_embed.proj.weight')[1];
    return model(config, size, channels, { layout: originalMae(config.patch), remarks });
  },

  layout: ({ patch }) => originalMae(patch),

  configOf: (config, { modalities }) => ({
    model_args: {
      img_size: sizesOf(modalities).size,
      patch_size: config.patch,
      in_chans: sizesOf(modalities).channels,
      embed_dim: config.width,
      norm_layer: layerNorm(config.normEpsilon),
      depth: config.depth,
      num_heads: config.heads,
      mlp_ratio: config.mlpWidth / config.width,
      decoder_embed_dim: config.decoder.width,
      decoder_depth: config.decoder.depth,
      decoder_num_heads: config.decoder.heads,
    },
  }),
};

export const hfMaeLayout: PublishedLayout = {
  name: 'hf',
  of: "Hugging Face's ViTMAEForPreTraining",

  recognises: (checkpoint) =>
    checkpoint.config?.model_type !== undefined
      ? isHf(checkpoint, 'vit_mae')
      : checkpoint.shapes.has('vit.embeddings.cls_token') && checkpoint.shapes.has('decoder.mask_token'),

  read(checkpoint) {
    const { config: c = {} } = checkpoint;
    const remarks: string[] = [];
    const [width, channels, ...patch] = shapeOf(checkpoint, 'vit.embeddings.patch_embeddings.projection.weight');
    const depth = countOf(checkpoint, 'vit.encoder.layer.');
    const decoderWidth = checkpoint.shapes.get('decoder.decoder_embed.weight')?.[0] ?? c.decoder_hidden_size;
    const config = maeOfHf({
      intermediate_size: checkpoint.shapes.get('vit.encoder.layer.0.intermediate.dense.weight')?.[0],
      ...(checkpoint.shapes.has('decoder.mask_token') && {
        decoder_num_hidden_layers: countOf(checkpoint, 'decoder.decoder_layers.'),
        decoder_intermediate_size: checkpoint.shapes.get('decoder.decoder_layers.0.intermediate.dense.weight')?.[0],
      }),
      ...c,
      hidden_size: width,
      num_hidden_layers: depth,
      patch_size: patch,
      decoder_hidden_size: decoderWidth,
      num_attention_heads: headsOf(c.num_attention_heads, { width, depth }, maeVariants, remarks),
      decoder_num_attention_heads: decoderHeads(c.decoder_num_attention_heads, decoderWidth),
    });
    const rows = shapeOf(checkpoint, 'vit.embeddings.position_embeddings')[1] - 1;
    const size = sizeOfTable(rows, config.patch, c.image_size ?? checkpoint.size);
    return model(config, size, channels, { layout: hfMae(config.patch), remarks });
  },

  layout: ({ patch }) => hfMae(patch),

  configOf: (config, { modalities }) => {
    const { size, channels } = sizesOf(modalities);
    return {
      model_type: 'vit_mae',
      architectures: ['ViTMAEForPreTraining'],
      ...hfFields(config, size, channels),
      decoder_hidden_size: config.decoder.width,
      decoder_num_hidden_layers: config.decoder.depth,
      decoder_num_attention_heads: config.decoder.heads,
      decoder_intermediate_size: config.decoder.mlpWidth,
    };
  },
};
