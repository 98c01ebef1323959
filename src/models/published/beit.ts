/** BEiT of its authors (unilm) and of Hugging Face. */
import { ensure } from '../../errors/index.js';
import { patchGrid, type Size2d } from '../../nn/index.js';
import type { BeitConfig } from '../beit.js';
import { beitVariants } from '../beitVariants.js';
import { hfBeit, type Layout, unilmBeit } from '../layouts/index.js';
import { beitOfReference } from './beitClasses.js';
import {
  type Arguments,
  classNames,
  countOf,
  type ForeignCheckpoint,
  type Form,
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
import { layerNorm, pairOf } from './torchArguments.js';
import { hfFields } from './vit.js';

/** Rows of a table of relative positions that belong to the class token. */
const CLASS_ROWS = 3;

/** Rows and columns of patches that a table of relative positions is for: a square. */
function gridRows(rows: number): number {
  return ((Math.sqrt(rows - CLASS_ROWS) + 1) / 2) ** 2;
}

/** Image size by whatever table of positions there is. */
function sizeBy(
  tables: readonly [relative: number | undefined, absolute: number | undefined],
  patch: Size2d,
  told: unknown,
) {
  const [relative, absolute] = tables;
  ensure(
    told !== undefined || relative !== undefined || absolute !== undefined,
    () => 'The checkpoint has no positions, which would tell the size of its images: say it with --input.',
  );
  return sizeOfTable(relative !== undefined ? gridRows(relative) : (absolute ?? 1) - 1, patch, told);
}

/** Our configuration without what the input tells. */
function withoutSize({ size: _, channels: __, ...config }: BeitConfig): Arguments {
  return config;
}

export const unilmBeitLayout: PublishedLayout = {
  name: 'original',
  of: "microsoft/unilm's VisionTransformer and VisionTransformerForMaskedImageModeling",

  recognises: ({ shapes }) =>
    shapes.has('patch_embed.proj.weight') &&
    shapes.has('blocks.0.attn.qkv.weight') &&
    ['blocks.0.attn.q_bias', 'blocks.0.gamma_1', 'rel_pos_bias.relative_position_bias_table', 'lm_head.weight'].some(
      (name) => shapes.has(name),
    ),

  read(checkpoint) {
    const { shapes } = checkpoint;
    const remarks: string[] = [];
    const told = toldArguments(checkpoint);
    const [width, channels, ...patch] = shapeOf(checkpoint, 'patch_embed.proj.weight');
    const depth = countOf(checkpoint, 'blocks.');
    const shared = shapes.get('rel_pos_bias.relative_position_bias_table');
    const own = shapes.get('blocks.0.attn.relative_position_bias_table');
    const isMasked = shapes.has('mask_token') || shapes.has('lm_head.weight');
    const classes = shapes.get('head.weight')?.[0];
    const heads = (shared ?? own)?.[1] ?? headsOf(told.num_heads, { width, depth }, beitVariants, remarks);
    const tables = [(shared ?? own)?.[0], shapes.get('pos_embed')?.[1]] as const;
    const size = sizeBy(tables, pairOf(patch), told.img_size ?? checkpoint.size);
    const entry = isMasked ? 'VisionTransformerForMaskedImageModeling' : 'VisionTransformer';
    const { config } = beitOfReference(
      entry,
      {
        img_size: size,
        patch_size: patch,
        in_chans: channels,
        embed_dim: width,
        depth,
        num_heads: heads,
        mlp_ratio: shapeOf(checkpoint, 'blocks.0.mlp.fc1.weight')[0] / width,
        qkv_bias: shapes.has('blocks.0.attn.q_bias'),
        init_values: shapes.has('blocks.0.gamma_1')
          ? (told.init_values ?? told.layer_scale_init_value ?? 0.1)
          : undefined,
        use_abs_pos_emb: shapes.has('pos_embed'),
        use_rel_pos_bias: own !== undefined,
        use_shared_rel_pos_bias: shared !== undefined,
        use_mean_pooling: shapes.has('fc_norm.weight'),
        norm_layer: told.norm_layer ?? 'LayerNorm(eps=1e-6)',
      },
      size,
    );
    return {
      config: {
        ...withoutSize(config),
        ...(isMasked ? { vocabulary: shapes.get('lm_head.weight')?.[0] ?? 8192 } : {}),
        ...(classes && !shapes.has('fc_norm.weight') ? { pooling: 'class' } : {}),
      },
      modalities: imageModality(size, channels),
      form: isMasked ? 'pretraining' : classes ? 'classes' : 'encoder',
      classes: !isMasked && classes ? classNames(classes, checkpoint.config) : undefined,
      layout: unilmBeit(config.patch),
      statistics: SYMMETRIC,
      remarks,
    };
  },

  layout: ({ patch }) => unilmBeit(patch),

  configOf: (config, { classes, modalities }) => ({
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
      init_values: config.layerScale,
      use_abs_pos_emb: config.absolutePositions,
      use_rel_pos_bias: config.relativePositions,
      use_shared_rel_pos_bias: config.sharedRelativePositions,
      ...(config.vocabulary === undefined
        ? { num_classes: classes?.length ?? 0, use_mean_pooling: config.pooling !== 'class' }
        : { vocab_size: config.vocabulary }),
    },
    ...(classes ? { label_names: classes } : {}),
  }),
};

/** The fields of `BeitConfig` that our reader of its arguments knows; `config.json` holds many more. */
const HF_FIELDS =
  'hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act layer_norm_eps image_size patch_size num_channels vocab_size use_mask_token use_absolute_position_embeddings use_relative_position_bias use_shared_relative_position_bias use_mean_pooling layer_scale_init_value out_indices pool_scales use_auxiliary_head auxiliary_channels auxiliary_num_convs auxiliary_concat_input'.split(
    ' ',
  );

