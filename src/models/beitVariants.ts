/** Named sizes of BEiT, and what pre-training and classification make of them. */
import type { BeitConfig, BeitPooling } from './beit.js';

/** A transformer for images of 224x224 with one table of relative positions per block, as it is fine-tuned. */
function sized(size: Pick<BeitConfig, 'width' | 'depth' | 'heads'> & Partial<BeitConfig>): BeitConfig {
  return {
    size: [224, 224],
    patch: [16, 16],
    channels: 3,
    mlpWidth: 4 * size.width,
    qkvBias: true,
    absolutePositions: false,
    sharedRelativePositions: false,
    relativePositions: true,
    layerScale: 0.1,
    normEpsilon: 1e-6,
    activation: 'gelu',
    maskToken: false,
    finalNorm: false,
    dropout: 0,
    dropPath: 0,
    ...size,
  };
}

/** The paper's two sizes, and one that two cores train in minutes. */
export const beitVariants: Record<string, BeitConfig> = {
  B16: sized({ width: 768, depth: 12, heads: 12 }),
  L16: sized({ width: 1024, depth: 24, heads: 16, layerScale: 1e-5 }),
  tiny: sized({ width: 192, depth: 4, heads: 3, size: [64, 64], patch: [8, 8] }),
};

/** For masked-image modelling: one table that all blocks share, a mask token, a norm before the head. */
export function forMaskedImages(config: BeitConfig): BeitConfig {
  return { ...config, sharedRelativePositions: true, relativePositions: false, maskToken: true, finalNorm: true };
}

/** For classification: the mean of the patches has a norm of its own; the class token is read after the last norm. */
export function forClasses(config: BeitConfig, pooling: BeitPooling): BeitConfig {
  return { ...config, finalNorm: pooling === 'class' };
}
