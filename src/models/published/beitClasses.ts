/** BEiT by the constructor arguments of the authors' classes and of Hugging Face's. */
import { unknownName } from '../../errors/index.js';
import { patchGrid, type Size2d } from '../../nn/index.js';
import type { BeitConfig, BeitPooling } from '../beit.js';
import type { PatchSegmentationConfig } from '../patchSegmentation.js';
import { epsilonOf, pairOf, torchActivation } from './torchArguments.js';

/** What a class of the reference is made of. */
export interface BeitReference {
  layout: 'unilm' | 'hf';
  config: BeitConfig;
  head:
    | { kind: 'tokens'; vocabulary: number; ownNorm: boolean }
    | { kind: 'classes'; classes: number; pooling: BeitPooling }
    | { kind: 'segmentation'; config: PatchSegmentationConfig; auxiliaryWeight: number; ignore: number };
}

type Arguments = Record<string, unknown>;

/**
 * The model that a class of the reference (`…VisionTransformerForMaskedImageModeling`, `BeitForImageClassification`, …) makes
 * of its arguments, for images of a size.
 * @throws HiperceiverError naming a class or an argument that is not known.
 */
export function beitOfReference(entry: string, given: Arguments, size: Size2d): BeitReference {
  const name = entry.split('.').pop()!;
  if (!Object.hasOwn(CLASSES, name)) throw unknownName('class of BEiT', name, Object.keys(CLASSES));
  const reference = CLASSES[name](given);
  // Hugging Face's classes resize their tables to whatever image comes.
  if (reference.layout === 'unilm') return reference;
  const tableGrid = patchGrid(reference.config.size, reference.config.patch);
  return { ...reference, config: { ...reference.config, size, tableGrid } };
}

const CLASSES: Record<string, (given: Arguments) => BeitReference> = {
  VisionTransformerForMaskedImageModeling: (given) => {
    const config = unilmConfig(given, { maskToken: true, finalNorm: true });
    const vocabulary = Number(given.vocab_size ?? 8192);
    return { layout: 'unilm', config, head: { kind: 'tokens', vocabulary, ownNorm: false } };
  },
  VisionTransformer: (given) => {
    const pooling = (given.use_mean_pooling ?? true) ? 'mean' : 'class';
    const config = unilmConfig(given, { maskToken: false, finalNorm: pooling === 'class' });
    return { layout: 'unilm', config, head: { kind: 'classes', classes: Number(given.num_classes ?? 1000), pooling } };
  },
  BeitForMaskedImageModeling: (given) => ({
    layout: 'hf',
    config: hfConfig(given),
    head: { kind: 'tokens', vocabulary: Number(given.vocab_size ?? 8192), ownNorm: true },
  }),
  BeitForImageClassification: (given) => ({
    layout: 'hf',
    config: hfConfig(given),
    head: {
      kind: 'classes',
      classes: Number(given.num_labels ?? 2),
      pooling: (given.use_mean_pooling ?? true) ? 'mean' : 'class',
    },
  }),
  BeitForSemanticSegmentation: (given) => ({ layout: 'hf', config: hfConfig(given), head: hfSegmentation(given) }),
};

const UNILM_ARGUMENTS = new Set(
  'img_size patch_size in_chans vocab_size num_classes embed_dim depth num_heads mlp_ratio qkv_bias init_values use_abs_pos_emb use_rel_pos_bias use_shared_rel_pos_bias use_mean_pooling norm_layer drop_rate attn_drop_rate drop_path_rate init_std init_scale'.split(
    ' ',
  ),
);

