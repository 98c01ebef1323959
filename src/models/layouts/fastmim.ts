/** Layouts of FastMIM's repository: a vision transformer, or a Swin transformer as `encoder`. */
import type { Shape } from '../../graph/index.js';
import type { Layout } from './layout.js';
import { swinLayout } from './swin.js';
import { timmBlocks, timmVit } from './vit.js';

/** The mask's colour and the decoder. */
const fastMimDecoder: Layout = [
  { ours: 'mask_token', theirs: 'mask_token', shape: [1, 3, 1, 1] },
  { ours: 'decoder_embedding', theirs: 'decoder_embed' },
  ...timmBlocks('decoder_blocks', 'decoder_blocks'),
  { ours: 'decoder_norm', theirs: 'decoder_norm' },
  { ours: 'decoder_prediction', theirs: 'decoder_pred' },
];

/** `MaskedAutoencoderViT` of `mim_vit_pretrain.py`. */
export function fastMimVit(patch: Shape): Layout {
  return [...timmVit(patch), ...fastMimDecoder];
}

/** `PretrainSwin` of `mim_swin_pretrain.py`. */
export function fastMimSwin(patch: Shape): Layout {
  return [...swinLayout(patch, 'encoder/', 'encoder.'), ...fastMimDecoder];
}
