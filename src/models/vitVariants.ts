/** Named sizes of the vision transformer: the paper's, its small siblings of DeiT and timm, and one of our own. */
import { type VitConfig, vitDefaults } from './vit.js';

interface VitSize {
  patch: number;
  width: number;
  depth: number;
  heads: number;
  /** Hidden channels of the MLP. Default four times the width. */
  mlpWidth?: number;
}

function sized({ patch, width, ...size }: VitSize, options: Partial<VitConfig> = {}): VitConfig {
  return { ...vitDefaults, patch: [patch, patch], width, mlpWidth: 4 * width, ...size, ...options };
}

const tiny = { width: 192, depth: 12, heads: 3 };
const small = { width: 384, depth: 12, heads: 6 };
const base = { width: 768, depth: 12, heads: 12 };
const large = { width: 1024, depth: 24, heads: 16 };
const huge = { width: 1280, depth: 32, heads: 16 };

/** DeiT III (arXiv 2204.07118): layer scale, and a class token without position. */
const deit3: Partial<VitConfig> = { layerScale: 1e-6, classPosition: false };

/** By the letter of the size and the patch; all without head. */
export const vitVariants: Record<string, VitConfig> = {
  Ti16: sized({ ...tiny, patch: 16 }),
  S32: sized({ ...small, patch: 32 }),
  S16: sized({ ...small, patch: 16 }),
  B32: sized({ ...base, patch: 32 }),
  B16: sized({ ...base, patch: 16 }),
  B8: sized({ ...base, patch: 8 }),
  L32: sized({ ...large, patch: 32 }),
  L16: sized({ ...large, patch: 16 }),
  H14: sized({ ...huge, patch: 14 }),
  g14: sized({ patch: 14, width: 1408, depth: 40, heads: 16, mlpWidth: 6144 }),
  G14: sized({ patch: 14, width: 1664, depth: 48, heads: 16, mlpWidth: 8192 }),
  deit3_S16: sized({ ...small, patch: 16 }, deit3),
  deit3_B16: sized({ ...base, patch: 16 }, deit3),
  deit3_L16: sized({ ...large, patch: 16 }, deit3),
  deit3_H14: sized({ ...huge, patch: 14 }, deit3),
  // Trains on two cores in minutes, on images of about 32 pixels.
  tiny: sized({ patch: 4, width: 192, depth: 6, heads: 3 }, { pooling: 'average', normAfterPooling: true }),
};
