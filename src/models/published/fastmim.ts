/** FastMIM of its authors: vision and Swin transformers as encoders. */
import { unknownName } from '../../errors/index.js';
import type { FastMimConfig, FastMimTarget } from '../fastmim.js';
import { FASTMIM_HOG } from '../fastmim.js';
import { fastMimSwin, fastMimVit } from '../layouts/index.js';
import { type SwinConfig, swinDefaults } from '../swin.js';
import { vitDefaults } from '../vit.js';
import {
  type Arguments,
  countOf,
  headsOf,
  IMAGENET,
  imageModality,
  type PublishedLayout,
  shapeOf,
  sizeOfTable,
  sizesOf,
  toldArguments,
} from './published.js';
import { swinArguments, swinOfTensors, swinSize } from './swin.js';
import { epsilonOf, layerNorm, pairOf } from './torchArguments.js';

/** Our targets by the reference's `mim_loss`. */
const TARGETS: Record<string, FastMimTarget> = { l2: 'pixels', HOG: 'hog' };

/** The reference's arguments, with its defaults. A Swin transformer is told by its list of depths. */
export function fastMimOfOriginal(c: Arguments): FastMimConfig {
  const { mim_loss: mimLoss = 'l2' } = c;
  if (!Object.hasOwn(TARGETS, mimLoss)) throw unknownName('mim_loss', mimLoss, Object.keys(TARGETS));
  const isSwin = c.depths !== undefined || c.window_size !== undefined;
  const size = pairOf(c.img_size ?? 224);
  const decoderWidth: number = c.decoder_embed_dim ?? 512;
  return {
    size,
    encoder: isSwin ? { kind: 'swin', swin: swinOf(c) } : { kind: 'vit', vit: vitOf(c) },
    token: c.patch_size ?? 16,
    block: c.block_size ?? (isSwin ? 32 : 16),
    target: TARGETS[mimLoss],
    decoder: {
      width: decoderWidth,
      depth: c.decoder_depth ?? 8,
      mlpWidth: Math.trunc(decoderWidth * (c.mlp_ratio ?? 4)),
      qkvBias: isSwin ? (c.qkv_bias ?? false) : true,
      normEpsilon: isSwin ? 1e-5 : epsilonOf(c.norm_layer, 1e-5),
    },
  };
}

function vitOf(c: Arguments) {
  const width: number = c.embed_dim ?? 1024;
  return {
    ...vitDefaults,
    patch: pairOf(c.patch_size ?? 16),
    width,
    depth: c.depth ?? 24,
    heads: c.num_heads ?? 16,
    mlpWidth: Math.trunc(width * (c.mlp_ratio ?? 4)),
    normEpsilon: epsilonOf(c.norm_layer, 1e-5),
  };
}

/** `mlp_ratio` and `qkv_bias` reach the decoder alone. */
function swinOf(c: Arguments): SwinConfig {
  return {
    ...swinDefaults,
    size: pairOf(c.img_size ?? 224),
    width: c.embed_dim ?? 96,
    depths: c.depths ?? [2, 2, 18, 2],
    heads: c.num_heads ?? [3, 6, 12, 24],
    window: c.window_size ?? 7,
    patchNorm: c.patch_norm ?? true,
    absolutePositions: c.ape ?? false,
    shifted: c.shifted ?? true,
  };
}

/** Half the usual number of heads, as the authors' vision transformer has. */
const VIT_SIZES = { B: { width: 768, depth: 12, heads: 6 } };

/** The authors' layout; the mask's colour `[1, 3, 1, 1]` tells it from all others. */
export const fastMimPublished: PublishedLayout = {
  name: 'original',
  of: "ggjy/FastMIM.pytorch's MaskedAutoencoderViT and PretrainSwin",

  recognises: ({ shapes }) => shapes.get('mask_token')?.length === 4,

  read(checkpoint) {
    const { shapes } = checkpoint;
    const remarks: string[] = [];
    const told = toldArguments(checkpoint);
    const isSwin = shapes.has('encoder.patch_embed.proj.weight');
    const [width, channels, ...patch] = shapeOf(checkpoint, `${isSwin ? 'encoder.' : ''}patch_embed.proj.weight`);
    const swin = isSwin ? swinOfTensors(checkpoint, 'encoder.') : undefined;
    const depth = countOf(checkpoint, 'blocks.');
    const size = swin
      ? swinSize(swin, told.img_size ?? checkpoint.size)
      : sizeOfTable(shapeOf(checkpoint, 'pos_embed')[1] - 1, pairOf(patch), told.img_size ?? checkpoint.size);
    const token = swin ? swin.patch[0] * 2 ** (swin.depths.length - 1) : patch[0];
    const [values, decoderWidth] = shapeOf(checkpoint, 'decoder_pred.weight');
    const isHog = values === Math.floor(token / FASTMIM_HOG.cell) ** 2 * FASTMIM_HOG.bins * 3;
    const config = fastMimOfOriginal({
      img_size: size,
      patch_size: token,
      ...(swin
        ? { depths: swin.depths }
        : {
            embed_dim: width,
            depth,
            num_heads: headsOf(told.num_heads, { width, depth }, VIT_SIZES, remarks),
            mlp_ratio: shapeOf(checkpoint, 'blocks.0.mlp.fc1.weight')[0] / width,
          }),
      norm_layer: told.norm_layer ?? 'LayerNorm(eps=1e-6)',
      block_size: told.block_size ?? token,
      mim_loss: told.mim_loss ?? (isHog ? 'HOG' : 'l2'),
      decoder_embed_dim: decoderWidth,
      decoder_depth: countOf(checkpoint, 'decoder_blocks.'),
    });
    const hidden = shapes.get('decoder_blocks.0.mlp.fc1.weight')?.[0];
    const { size: _, encoder, decoder, ...rest } = config;
    return {
      config: {
        ...rest,
        encoder: swin ? { kind: 'swin', swin } : encoder,
        decoder: {
          ...decoder,
          mlpWidth: hidden ?? decoder.mlpWidth,
          qkvBias: decoder.depth === 0 ? decoder.qkvBias : shapes.has('decoder_blocks.0.attn.qkv.bias'),
        },
      },
      modalities: imageModality(size, channels),
      form: 'pretraining',
      layout: swin ? fastMimSwin(swin.patch) : fastMimVit(pairOf(patch)),
      statistics: IMAGENET,
      remarks,
    };
  },

  layout: ({ encoder }) => (encoder.kind === 'vit' ? fastMimVit(encoder.vit.patch) : fastMimSwin(encoder.swin.patch)),

  configOf: ({ encoder, token, block, target, decoder }, { modalities }) => ({
    model_args: {
      ...(encoder.kind === 'swin'
        ? { ...swinArguments(encoder.swin, modalities), patch_size: token }
        : {
            img_size: sizesOf(modalities).size,
            patch_size: token,
            embed_dim: encoder.vit.width,
            depth: encoder.vit.depth,
            num_heads: encoder.vit.heads,
            mlp_ratio: encoder.vit.mlpWidth / encoder.vit.width,
          }),
      norm_layer: layerNorm(encoder.kind === 'vit' ? encoder.vit.normEpsilon : decoder.normEpsilon),
      block_size: block,
      mim_loss: target === 'hog' ? 'HOG' : 'l2',
      decoder_embed_dim: decoder.width,
      decoder_depth: decoder.depth,
    },
  }),
};
