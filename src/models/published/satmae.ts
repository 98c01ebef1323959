/** SatMAE of its authors: groups of bands, and several times. */
import { satMaeLayout } from '../layouts/index.js';
import type { SatMaeConfig } from '../satmae.js';
import { SENTINEL_GROUPS, satMaeVariants } from '../satmaeVariants.js';
import { TIME_COMPONENTS } from '../timestamps.js';
import {
  type Arguments,
  classNames,
  countOf,
  type ForeignCheckpoint,
  headsOf,
  imageModality,
  type PublishedLayout,
  shapeOf,
  sizeOfTable,
  sizesOf,
  toldArguments,
} from './published.js';
import { epsilonOf, layerNorm, pairOf } from './torchArguments.js';

/** Images of one place in the authors' models. */
export const SATMAE_TIMES = 3;
/** Channels of a component of the timestamp, and of a group's number: the authors' constants and defaults. */
const TIME_WIDTHS = { encoder: 128, decoder: 64 };
const GROUP_WIDTHS = { encoder: 256, decoder: 128 };

/** Mean and deviation of fMoW's pictures (the authors' `util/datasets.py`). */
const FMOW = { mean: [0.4182, 0.4215, 0.3991], std: [0.2877, 0.2754, 0.2764] };

/** The arguments of the authors' classes, with their defaults; a classifier is told by `num_classes`. */
export function satMaeOfOriginal(c: Arguments, { isTemporal }: { isTemporal: boolean }): SatMaeConfig {
  const stack = (part: 'encoder' | 'decoder', sizes: { width: number; depth: number; heads: number }) => ({
    ...sizes,
    mlpWidth: Math.trunc(sizes.width * (c.mlp_ratio ?? 4)),
    partWidth: isTemporal
      ? TIME_COMPONENTS * (c[part === 'encoder' ? 'timeDimEncoder' : 'timeDimDecoder'] ?? TIME_WIDTHS[part])
      : (c[part === 'encoder' ? 'channel_embed' : 'decoder_channel_embed'] ?? GROUP_WIDTHS[part]),
  });
  const isClassifier = c.num_classes !== undefined;
  return {
    ...stack('encoder', {
      width: c.embed_dim ?? (isClassifier ? 768 : 1024),
      depth: c.depth ?? (isClassifier ? 12 : 24),
      heads: c.num_heads ?? (isClassifier ? 12 : 16),
    }),
    decoder: stack('decoder', {
      width: c.decoder_embed_dim ?? 512,
      depth: c.decoder_depth ?? 8,
      heads: c.decoder_num_heads ?? 16,
    }),
    size: pairOf(c.img_size ?? 224),
    patch: pairOf(c.patch_size ?? 16),
    qkvBias: c.qkv_bias ?? true,
    normEpsilon: epsilonOf(c.norm_layer, 1e-5),
    parts: isTemporal
      ? { kind: 'times', count: SATMAE_TIMES, channels: c.in_chans ?? 3 }
      : { kind: 'groups', groups: c.channel_groups ?? SENTINEL_GROUPS },
  };
}

/** Bands of each group: as told, the authors' where the sizes are theirs, else counted through, which is said. */
function groupsOf(checkpoint: ForeignCheckpoint, told: Arguments, remarks: string[]): number[][] {
  const given = told.channel_groups ?? told.grouped_bands;
  if (Array.isArray(given) && given.length > 0) return given;
  const sizes = Array.from({ length: countOf(checkpoint, 'patch_embed.') }, (_, g) =>
    Number(shapeOf(checkpoint, `patch_embed.${g}.proj.weight`)[1]),
  );
  if (sizes.join() === SENTINEL_GROUPS.map((group) => group.length).join()) return SENTINEL_GROUPS.map((g) => [...g]);
  let next = 0;
  const groups = sizes.map((count) => Array.from({ length: count }, () => next++));
  remarks.push(`Which bands are in which group is told nowhere: they were counted through, ${JSON.stringify(groups)}.`);
  return groups;
}

const isTemporalBy = ({ shapes }: ForeignCheckpoint) => !shapes.has('channel_embed');

