/** Named sizes of MLP-Mixer and its relatives, as timm has them, and one of our own. */
import { type MlpMixerConfig, mixerDefaults } from './mlpMixer.js';

interface MixerSize extends Partial<MlpMixerConfig> {
  square: number;
  width: number;
  depth: number;
}

/** Token-mixing MLPs of half the width, channel-mixing MLPs of four times the width. */
function sized({ square, width, ...size }: MixerSize): MlpMixerConfig {
  const ratios = { tokenWidth: width / 2, channelWidth: 4 * width };
  return { ...mixerDefaults, patch: [square, square], width, ...ratios, ...size };
}

const gatedMixer = (depth: number) =>
  sized({ block: 'gated', square: 16, width: 384, depth, tokenWidth: 384, activation: 'silu' });
const resMlp = (depth: number, layerScale: number, width = 384, square = 16) =>
  sized({ block: 'linear', affine: true, square, width, depth, layerScale });
const gMlp = (width: number) => sized({ block: 'spatialGate', square: 16, width, depth: 30, channelWidth: 6 * width });

/** By the letter of the size and the patch; all without head. */
export const mlpMixerVariants: Record<string, MlpMixerConfig> = {
  S32: sized({ square: 32, width: 512, depth: 8 }),
  S16: sized({ square: 16, width: 512, depth: 8 }),
  B32: sized({ square: 32, width: 768, depth: 12 }),
  B16: sized({ square: 16, width: 768, depth: 12 }),
  L32: sized({ square: 32, width: 1024, depth: 24 }),
  L16: sized({ square: 16, width: 1024, depth: 24 }),
  H14: sized({ square: 14, width: 1280, depth: 32 }),
  gmixer_12: gatedMixer(12),
  gmixer_24: gatedMixer(24),
  resmlp_12: resMlp(12, 1e-4),
  resmlp_24: resMlp(24, 1e-5),
  resmlp_36: resMlp(36, 1e-6),
  resmlp_big_24: resMlp(24, 1e-6, 768, 8),
  gmlp_ti16: gMlp(128),
  gmlp_s16: gMlp(256),
  gmlp_b16: gMlp(512),
  // Trains on two cores in minutes, on images of about 32 pixels.
  tiny: sized({ square: 4, width: 128, depth: 6 }),
};