function unilmConfig(given: Arguments, own: Pick<BeitConfig, 'maskToken' | 'finalNorm'>): BeitConfig {
  checkArguments(given, UNILM_ARGUMENTS);
  const width = Number(given.embed_dim ?? 768);
  return {
    ...own,
    size: sizeOf(given.img_size, 224),
    patch: sizeOf(given.patch_size, 16),
    channels: Number(given.in_chans ?? 3),
    width,
    depth: Number(given.depth ?? 12),
    heads: Number(given.num_heads ?? 12),
    mlpWidth: Math.floor(width * Number(given.mlp_ratio ?? 4)),
    qkvBias: Boolean(given.qkv_bias ?? false),
    absolutePositions: Boolean(given.use_abs_pos_emb ?? true),
    relativePositions: Boolean(given.use_rel_pos_bias ?? false),
    sharedRelativePositions: Boolean(given.use_shared_rel_pos_bias ?? false),
    layerScale: factorOf(given.init_values),
    activation: 'gelu',
    normEpsilon: epsilonOf(given.norm_layer as string | undefined, 1e-5),
    dropout: 0,
    dropPath: 0,
  };
}

const HF_ARGUMENTS = new Set(
  'hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act layer_norm_eps image_size patch_size num_channels drop_path_rate hidden_dropout_prob attention_probs_dropout_prob initializer_range vocab_size num_labels use_mask_token use_absolute_position_embeddings use_relative_position_bias use_shared_relative_position_bias use_mean_pooling layer_scale_init_value out_indices out_features pool_scales use_auxiliary_head auxiliary_loss_weight auxiliary_channels auxiliary_num_convs auxiliary_concat_input semantic_loss_ignore_index add_fpn reshape_hidden_states'.split(
    ' ',
  ),
);

function hfConfig(given: Arguments): BeitConfig {
  checkArguments(given, HF_ARGUMENTS);
  return {
    size: sizeOf(given.image_size, 224),
    patch: sizeOf(given.patch_size, 16),
    channels: Number(given.num_channels ?? 3),
    width: Number(given.hidden_size ?? 768),
    depth: Number(given.num_hidden_layers ?? 12),
    heads: Number(given.num_attention_heads ?? 12),
    mlpWidth: Number(given.intermediate_size ?? 3072),
    qkvBias: true,
    absolutePositions: Boolean(given.use_absolute_position_embeddings ?? false),
    relativePositions: Boolean(given.use_relative_position_bias ?? false),
    sharedRelativePositions: Boolean(given.use_shared_relative_position_bias ?? false),
    layerScale: factorOf(given.layer_scale_init_value ?? 0.1),
    normEpsilon: Number(given.layer_norm_eps ?? 1e-12),
    activation: torchActivation(given.hidden_act as string | undefined),
    maskToken: Boolean(given.use_mask_token ?? false),
    finalNorm: !(given.use_mean_pooling ?? true),
    dropout: 0,
    dropPath: 0,
  };
}

function hfSegmentation(given: Arguments): BeitReference['head'] {
  const indices = (given.out_indices ?? [3, 5, 7, 11]) as number[];
  const auxiliary = {
    channels: Number(given.auxiliary_channels ?? 256),
    convolutions: Number(given.auxiliary_num_convs ?? 1),
    concatInput: Boolean(given.auxiliary_concat_input ?? false),
  };
  return {
    kind: 'segmentation',
    config: {
      classes: Number(given.num_labels ?? 2),
      // The class takes hidden state k where k + 1 is asked for.
      states: [...indices].sort((a, b) => a - b).map((index) => index - 1),
      poolScales: (given.pool_scales ?? [1, 2, 3, 6]) as number[],
      auxiliary: (given.use_auxiliary_head ?? true) ? auxiliary : undefined,
    },
    auxiliaryWeight: Number(given.auxiliary_loss_weight ?? 0.4),
    ignore: Number(given.semantic_loss_ignore_index ?? 255),
  };
}

function checkArguments(given: Arguments, known: ReadonlySet<string>): void {
  for (const name of Object.keys(given)) if (!known.has(name)) throw unknownName('argument of BEiT', name, known);
}

/** Layer scale: none where the reference's value is absent, null, or not above 0. */
function factorOf(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}

function sizeOf(value: unknown, otherwise: number): Size2d {
  return pairOf((value ?? otherwise) as number | number[]);
}
