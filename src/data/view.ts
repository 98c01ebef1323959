/** The geometry of augmentation: which window of an image an example shows, and how. */
import { ensure } from '../errors/index.js';
import { type Key, uniform } from '../random/index.js';

/**
 * How an image becomes an input of fixed size.
 * - `none`: the whole image, stretched to the size
 * - `center`: the largest centred window of the wanted aspect ratio
 * - `random`: as `center`, then moved by up to `padding` pixels each way, black filling in (CIFAR's pad-and-crop)
 * - `randomResized`: a random window of a random share of the area and aspect ratio (Szegedy et al. 2015)
 */
export type Crop = 'none' | 'center' | 'random' | 'randomResized';

/** What is random about a view, and how large it ends up. */
export interface ViewOptions {
  /** Height and width of the result. */
  imageSize: readonly [number, number];
  /** The part of the picture that is used at all, before anything else, as shares of its height and width. Default: all. */
  window?: readonly [top: number, left: number, height: number, width: number];
  crop: Crop;
  /** Share of the image's area for `randomResized`. Default [0.2, 1] (MAE). */
  cropScale?: readonly [number, number];
  /** Greatest move in pixels of the result for `random`. Default: an eighth of the size. */
  padding?: number;
  /** Mirror left to right in half of the draws. */
  flip: boolean;
}

/** One draw: a window of the source in pixels, then a move and a mirroring in pixels of the result. */
export interface View {
  top: number;
  left: number;
  height: number;
  width: number;
  shiftY: number;
  shiftX: number;
  flip: boolean;
}

const ASPECT_RATIOS: readonly [number, number] = [3 / 4, 4 / 3];
const ATTEMPTS = 10;

/** The view that `key` draws of an image of the given size: a pure function. */
export function drawView(key: Key, height: number, width: number, options: ViewOptions): View {
  if (options.window === undefined) return viewOfWhole(key, height, width, options);
  const [top, bottom] = pixelsOf(options.window[0], options.window[2], height);
  const [left, right] = pixelsOf(options.window[1], options.window[3], width);
  const view = viewOfWhole(key, bottom - top, right - left, options);
  return { ...view, top: view.top + top, left: view.left + left };
}

/** First pixel, and the one after the last, of a share of an axis; one pixel at least. */
function pixelsOf(from: number, share: number, size: number): [number, number] {
  const first = Math.min(size - 1, Math.round(from * size));
  return [first, Math.max(first + 1, Math.min(size, Math.round((from + share) * size)))];
}

/** Checks a window. @throws HiperceiverError where it does not lie in the picture */
export function checkWindow(window: ViewOptions['window']): void {
  if (window === undefined) return;
  const [top, left, height, width] = window;
  const fits = (from: number, share: number) => from >= 0 && share > 0 && from + share <= 1 + 1e-6;
  ensure(
    window.length === 4 && fits(top, height) && fits(left, width),
    () =>
      `window is [${window}]: give top, left, height and width as shares, such as 0.5,0.25,0.5,0.5 (the middle below).`,
  );
}

function viewOfWhole(key: Key, height: number, width: number, options: ViewOptions): View {
  const { crop, imageSize, padding } = options;
  const whole = { top: 0, left: 0, height, width, shiftY: 0, shiftX: 0, flip: false };
  const draws =
    crop === 'randomResized' || crop === 'random' || options.flip
      ? uniform(key, 3 + 4 * ATTEMPTS)
      : new Float32Array(0);
  const flip = options.flip && draws[0] < 0.5;
  const centre = { ...whole, ...centredWindow(height, width, imageSize[0] / imageSize[1]), flip };
  switch (crop) {
    case 'none':
      return { ...whole, flip };
    case 'center':
      return centre;
    case 'random':
      return {
        ...centre,
        shiftY: shift(draws[1], padding ?? imageSize[0] >> 3),
        shiftX: shift(draws[2], padding ?? imageSize[1] >> 3),
      };
    case 'randomResized':
      return { ...centre, ...randomWindow(draws.subarray(3), height, width, options.cropScale ?? [0.2, 1]) };
  }
}

/** The largest centred window with height / width = `ratio`. */
function centredWindow(height: number, width: number, ratio: number): Pick<View, 'top' | 'left' | 'height' | 'width'> {
  const tall = Math.min(height, Math.max(1, Math.round(width * ratio)));
  const wide = Math.min(width, Math.max(1, Math.round(height / ratio)));
  return { top: (height - tall) >> 1, left: (width - wide) >> 1, height: tall, width: wide };
}

/** A whole number in [-most, most] from a uniform draw. */
function shift(draw: number, most: number): number {
  return Math.floor(draw * (2 * most + 1)) - most;
}

/** Area uniform in the scale, aspect ratio log-uniform; undefined (keep the centre) where no attempt fits in the image. */
function randomWindow(
  draws: Float32Array,
  height: number,
  width: number,
  [low, high]: readonly [number, number],
): Partial<View> | undefined {
  const [narrow, broad] = ASPECT_RATIOS.map(Math.log);
  for (let i = 0; i < 4 * ATTEMPTS; i += 4) {
    const area = height * width * (low + (high - low) * draws[i]);
    const aspect = Math.exp(narrow + (broad - narrow) * draws[i + 1]);
    const wide = Math.round(Math.sqrt(area * aspect));
    const tall = Math.round(Math.sqrt(area / aspect));
    if (wide < 1 || tall < 1 || wide > width || tall > height) continue;
    const top = Math.floor(draws[i + 2] * (height - tall + 1));
    const left = Math.floor(draws[i + 3] * (width - wide + 1));
    return { top, left, height: tall, width: wide };
  }
  return undefined;
}
