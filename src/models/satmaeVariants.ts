/** Named sizes of SatMAE: the reference's, and our own that two cores train in minutes. */
import type { SatMaeConfig, SatMaeParts } from './satmae.js';
import { TIME_COMPONENTS } from './timestamps.js';

/** Bands of Sentinel-2 by resolution and wavelength, counted after the bands 0, 9 and 10 of 13 are dropped. */
export const SENTINEL_GROUPS = [
  [0, 1, 2, 6],
  [3, 4, 5, 7],
  [8, 9],
] as const;

type Size = Pick<SatMaeConfig, 'width' | 'depth' | 'heads'>;
type Pixels = { pixels: number; patch: number };

const shared = (parts: SatMaeParts, { pixels, patch }: Pixels) => ({
  parts,
  size: [pixels, pixels] as const,
  patch: [patch, patch] as const,
  qkvBias: true,
  normEpsilon: 1e-6,
});

/** MLPs are four times as wide as the tokens. */
const stack = (size: Size, partWidth: number) => ({ ...size, mlpWidth: 4 * size.width, partWidth });

/** The reference's decoder. */
const DECODER = { width: 512, depth: 8, heads: 16 };
/** Our own. */
const SMALL_DECODER = { width: 96, depth: 2, heads: 3 };

/** Three images of one place, 224x224; 128 channels tell each component of the timestamp, 64 in the decoder. */
function times(
  size: Size,
  pixels: Pixels,
  decoder: Size = DECODER,
  widths: [number, number] = [128, 64],
): SatMaeConfig {
  return {
    ...stack(size, TIME_COMPONENTS * widths[0]),
    ...shared({ kind: 'times', count: 3, channels: 3 }, pixels),
    decoder: stack(decoder, TIME_COMPONENTS * widths[1]),
  };
}

/** Ten bands of Sentinel-2 in three groups, 96x96; 256 channels tell the group, 128 in the decoder. */
function bands(
  size: Size,
  pixels: Pixels,
  decoder: Size = DECODER,
  widths: [number, number] = [256, 128],
): SatMaeConfig {
  return {
    ...stack(size, widths[0]),
    ...shared({ kind: 'groups', groups: SENTINEL_GROUPS }, pixels),
    decoder: stack(decoder, widths[1]),
  };
}

const BASE = { width: 768, depth: 12, heads: 12 };
const LARGE = { width: 1024, depth: 24, heads: 16 };
const HUGE = { width: 1280, depth: 32, heads: 16 };
const TINY = { width: 192, depth: 6, heads: 6 };

/** By name: what images come in, then size and patch. */
export const satMaeVariants: Record<string, SatMaeConfig> = {
  'times-B16': times(BASE, { pixels: 224, patch: 16 }),
  'times-L16': times(LARGE, { pixels: 224, patch: 16 }),
  'times-H14': times(HUGE, { pixels: 224, patch: 14 }),
  'bands-B8': bands(BASE, { pixels: 96, patch: 8 }),
  'bands-L8': bands(LARGE, { pixels: 96, patch: 8 }),
  'times-tiny': times(TINY, { pixels: 64, patch: 8 }, SMALL_DECODER, [16, 8]),
  'bands-tiny': bands(TINY, { pixels: 64, patch: 8 }, SMALL_DECODER, [64, 32]),
};
