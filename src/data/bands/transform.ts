/** Rasters to model inputs: `[H * W, C]` floats, row-major, channel last, normalised. */
import { ensure } from '../../errors/index.js';
import { fold, type Key, uniform } from '../../random/index.js';
import { resample, type Window } from '../resample.js';
import { drawView, type View } from '../view.js';
import { type BandStack, unitOf } from './bandStack.js';
import { type BandsOptions, bandsWanted } from './options.js';
import { drawSymmetry, resizedPixel, type Symmetry } from './symmetry.js';

/** One draw: a window, a move, and a symmetry. */
export type BandView = View & Symmetry;

/** The view that `key` draws of a raster of the given size: a pure function, for its bands and its labels alike. */
export function drawBandView(key: Key, height: number, width: number, options: BandsOptions): BandView {
  const view = drawView(key, height, width, { ...options, flip: options.flip === true });
  if (options.flip !== 'dihedral') return view;
  return { ...view, ...drawSymmetry(fold(key, 'symmetry'), options.imageSize[0] === options.imageSize[1]) };
}

/**
 * A raster as model input, its view drawn by `key`: a pure function. Cubic interpolation; pixels without a measurement
 * (no-data, NaN) count as their band's mean and are 0 in the result, as is what a move uncovers.
 * @param view the view, where it was drawn already (by {@link drawBandView}, for labels beside)
 * @returns `[H * W, C]`, C the wanted bands times the wanted dates
 * @throws HiperceiverError with a short reason where the raster lacks a wanted band or date
 */
export function transformBands(
  stack: BandStack,
  options: BandsOptions,
  key: Key,
  view: BandView = drawBandView(key, stack.height, stack.width, options),
): Float32Array {
  const [height, width] = options.imageSize;
  const planes = chosenPlanes(stack, options, key);
  const channels = planes.length;
  const perChannel = (values: readonly number[]) => planes.map((_, c) => values[c % values.length]);
  const [mean, std] = [perChannel(options.mean), perChannel(options.std)];
  const unit = options.scale || unitOf(stack.data);

  const normalised = normalisedWindow(stack, view, planes, mean, std, unit);
  const image = { height: view.height, width: view.width, channels, data: normalised };
  const resized = resample(image, { top: 0, left: 0, height: view.height, width: view.width }, height, width).data;
  const out = new Float32Array(height * width * channels);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const from = resizedPixel(view, y, x, height, width) * channels;
      if (from >= 0) for (let c = 0; c < channels; c++) out[to + c] = resized[from + c];
    }
  }
  return out;
}

/** Which of the stored bands become channels. */
function chosenPlanes({ bands, dates = 1 }: BandStack, options: BandsOptions, key: Key): number[] {
  const perDate = bands / dates;
  const wanted = typeof options.bands === 'number' ? Array.from({ length: options.bands }, (_, i) => i) : options.bands;
  for (const band of wanted)
    ensure(
      band < perDate,
      () => `it has ${perDate} bands where ${bandsWanted(options)} are asked for, up to number ${Math.max(...wanted)}`,
    );
  const { dates: chosen = 'all' } = options;
  if (chosen === 'all') return Array.from({ length: dates }, (_, d) => wanted.map((b) => d * perDate + b)).flat();
  const date = chosen === 'random' ? Math.floor(uniform(fold(key, 'date'), 1)[0] * dates) : chosen;
  ensure(date < dates, () => `it has ${dates} dates where number ${date} is asked for`);
  return wanted.map((band) => date * perDate + band);
}

/** The window's chosen bands `[h, w, C]`, normalised before resizing, so that a gap is a plain 0. */
function normalisedWindow(
  { data, width, bands, noData }: BandStack,
  window: Window,
  planes: readonly number[],
  mean: readonly number[],
  std: readonly number[],
  unit: number,
): Float32Array {
  const out = new Float32Array(window.height * window.width * planes.length);
  // Floats hold what the file's text of the no-data value rounds to.
  const missing = noData !== undefined && data instanceof Float32Array ? Math.fround(noData) : noData;
  let to = 0;
  for (let y = window.top; y < window.top + window.height; y++) {
    for (let x = window.left; x < window.left + window.width; x++) {
      const pixel = (y * width + x) * bands;
      for (let c = 0; c < planes.length; c++, to++) {
        const value = data[pixel + planes[c]];
        if (value !== missing && Number.isFinite(value)) out[to] = (value / unit - mean[c]) / std[c];
      }
    }
  }
  return out;
}
