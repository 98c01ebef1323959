/** Named sizes of masked auto-encoders: the paper's, and one of our own. */
import { type MaeConfig, type MaeStack, maeDefaults } from './mae.js';

function stack(width: number, depth: number, heads: number): MaeStack {
  return { width, depth, heads, mlpWidth: 4 * width };
}

function sized(patch: number, encoder: MaeStack, decoder = stack(512, 8, 16)): MaeConfig {
  return { ...maeDefaults, patch: [patch, patch], ...encoder, decoder };
}

/** By the letter of the encoder's size and the patch; the paper's decoder is the same for all. */
export const maeVariants: Record<string, MaeConfig> = {
  B16: sized(16, stack(768, 12, 12)),
  L16: sized(16, stack(1024, 24, 16)),
  H14: sized(14, stack(1280, 32, 16)),
  // Trains on two cores in minutes, on images of about 32 pixels.
  tiny: sized(4, stack(192, 6, 3), stack(96, 2, 3)),
};
