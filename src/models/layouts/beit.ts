/** Layouts of BEiT: the authors' (unilm) and Hugging Face's; and of DALL-E's discrete auto-encoder. */
import type { Shape } from '../../graph/index.js';
import type { Layout } from './layout.js';
import { hfBlocks, timmBlocks } from './vit.js';

/** The repository's `VisionTransformer` for fine-tuning, and the one for masked images. */
export function unilmBeit(patch: Shape): Layout {
  return [
    { ours: 'class_token', theirs: 'cls_token' },
    { ours: 'mask_token', theirs: 'mask_token' },
    { ours: 'positions', theirs: 'pos_embed' },
    { ours: 'patch_embedding', theirs: 'patch_embed.proj', kernel: patch },
    { ours: 'relative_positions', theirs: 'rel_pos_bias.relative_position_bias_table' },
    { ours: 'blocks/#/attention/relative_positions', theirs: 'blocks.#.attn.relative_position_bias_table' },
    { ours: 'blocks/#/attention/query/b', theirs: 'blocks.#.attn.q_bias' },
    { ours: 'blocks/#/attention/value/b', theirs: 'blocks.#.attn.v_bias' },
    { ours: 'blocks/#/layer_scale_1', theirs: 'blocks.#.gamma_1' },
    { ours: 'blocks/#/layer_scale_2', theirs: 'blocks.#.gamma_2' },
    ...timmBlocks(),
    { ours: 'norm', theirs: 'norm' },
    { ours: 'pool_norm', theirs: 'fc_norm' },
    { ours: 'token_head', theirs: 'lm_head' },
    { ours: 'head', theirs: 'head' },
  ];
}

/** What all of Hugging Face's classes have below `beit.`. */
export function hfBeit(patch: Shape): Layout {
  const table = 'relative_position_bias.relative_position_bias_table';
  const layer = 'beit.encoder.layer';
  return [
    { ours: 'class_token', theirs: 'beit.embeddings.cls_token' },
    { ours: 'mask_token', theirs: 'beit.embeddings.mask_token' },
    { ours: 'positions', theirs: 'beit.embeddings.position_embeddings' },
    { ours: 'patch_embedding', theirs: 'beit.embeddings.patch_embeddings.projection', kernel: patch },
    { ours: 'relative_positions', theirs: `beit.encoder.${table}` },
    { ours: 'blocks/#/attention/relative_positions', theirs: `${layer}.#.attention.attention.${table}` },
    { ours: 'blocks/#/layer_scale_1', theirs: `${layer}.#.lambda_1` },
    { ours: 'blocks/#/layer_scale_2', theirs: `${layer}.#.lambda_2` },
    ...hfBlocks('blocks', layer),
    { ours: 'norm', theirs: 'beit.layernorm' },
    { ours: 'pool_norm', theirs: 'beit.pooler.layernorm' },
    // The norm before the head of masked-image modelling, and that head.
    { ours: 'token_norm', theirs: 'layernorm' },
    { ours: 'token_head', theirs: 'lm_head' },
    { ours: 'head', theirs: 'classifier' },
    ...segmentationHeads,
  ];
}

const segmentationHeads: Layout = [
  { ours: 'fourfold/first', theirs: 'fpn1.0' },
  { ours: 'fourfold/norm', theirs: 'fpn1.1' },
  { ours: 'fourfold/second', theirs: 'fpn1.3' },
  { ours: 'twofold', theirs: 'fpn2.0' },
  ...units('decode_head/pools/#', 'decode_head.psp_modules.#.1'),
  ...units('decode_head/laterals/#', 'decode_head.lateral_convs.#'),
  ...units('decode_head/bottleneck', 'decode_head.bottleneck'),
  ...units('decode_head/outputs/#', 'decode_head.fpn_convs.#'),
  ...units('decode_head/joined', 'decode_head.fpn_bottleneck'),
  ...units('auxiliary_head/convs/#', 'auxiliary_head.convs.#'),
  ...units('auxiliary_head/joined', 'auxiliary_head.conv_cat'),
  { ours: 'decode_head/classifier', theirs: 'decode_head.classifier' },
  { ours: 'auxiliary_head/classifier', theirs: 'auxiliary_head.classifier' },
];

/** A convolution and its batch norm. */
function units(ours: string, theirs: string): Layout {
  return [
    { ours: `${ours}/conv`, theirs: `${theirs}.conv` },
    { ours: `${ours}/norm`, theirs: `${theirs}.bn` },
  ];
}

/** DALL-E's encoder and decoder. */
export const dalleVae: Layout = [
  ['input', 'input'],
  ['#/#/id_path', '#.#.id_path'],
  ['#/#/res_path/#', '#.#.res_path.#'],
  ['output/conv', 'output.conv'],
].flatMap(([ours, theirs]) => [
  { ours: `blocks/${ours}/kernel`, theirs: `blocks.${theirs}.w` },
  { ours: `blocks/${ours}/b`, theirs: `blocks.${theirs}.b` },
]);
