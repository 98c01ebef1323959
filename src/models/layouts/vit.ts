/** Layouts of the vision transformer: timm's (which DeiT, MAE and BEiT began with) and Hugging Face's. */
import type { Shape } from '../../graph/index.js';
import type { Layout } from './layout.js';

/** timm's names of the transformer blocks below `theirs` (`blocks`, `decoder_blocks`); ours are below `ours`. */
export function timmBlocks(ours = 'blocks', theirs = 'blocks'): Layout {
  const rule = (from: string, to: string) => ({ ours: `${ours}/#/${from}`, theirs: `${theirs}.#.${to}` });
  const third = (name: string, index: number) => ({
    ...rule(`attention/${name}`, 'attn.qkv'),
    part: { index, count: 3 },
  });
  return [
    rule('norm_1', 'norm1'),
    third('query', 0),
    third('key', 1),
    third('value', 2),
    rule('attention/output', 'attn.proj'),
    rule('layer_scale_1', 'ls1.gamma'),
    rule('norm_2', 'norm2'),
    rule('mlp/hidden', 'mlp.fc1'),
    rule('mlp/output', 'mlp.fc2'),
    rule('layer_scale_2', 'ls2.gamma'),
  ];
}

/** Hugging Face's names of the transformer blocks below `theirs` (`vit.encoder.layer`, `decoder.decoder_layers`). */
export function hfBlocks(ours = 'blocks', theirs = 'vit.encoder.layer'): Layout {
  const rule = (from: string, to: string) => ({ ours: `${ours}/#/${from}`, theirs: `${theirs}.#.${to}` });
  return [
    rule('norm_1', 'layernorm_before'),
    rule('attention/query', 'attention.attention.query'),
    rule('attention/key', 'attention.attention.key'),
    rule('attention/value', 'attention.attention.value'),
    rule('attention/output', 'attention.output.dense'),
    rule('norm_2', 'layernorm_after'),
    rule('mlp/hidden', 'intermediate.dense'),
    rule('mlp/output', 'output.dense'),
  ];
}

/** timm's `VisionTransformer`. */
export function timmVit(patch: Shape): Layout {
  return [
    { ours: 'class_token', theirs: 'cls_token' },
    { ours: 'positions', theirs: 'pos_embed' },
    { ours: 'patch_embedding', theirs: 'patch_embed.proj', kernel: patch },
    { ours: 'norm_pre', theirs: 'norm_pre' },
    ...timmBlocks(),
    { ours: 'norm', theirs: 'norm' },
    { ours: 'pool_norm', theirs: 'fc_norm' },
    { ours: 'head', theirs: 'head' },
  ];
}

/** Hugging Face's `ViTModel` below `prefix`: `vit.` in the classes with a head, nothing where it stands alone. */
export function hfVit(patch: Shape, prefix = 'vit.'): Layout {
  return [
    { ours: 'class_token', theirs: `${prefix}embeddings.cls_token` },
    { ours: 'positions', theirs: `${prefix}embeddings.position_embeddings` },
    { ours: 'patch_embedding', theirs: `${prefix}embeddings.patch_embeddings.projection`, kernel: patch },
    ...hfBlocks('blocks', `${prefix}encoder.layer`),
    { ours: 'norm', theirs: `${prefix}layernorm` },
    { ours: 'pooler', theirs: `${prefix}pooler.dense` },
    { ours: 'head', theirs: 'classifier' },
  ];
}
