/** Layout of SatMAE's repository, pre-training and fine-tuning, for times and for groups of bands. */
import type { Shape } from '../../graph/index.js';
import type { Layout } from './layout.js';
import { timmBlocks } from './vit.js';

/** All classes of the repository: no two of them give different tensors the same name. */
export function satMaeLayout(patch: Shape): Layout {
  return [
    { ours: 'class_token', theirs: 'cls_token' },
    { ours: 'mask_token', theirs: 'mask_token' },
    { ours: 'positions', theirs: 'pos_embed' },
    { ours: 'part_positions', theirs: 'channel_embed' },
    { ours: 'class_part_position', theirs: 'channel_cls_embed' },
    { ours: 'decoder_positions', theirs: 'decoder_pos_embed' },
    { ours: 'decoder_part_positions', theirs: 'decoder_channel_embed' },
    { ours: 'patch_embedding', theirs: 'patch_embed.proj', kernel: patch },
    { ours: 'patch_embedding/#', theirs: 'patch_embed.#.proj', kernel: patch },
    ...timmBlocks(),
    { ours: 'norm', theirs: 'norm' },
    { ours: 'pool_norm', theirs: 'fc_norm' },
    { ours: 'head', theirs: 'head' },
    { ours: 'decoder_embedding', theirs: 'decoder_embed' },
    ...timmBlocks('decoder_blocks', 'decoder_blocks'),
    { ours: 'decoder_norm', theirs: 'decoder_norm' },
    { ours: 'decoder_prediction', theirs: 'decoder_pred' },
    { ours: 'decoder_prediction/#', theirs: 'decoder_pred.#' },
  ];
}