const HF_CLASSES: Record<Exclude<Form, 'encoder'>, string> = {
  pretraining: 'BeitForMaskedImageModeling',
  classes: 'BeitForImageClassification',
  segmentation: 'BeitForSemanticSegmentation',
};

function formOfHf({ shapes }: ForeignCheckpoint): Form {
  if (shapes.has('decode_head.classifier.weight')) return 'segmentation';
  if (shapes.has('lm_head.weight')) return 'pretraining';
  return shapes.has('classifier.weight') ? 'classes' : 'encoder';
}

/** Hugging Face has the norm in front of the head of masked images outside the transformer; here it is its last norm. */
function layoutOfHf(patch: Size2d, form: Form): Layout {
  return form === 'pretraining' ? [{ ours: 'norm', theirs: 'layernorm' }, ...hfBeit(patch)] : hfBeit(patch);
}

export const hfBeitLayout: PublishedLayout = {
  name: 'hf',
  of: "Hugging Face's BeitFor… classes",
  segments: true,

  recognises: (checkpoint) =>
    checkpoint.config?.model_type !== undefined
      ? isHf(checkpoint, 'beit')
      : checkpoint.shapes.has('beit.embeddings.cls_token'),

  read(checkpoint) {
    const { config: c = {}, shapes } = checkpoint;
    const remarks: string[] = [];
    const form = formOfHf(checkpoint);
    const [width, channels, ...patch] = shapeOf(checkpoint, 'beit.embeddings.patch_embeddings.projection.weight');
    const depth = countOf(checkpoint, 'beit.encoder.layer.');
    const table = 'relative_position_bias.relative_position_bias_table';
    const shared = shapes.get(`beit.encoder.${table}`);
    const own = shapes.get(`beit.encoder.layer.0.attention.attention.${table}`);
    const tables = [(shared ?? own)?.[0], shapes.get('beit.embeddings.position_embeddings')?.[1]] as const;
    const size = sizeBy(tables, pairOf(patch), c.image_size ?? checkpoint.size);
    const heads = (shared ?? own)?.[1] ?? headsOf(c.num_attention_heads, { width, depth }, beitVariants, remarks);
    const told = Object.fromEntries(HF_FIELDS.filter((key) => c[key] !== undefined).map((key) => [key, c[key]]));
    const classes = shapes.get(form === 'segmentation' ? 'decode_head.classifier.weight' : 'classifier.weight')?.[0];
    const reference = beitOfReference(
      HF_CLASSES[form === 'encoder' ? 'classes' : form],
      {
        ...told,
        hidden_size: width,
        num_hidden_layers: depth,
        num_attention_heads: heads,
        intermediate_size: shapeOf(checkpoint, 'beit.encoder.layer.0.intermediate.dense.weight')[0],
        image_size: size,
        patch_size: patch,
        num_channels: channels,
        num_labels: classes,
        use_mask_token: shapes.has('beit.embeddings.mask_token'),
        use_absolute_position_embeddings: tables[1] !== undefined,
        use_relative_position_bias: own !== undefined,
        use_shared_relative_position_bias: shared !== undefined,
        ...(shapes.has('beit.layernorm.weight') ? { use_mean_pooling: false } : {}),
      },
      size,
    );
    const { head } = reference;
    const config = withoutSize(reference.config);
    // Hugging Face resizes tables of windows that are not square even to their own size.
    const grid = patchGrid(size, pairOf(patch));
    const isSquare = grid[0] === grid[1];
    return {
      config: {
        ...config,
        ...(isSquare || !(own ?? shared) ? { tableGrid: undefined } : {}),
        ...(form === 'pretraining' ? { vocabulary: shapes.get('lm_head.weight')![0], finalNorm: true } : {}),
        ...(form === 'classes' && !shapes.has('beit.pooler.layernorm.weight') ? { pooling: 'class' } : {}),
        ...(head.kind === 'segmentation' ? { segmentation: withoutClasses(head.config) } : {}),
      },
      modalities: imageModality(size, channels),
      form,
      classes: classes ? classNames(classes, c) : undefined,
      layout: layoutOfHf(pairOf(patch), form),
      statistics: SYMMETRIC,
      remarks,
    };
  },

  layout: ({ patch }, form) => layoutOfHf(patch, form),

  configOf: (config, { form, classes, modalities }) => {
    const { size, channels } = sizesOf(modalities);
    const { qkv_bias: _, ...fields } = hfFields(config, size, channels);
    const { segmentation } = config;
    return {
      model_type: 'beit',
      architectures: [form === 'encoder' ? 'BeitModel' : HF_CLASSES[form]],
      ...fields,
      use_mask_token: config.maskToken,
      use_absolute_position_embeddings: config.absolutePositions,
      use_relative_position_bias: config.relativePositions,
      use_shared_relative_position_bias: config.sharedRelativePositions,
      layer_scale_init_value: config.layerScale ?? 0,
      use_mean_pooling: config.pooling !== 'class',
      ...(config.vocabulary === undefined ? {} : { vocab_size: config.vocabulary }),
      ...(segmentation
        ? {
            out_indices: segmentation.states.map((k: number) => k + 1),
            pool_scales: segmentation.poolScales,
            use_auxiliary_head: segmentation.auxiliary !== undefined,
            ...(segmentation.auxiliary && {
              auxiliary_channels: segmentation.auxiliary.channels,
              auxiliary_num_convs: segmentation.auxiliary.convolutions,
              auxiliary_concat_input: segmentation.auxiliary.concatInput,
            }),
          }
        : {}),
      ...hfLabels(classes),
    };
  },
};

function withoutClasses({ classes: _, ...heads }: Arguments): Arguments {
  return heads;
}
