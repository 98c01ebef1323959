/** timm's layout of MLP-Mixer and its relatives. */
import type { Shape } from '../../graph/index.js';
import type { Layout, LayoutRule } from './layout.js';

/**
 * timm's `MlpMixer`.
 * @param affine the width, where scale and shift stand in the place of layer norms: they are `alpha` and `beta` `[1, 1, D]`
 */
export function timmMixer(
  patch: Shape,
  { affine, spatialGate }: { affine?: number; spatialGate?: boolean } = {},
): Layout {
  const norms: LayoutRule[] = [
    { ours: 'norm_stem', theirs: 'stem.norm' },
    { ours: 'blocks/#/norm_1', theirs: spatialGate ? 'blocks.#.norm' : 'blocks.#.norm1' },
    { ours: 'blocks/#/norm_2', theirs: 'blocks.#.norm2' },
    { ours: 'norm', theirs: 'norm' },
  ];
  return [
    { ours: 'patch_embedding', theirs: 'stem.proj', kernel: patch },
    ...(affine === undefined ? norms : norms.flatMap((rule) => affineRules(rule, affine))),
    { ours: 'blocks/#/tokens', theirs: 'blocks.#.linear_tokens' },
    { ours: 'blocks/#/tokens/hidden', theirs: 'blocks.#.mlp_tokens.fc1' },
    { ours: 'blocks/#/tokens/output', theirs: 'blocks.#.mlp_tokens.fc2' },
    { ours: 'blocks/#/layer_scale_1', theirs: 'blocks.#.ls1' },
    { ours: 'blocks/#/channels/hidden', theirs: 'blocks.#.mlp_channels.fc1' },
    { ours: 'blocks/#/channels/gate_norm', theirs: 'blocks.#.mlp_channels.gate.norm' },
    { ours: 'blocks/#/channels/gate', theirs: 'blocks.#.mlp_channels.gate.proj' },
    { ours: 'blocks/#/channels/output', theirs: 'blocks.#.mlp_channels.fc2' },
    { ours: 'blocks/#/layer_scale_2', theirs: 'blocks.#.ls2' },
    { ours: 'head', theirs: 'head' },
  ];
}

function affineRules({ ours, theirs }: LayoutRule, width: number): LayoutRule[] {
  const shape = [1, 1, width];
  return [
    { ours: `${ours}/scale`, theirs: `${theirs}.alpha`, shape },
    { ours: `${ours}/offset`, theirs: `${theirs}.beta`, shape },
  ];
}
