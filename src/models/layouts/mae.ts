/** Layouts of masked auto-encoders: the authors' repository and Hugging Face's. */
import type { Shape } from '../../graph/index.js';
import type { Layout } from './layout.js';
import { hfBlocks, hfVit, timmBlocks, timmVit } from './vit.js';

/** facebookresearch/mae, pre-training and fine-tuning: no two of its classes give different tensors the same name. */
export function originalMae(patch: Shape): Layout {
  return [
    ...timmVit(patch),
    { ours: 'mask_token', theirs: 'mask_token' },
    { ours: 'decoder_positions', theirs: 'decoder_pos_embed' },
    { ours: 'decoder_embedding', theirs: 'decoder_embed' },
    ...timmBlocks('decoder_blocks', 'decoder_blocks'),
    { ours: 'decoder_norm', theirs: 'decoder_norm' },
    { ours: 'decoder_prediction', theirs: 'decoder_pred' },
  ];
}

/** Hugging Face's `ViTMAEForPreTraining`. */
export function hfMae(patch: Shape): Layout {
  return [
    ...hfVit(patch),
    { ours: 'mask_token', theirs: 'decoder.mask_token' },
    { ours: 'decoder_positions', theirs: 'decoder.decoder_pos_embed' },
    { ours: 'decoder_embedding', theirs: 'decoder.decoder_embed' },
    ...hfBlocks('decoder_blocks', 'decoder.decoder_layers'),
    { ours: 'decoder_norm', theirs: 'decoder.decoder_norm' },
    { ours: 'decoder_prediction', theirs: 'decoder.decoder_pred' },
  ];
}