/** The authors' layout. Their fixed tables are narrower than the tokens, which tells them from MAE's. */
export const satMaePublished: PublishedLayout = {
  name: 'original',
  of: "sustainlab-group/SatMAE's classes",

  recognises: ({ shapes }) => {
    const embedding = shapes.get('patch_embed.proj.weight') ?? shapes.get('patch_embed.0.proj.weight');
    return (
      shapes.has('blocks.0.attn.qkv.weight') &&
      (shapes.has('channel_embed') ||
        (embedding && shapes.get('pos_embed') ? shapes.get('pos_embed')![2] < embedding[0] : false))
    );
  },

  read(checkpoint) {
    const { shapes } = checkpoint;
    const remarks: string[] = [];
    const told = toldArguments(checkpoint);
    const isTemporal = isTemporalBy(checkpoint);
    const first = isTemporal ? 'patch_embed.proj.weight' : 'patch_embed.0.proj.weight';
    const [width, channels, ...patch] = shapeOf(checkpoint, first);
    const depth = countOf(checkpoint, 'blocks.');
    const classes = shapes.get('head.weight')?.[0];
    const narrow = (name: string, of: number) => (of - (shapes.get(name)?.[2] ?? of)) / TIME_COMPONENTS;
    const decoderWidth = shapes.get('decoder_embed.weight')?.[0] ?? 512;
    const groups = isTemporal ? undefined : groupsOf(checkpoint, told, remarks);
    const heads = headsOf(told.num_heads, { width, depth }, satMaeVariants, remarks);
    const config = satMaeOfOriginal(
      {
        embed_dim: width,
        depth,
        num_heads: heads,
        mlp_ratio: shapeOf(checkpoint, 'blocks.0.mlp.fc1.weight')[0] / width,
        patch_size: patch,
        qkv_bias: shapes.has('blocks.0.attn.qkv.bias'),
        norm_layer: told.norm_layer ?? 'LayerNorm(eps=1e-6)',
        channel_groups: groups,
        channel_embed: shapes.get('channel_embed')?.[2],
        ...(isTemporal && { timeDimEncoder: narrow('pos_embed', width) }),
        decoder_embed_dim: decoderWidth,
        decoder_num_heads:
          told.decoder_num_heads ?? (decoderWidth === 512 ? 16 : Math.max(1, Math.round(decoderWidth / 32))),
        ...(shapes.has('decoder_pos_embed') && {
          decoder_depth: countOf(checkpoint, 'decoder_blocks.'),
          decoder_channel_embed: shapes.get('decoder_channel_embed')?.[2],
          timeDimDecoder: narrow('decoder_pos_embed', decoderWidth),
        }),
      },
      { isTemporal },
    );
    const { size: _, parts, ...rest } = config;
    const size = sizeOfTable(shapeOf(checkpoint, 'pos_embed')[1] - 1, config.patch, told.img_size ?? checkpoint.size);
    const bands = groups ? Math.max(...groups.flat()) + 1 : channels;
    return {
      config: {
        ...rest,
        parts: parts.kind === 'times' ? { kind: 'times' } : parts,
        ...(classes && !shapes.has('fc_norm.weight') && { pooling: 'token' }),
      },
      modalities: isTemporal
        ? [{ name: 'video', indexShape: [SATMAE_TIMES, ...size], channels }]
        : imageModality(size, bands),
      form: classes ? 'classes' : 'pretraining',
      classes: classes ? classNames(classes, checkpoint.config) : undefined,
      layout: satMaeLayout(config.patch),
      statistics: isTemporal ? FMOW : { mean: new Array<number>(bands).fill(0), std: new Array<number>(bands).fill(1) },
      remarks,
    };
  },

  layout: ({ patch }) => satMaeLayout(patch),

  configOf: (config, { form, classes, modalities }) => ({
    model_args: {
      img_size: sizesOf(modalities).size,
      patch_size: config.patch,
      in_chans: sizesOf(modalities).channels,
      embed_dim: config.width,
      norm_layer: layerNorm(config.normEpsilon),
      depth: config.depth,
      num_heads: config.heads,
      mlp_ratio: config.mlpWidth / config.width,
      ...(config.parts.kind === 'groups' && { channel_groups: config.parts.groups, channel_embed: config.partWidth }),
      ...(form === 'classes'
        ? { num_classes: classes?.length, global_pool: config.pooling !== 'token' }
        : {
            decoder_embed_dim: config.decoder.width,
            decoder_depth: config.decoder.depth,
            decoder_num_heads: config.decoder.heads,
          }),
    },
    ...(classes ? { label_names: classes } : {}),
  }),
};
