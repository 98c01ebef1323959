/** Multi-band rasters, whole files or tiles of large ones, with or without a class for each pixel. */

import { ensure } from '../../errors/index.js';
import {
  type BandsOptions,
  bandsWanted,
  checkBandsOptions,
  decodeBands,
  transformBands,
  transformBandsWithLabels,
} from '../bands/index.js';
import { checkLabelOptions, type LabelOptions, unknownLabels } from '../labelMaps/view.js';
import type { SignalKind } from './kind.js';

/** How tiles are read; with `labels` every pixel has a class. */
export type BandsReaderOptions = BandsOptions & {
  labels?: LabelOptions;
  /** Dates of a raster that has several; they become further channels. */
  dateCount?: number;
  /** Whether the dates become frames instead. */
  frames?: boolean;
};

export const bands: SignalKind<BandsReaderOptions> = {
  parts: { bands: /\.(tiff?|npy|npz)$/i },
  noun: 'raster',
  shapes: (options) => {
    const { imageSize, frames, dateCount = 1 } = options;
    return [
      frames
        ? { name: 'bands', indexShape: [dateCount, ...imageSize], channels: bandsWanted(options) }
        : { name: 'bands', indexShape: [...imageSize], channels: channelsOf(options) },
    ];
  },
  targets: ({ labels, imageSize }) => (labels ? imageSize[0] * imageSize[1] : undefined),
  check(options) {
    checkBandsOptions(options);
    ensure(
      !options.frames || ((options.dates ?? 'all') === 'all' && !options.labels),
      () => 'Dates as frames are read all, and have no class for each pixel: leave out bands.dates for classes.',
    );
    if (options.labels) checkLabelOptions(options.labels);
  },
  plain: ({ imageSize, window, bands: wanted, crop, dates, dateCount, frames, scale, mean, std, labels }) => ({
    ...{ imageSize, window, bands: wanted, dateCount, frames, scale, mean, std, labels },
    dates: dates === 'random' ? 0 : dates,
    crop: crop === 'none' ? 'none' : 'center',
    flip: false,
  }),
  statistics: ({ mean, std }) => ({ bands: { mean: [...mean], std: [...std] } }),
  withStatistics: (options, statistics) => ({ ...options, ...statistics.bands }),
  async read({ parts, raster }, options, key, slots) {
    const { signals, targets } = slots;
    const stack = raster?.stack ?? (parts ? await decodeBands(parts.bands, 'raster') : undefined);
    if (!stack) throw new Error('stored pixels are no raster');
    const { dates = 'all', dateCount = 1 } = options;
    if (dates === 'all' && (stack.dates ?? 1) !== dateCount)
      throw new Error(`it has ${stack.dates ?? 1} dates where ${dateCount} are asked for`);
    if (!options.labels || !targets) {
      const pixels = transformBands(stack, options, key);
      signals.bands.set(options.frames ? dateByDate(pixels, dateCount, bandsWanted(options)) : pixels);
      return;
    }
    if (!raster?.labels) throw new Error('it has no labels');
    const read = transformBandsWithLabels(stack, raster.labels, { ...options, ...options.labels }, key);
    signals.bands.set(read.image);
    targets.set(read.labels);
    slots.flaw = unknownLabels(read);
  },
};

/** `[H·W, T·C]` → `[T, H·W, C]` */
function dateByDate(pixels: Float32Array, dates: number, channels: number): Float32Array {
  const out = new Float32Array(pixels.length);
  const frame = pixels.length / dates;
  const area = frame / channels;
  for (let pixel = 0, from = 0; pixel < area; pixel++)
    for (let date = 0; date < dates; date++, from += channels)
      out.set(pixels.subarray(from, from + channels), date * frame + pixel * channels);
  return out;
}

function channelsOf(options: BandsReaderOptions): number {
  const { dates = 'all', dateCount = 1 } = options;
  return bandsWanted(options) * (dates === 'all' ? dateCount : 1);
}
