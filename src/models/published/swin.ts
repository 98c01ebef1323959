/** Swin transformers of their authors. */
import type { Size2d } from '../../nn/index.js';
import { swinLayout } from '../layouts/index.js';
import { type SwinConfig, swinDefaults } from '../swin.js';
import {
  type Arguments,
  classNames,
  countOf,
  type ForeignCheckpoint,
  IMAGENET,
  imageModality,
  type PublishedLayout,
  shapeOf,
  sizesOf,
  toldArguments,
} from './published.js';
import { pairOf } from './torchArguments.js';

/** Sizes by the tensors below `prefix`: heads and windows too, which the tables of relative positions tell. */
export function swinOfTensors(checkpoint: ForeignCheckpoint, prefix = ''): Omit<SwinConfig, 'size'> {
  const { shapes } = checkpoint;
  const [width, , ...patch] = shapeOf(checkpoint, `${prefix}patch_embed.proj.weight`);
  const stages = Array.from(
    { length: countOf(checkpoint, `${prefix}layers.`) },
    (_, stage) => `${prefix}layers.${stage}.blocks.`,
  );
  const table = (stage: string) => shapeOf(checkpoint, `${stage}0.attn.relative_position_bias_table`);
  const first = `${stages[0]}0`;
  return {
    ...swinDefaults,
    patch: pairOf(patch),
    width,
    depths: stages.map((stage) => countOf(checkpoint, stage)),
    heads: stages.map((stage) => table(stage)[1]),
    window: (Math.sqrt(table(stages[0])[0]) + 1) / 2,
    mlpRatio: shapeOf(checkpoint, `${first}.mlp.fc1.weight`)[0] / width,
    qkvBias: shapes.has(`${first}.attn.qkv.bias`),
    patchNorm: shapes.has(`${prefix}patch_embed.norm.weight`),
    absolutePositions: shapes.has(`${prefix}absolute_pos_embed`),
  };
}

/** The image: as told, else the one whose last stage is a single window, which is the authors' choice. */
export function swinSize({ patch, window, depths }: Omit<SwinConfig, 'size'>, told: unknown): Size2d {
  if (told !== undefined) return pairOf(told as number | number[]);
  const factor = window * 2 ** (depths.length - 1);
  return [patch[0] * factor, patch[1] * factor];
}

export const originalSwinLayout: PublishedLayout = {
  name: 'original',
  of: "microsoft/Swin-Transformer's SwinTransformer",

  recognises: ({ shapes }) =>
    shapes.has('patch_embed.proj.weight') && shapes.has('layers.0.blocks.0.attn.relative_position_bias_table'),

  read(checkpoint) {
    const told = toldArguments(checkpoint);
    const config = swinOfTensors(checkpoint);
    const { pretrained_cfg: published } = checkpoint.config ?? {};
    const input = published?.input_size as number[] | undefined;
    const size = swinSize(config, told.img_size ?? input?.slice(1) ?? checkpoint.size);
    const classes = checkpoint.shapes.get('head.weight')?.[0];
    return {
      config,
      modalities: imageModality(size, shapeOf(checkpoint, 'patch_embed.proj.weight')[1]),
      form: classes ? 'classes' : 'encoder',
      classes: classes ? classNames(classes, checkpoint.config) : undefined,
      layout: swinLayout(config.patch),
      statistics: IMAGENET,
      remarks: [],
    };
  },

  layout: ({ patch }) => swinLayout(patch),

  configOf: (config, { classes, modalities }) => ({
    architecture: 'swin',
    num_classes: classes?.length ?? 0,
    model_args: swinArguments(config, modalities),
    ...(classes ? { label_names: classes } : {}),
  }),
};

/** Constructor arguments of the authors' class. */
export function swinArguments(config: Arguments, modalities: Parameters<typeof sizesOf>[0]): Arguments {
  const { size, channels } = sizesOf(modalities);
  return {
    img_size: size,
    patch_size: config.patch[0],
    in_chans: channels,
    embed_dim: config.width,
    depths: config.depths,
    num_heads: config.heads,
    window_size: config.window,
    mlp_ratio: config.mlpRatio,
    qkv_bias: config.qkvBias,
    patch_norm: config.patchNorm,
    ape: config.absolutePositions,
  };
}
