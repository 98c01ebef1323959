/** Named sizes of BEiT, and what pre-training, classification and segmentation make of them. */
import type { BeitConfig, BeitPooling } from './beit.js';
import type { BeitSegmentationConfig } from './beitSegmentation.js';

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

/**
 * UperNet's heads as the paper's sizes have them: states two below a third, a half, two thirds and all of the depth (which
 * leaves the last block unused, as the reference does); in shallow models the first four.
 */
export function segmentationOf({ depth }: Pick<BeitConfig, 'depth'>, classes: number): BeitSegmentationConfig {
  const shares = [1 / 3, 1 / 2, 2 / 3, 1];
  return {
    classes,
    states: shares.map((share, i) => Math.min(Math.max(Math.round(depth * share) - 2, i + 1), depth)),
    poolScales: [1, 2, 3, 6],
    auxiliary: { channels: 256, convolutions: 1, concatInput: false },
  };
}
