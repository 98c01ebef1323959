/** Named sizes of the Swin transformer and of FastMIM: the reference's, and our own that two cores train in minutes. */
import type { Size2d } from '../nn/index.js';
import type { FastMimConfig } from './fastmim.js';
import { type SwinConfig, swinDefaults } from './swin.js';
import { type VitEncoderConfig, vitDefaults } from './vit.js';

const square = (pixels: number): Size2d => [pixels, pixels];

/** The paper's two largest, at the size and window of fine-tuning, and one of our own. */
export const swinVariants: Record<string, SwinConfig> = {
  base: { ...swinDefaults, size: square(224), width: 128, depths: [2, 2, 18, 2], heads: [4, 8, 16, 32], window: 7 },
  large: { ...swinDefaults, size: square(224), width: 192, depths: [2, 2, 18, 2], heads: [6, 12, 24, 48], window: 7 },
  tiny: { ...swinDefaults, size: square(64), width: 48, depths: [2, 2, 4], heads: [2, 4, 8], window: 4 },
};

/** Width of the area that a token of the last stage stands for. */
const tokenOf = ({ patch, depths }: SwinConfig) => patch[0] * 2 ** (depths.length - 1);

const decoderOf = (width: number, depth: number, normEpsilon: number) => ({
  width,
  depth,
  mlpWidth: 4 * width,
  qkvBias: true,
  normEpsilon,
});

/** Histograms predicted from small images by a vision transformer; blocks of one patch are masked. */
function withVit(pixels: number, vit: Pick<VitEncoderConfig, 'patch' | 'width' | 'depth' | 'heads'>, decoder: number) {
  const config: FastMimConfig = {
    size: square(pixels),
    encoder: { kind: 'vit', vit: { ...vitDefaults, ...vit, mlpWidth: 4 * vit.width } },
    token: vit.patch[0],
    block: vit.patch[0],
    target: 'hog',
    decoder: decoderOf(decoder, 1, vitDefaults.normEpsilon),
  };
  return config;
}

/** Histograms predicted from small images by a Swin transformer with windows of 4; blocks of one last token are masked. */
function withSwin(pixels: number, swin: SwinConfig, decoder: { width: number; depth: number }) {
  const config: FastMimConfig = {
    size: square(pixels),
    encoder: { kind: 'swin', swin: { ...swin, size: square(pixels), window: 4 } },
    token: tokenOf(swin),
    block: tokenOf(swin),
    target: 'hog',
    decoder: decoderOf(decoder.width, decoder.depth, swin.normEpsilon),
  };
  return config;
}

/** By name. The vision transformer of the reference has half the usual number of heads. */
export const fastMimVariants: Record<string, FastMimConfig> = {
  B16: withVit(128, { patch: square(16), width: 768, depth: 12, heads: 6 }, 256),
  'swin-base': withSwin(128, swinVariants.base, { width: 256, depth: 4 }),
  'swin-large': withSwin(128, swinVariants.large, { width: 256, depth: 4 }),
  tiny: withVit(32, { patch: square(8), width: 192, depth: 6, heads: 3 }, 96),
  'swin-tiny': withSwin(64, swinVariants.tiny, { width: 96, depth: 1 }),
};

/**
 * The same model on larger or smaller images, as progressive pre-training needs it (arXiv 2212.06593, section 3.2): its trained
 * tensors keep their shapes, as long as no stage of a Swin transformer becomes smaller than its window.
 */
export function fastMimAt(config: FastMimConfig, size: Size2d): FastMimConfig {
  const { encoder } = config;
  return {
    ...config,
    size,
    encoder: encoder.kind === 'vit' ? encoder : { kind: 'swin', swin: { ...encoder.swin, size } },
  };
}
