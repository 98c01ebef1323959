/** How rasters become inputs of fixed size. */
import { ensure } from '../../errors/index.js';
import { checkWindow, type ViewOptions } from '../view.js';

/** Which window of a raster is shown, which bands, and in which units. */
export interface BandsOptions extends Omit<ViewOptions, 'flip'> {
  /** The first so many bands, or the numbers (from 0) of the wanted ones in their order. */
  bands: number | readonly number[];
  /** `true` mirrors left to right in half of the draws; `dihedral` draws one of the square's eight symmetries. */
  flip: boolean | 'dihedral';
  /** Of several dates: `all` (default) as further bands, date by date; one by its number; `random`: one anew for each key. */
  dates?: 'all' | 'random' | number;
  /** Stored numbers are divided by it. 0 (default): by their type, 255 for bytes, 10,000 for 16 bits, 1 for floats. */
  scale?: number;
  /** Subtracted after the division; one number or one per channel. */
  mean: readonly number[];
  /** Divided by; one number or one per channel. */
  std: readonly number[];
}

/** How many bands of a date the options ask for. */
export function bandsWanted({ bands }: Pick<BandsOptions, 'bands'>): number {
  return typeof bands === 'number' ? bands : bands.length;
}

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkBandsOptions(options: BandsOptions): void {
  const { imageSize, bands, crop, cropScale = [0.2, 1], padding = 0, flip, dates = 'all', scale = 0 } = options;
  const count = (value: number) => Number.isInteger(value) && value >= 0;
  checkWindow(options.window);
  ensure(
    imageSize.length === 2 && imageSize.every((size) => count(size) && size > 0),
    () => `imageSize is [${imageSize}]: give height and width as whole numbers above 0.`,
  );
  ensure(
    typeof bands === 'number' ? count(bands) && bands > 0 : bands.length > 0 && bands.every(count),
    () =>
      `bands is ${typeof bands === 'number' ? bands : `[${bands}]`}: give their number, or a list of band numbers from 0.`,
  );
  ensure(
    ['none', 'center', 'random', 'randomResized'].includes(crop),
    () => `crop is "${crop}": choose one of none, center, random, randomResized.`,
  );
  ensure(
    cropScale[0] > 0 && cropScale[0] <= cropScale[1] && cropScale[1] <= 1,
    () => `cropScale is [${cropScale}]: give two shares of the area, 0 < least <= most <= 1.`,
  );
  ensure(count(padding), () => `padding is ${padding}: give a whole number of pixels.`);
  ensure(
    typeof flip === 'boolean' || flip === 'dihedral',
    () => `flip is "${flip}": choose true, false or "dihedral".`,
  );
  ensure(
    dates === 'all' || dates === 'random' || count(dates),
    () => `dates is "${dates}": choose "all", "random" or the number of a date from 0.`,
  );
  ensure(Number.isFinite(scale) && scale >= 0, () => `scale is ${scale}: give the number that stands for 1, or 0.`);
  checkStatistics(options, bandsWanted(options));
}

/** With all dates as channels there are several per band, how many the file alone knows. */
function checkStatistics({ mean, std, dates = 'all' }: BandsOptions, channels: number): void {
  for (const [name, values] of [
    ['mean', mean],
    ['std', std],
  ] as const) {
    const fits = values.length === channels || (dates === 'all' && values.length % channels === 0 && values.length > 0);
    ensure(
      values.length === 1 || fits,
      () => `${name} has ${values.length} numbers for ${channels} bands: give one per band.`,
    );
    ensure(
      values.every((value) => Number.isFinite(value) && (name === 'mean' || value > 0)),
      () => `${name} is [${values}]: give finite numbers${name === 'std' ? ' above 0' : ''}.`,
    );
  }
}
