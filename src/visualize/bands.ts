/** Rasters of many bands as pictures: three chosen bands for red, green and blue, stretched to what the values use. */
import { ensure } from '../errors/index.js';
import { imageFromNormalized, percentile, type RgbImage } from './picture.js';
import { type ReconstructionOptions, reconstructionFigure } from './reconstruction.js';
import type { Figure } from './svg.js';

/** Numbers (from 0) of the bands that stand for red, green and blue. */
export type RgbBands = readonly [number, number, number];

/** The values that become black and full colour, for red, green and blue. */
export type BandStretch = readonly (readonly [number, number])[];

/** Shares of the values below black and below full colour: what cartographers stretch to by default. */
const [LOW, HIGH] = [0.02, 0.98];

/**
 * The values of the three bands below which 2 % and 98 % lie, over one or many rasters; gaps (NaN) do not count.
 * @param values `[…, C]`, channel last
 */
export function bandStretch(values: ArrayLike<number>, channels: number, bands: RgbBands): BandStretch {
  checkBands(channels, bands);
  return bands.map((band) => {
    const own = Float32Array.from({ length: values.length / channels }, (_, p) => values[p * channels + band]);
    const [low, high] = [percentile(own, LOW), percentile(own, HIGH)];
    return Number.isNaN(low) ? [0, 1] : [low, high];
  });
}

/**
 * The picture of three bands of a raster `[H, W, C]`, as stored or normalised, in their usual 2 to 98 % stretch. A band
 * that has one value everywhere is half grey; a pixel with NaN is magenta.
 */
export function bandComposite(
  values: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
  {
    bands = naturalBands(channels),
    stretch = bandStretch(values, channels, bands),
  }: { bands?: RgbBands; stretch?: BandStretch } = {},
): RgbImage {
  ensure(
    values.length === height * width * channels,
    () =>
      `A raster of ${height}x${width} with ${channels} bands has ${height * width * channels} values, not ${values.length}: check the shape.`,
  );
  return imageFromNormalized(stretched(values, channels, bands, stretch), [height, width, 3]);
}

/** Rasters, masks and predictions, shown through three of their bands. */
export interface BandReconstructionOptions extends Omit<ReconstructionOptions, 'mean' | 'std'> {
  /** Default: {@link naturalBands}. */
  bands?: RgbBands;
}

/**
 * Rows of `input | visible | reconstruction | difference`, all in the stretch of the inputs; the difference is that of the
 * bands shown, in shares of their stretch.
 */
export function bandReconstructionFigure(options: BandReconstructionOptions): Figure {
  const { shape, input, reconstruction } = options;
  const [height, width, channels] = shape;
  const { bands = naturalBands(channels), title = 'Reconstruction of masked rasters', ...rest } = options;
  const stretch = bandStretch(input, channels, bands);
  return reconstructionFigure({
    ...rest,
    title,
    shape: [height, width, 3],
    input: stretched(input, channels, bands, stretch),
    reconstruction: stretched(reconstruction, channels, bands, stretch),
  });
}

/**
 * Bands that look natural where they are stored by wavelength from blue on, as satellites do: the third, second and first;
 * with a coastal band before them (Sentinel-2's 12 or 13, or several dates of 13) the fourth, third and second. Fewer than
 * three: the first as grey.
 */
export function naturalBands(channels: number): RgbBands {
  if (channels < 3) return [0, 0, 0];
  return channels === 12 || channels % 13 === 0 ? [3, 2, 1] : [2, 1, 0];
}

/** Three bands of every pixel in shares of their stretch, `[…, 3]`. */
export function stretched(
  values: ArrayLike<number>,
  channels: number,
  bands: RgbBands,
  stretch: BandStretch,
): Float32Array {
  checkBands(channels, bands);
  const out = new Float32Array((values.length / channels) * 3);
  for (let p = 0, to = 0; p < values.length; p += channels)
    for (let c = 0; c < 3; c++, to++) {
      const [low, high] = stretch[c];
      const value = values[p + bands[c]];
      out[to] = high > low ? (value - low) / (high - low) : value - value + 0.5;
    }
  return out;
}

function checkBands(channels: number, bands: RgbBands): void {
  for (const band of bands)
    ensure(
      Number.isInteger(band) && band >= 0 && band < channels,
      () => `Band ${band} does not exist among ${channels}: name three bands from 0 to ${channels - 1}.`,
    );
}
