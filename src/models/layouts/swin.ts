/** Layout of the Swin transformer in its authors' repository, which FastMIM's encoder has too. */
import type { Shape } from '../../graph/index.js';
import type { Layout } from './layout.js';
import { timmBlocks } from './vit.js';

/** Names below `ours` (`encoder/`, or nothing) and `theirs` (`encoder.`, or nothing). */
export function swinLayout(patch: Shape, ours = '', theirs = ''): Layout {
  const blocks = `${ours}stages/#/blocks`;
  return [
    { ours: `${ours}patch_embedding`, theirs: `${theirs}patch_embed.proj`, kernel: patch },
    { ours: `${ours}patch_norm`, theirs: `${theirs}patch_embed.norm` },
    { ours: `${ours}positions`, theirs: `${theirs}absolute_pos_embed` },
    ...timmBlocks(blocks, `${theirs}layers.#.blocks`),
    {
      ours: `${blocks}/#/attention/relative_positions`,
      theirs: `${theirs}layers.#.blocks.#.attn.relative_position_bias_table`,
    },
    { ours: `${ours}stages/#/merge/norm`, theirs: `${theirs}layers.#.downsample.norm` },
    { ours: `${ours}stages/#/merge/reduction`, theirs: `${theirs}layers.#.downsample.reduction` },
    { ours: `${ours}norm`, theirs: `${theirs}norm` },
    { ours: `${ours}head`, theirs: `${theirs}head` },
  ];
}
