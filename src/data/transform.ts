/** Decoded images to model inputs: `[H * W, C]` floats, row-major, channel last, normalised. */
import { ensure, HiperceiverError } from '../errors/index.js';
import { fold, type Key } from '../random/index.js';
import { eraseRectangle } from './augment/erase.js';
import { augmentedPixels, changesPixels, checkImageAugmentation, type ImageAugmentation } from './augment/image.js';
import { resample } from './resample.js';
import type { RawImage } from './source.js';
import { checkWindow, drawView, type View, type ViewOptions } from './view.js';

/** How a decoded image becomes numbers. */
export interface TransformOptions extends ViewOptions {
  /** Channels of the result: 1 or 3, or the data's own number. */
  channels: number;
  /** Subtracted, in units of 0 … 1; one number per channel or one for all. */
  mean: readonly number[];
  /** Divided by, in units of 0 … 1; one number per channel or one for all. */
  std: readonly number[];
  /** What else is random. */
  augment?: ImageAugmentation;
}

/** How channels are turned into the wanted ones. */
type ChannelRule = 'same' | 'repeat' | 'luma' | 'leading';

/**
 * Grey is repeated to colour, colour weighed to grey (ITU-R BT.601), a fourth channel (alpha) dropped.
 * @throws HiperceiverError where there is no such rule
 */
export function channelRule(from: number, to: number, name: string): ChannelRule {
  if (from === to) return 'same';
  if (from === 1 || (from === 2 && to === 3)) return 'repeat';
  if (to === 1 && (from === 3 || from === 4)) return 'luma';
  if ((from === 4 && to === 3) || (from === 2 && to === 1)) return 'leading';
  throw new HiperceiverError(
    `"${name}" has images of ${from} channels where ${to} are asked for: ask for ${from} channels, or give images with 1, 3 or 4.`,
  );
}

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkTransform(options: TransformOptions): void {
  const { imageSize, channels, cropScale = [0.2, 1], padding = 0, mean, std } = options;
  checkWindow(options.window);
  ensure(
    imageSize.length === 2 && imageSize.every((size) => Number.isInteger(size) && size > 0),
    () => `imageSize is [${imageSize}]: give height and width as whole numbers above 0.`,
  );
  ensure(Number.isInteger(channels) && channels > 0, () => `channels is ${channels}: give 1 for grey or 3 for colour.`);
  ensure(
    cropScale[0] > 0 && cropScale[0] <= cropScale[1] && cropScale[1] <= 1,
    () => `cropScale is [${cropScale}]: give two shares of the area, 0 < least <= most <= 1.`,
  );
  ensure(Number.isInteger(padding) && padding >= 0, () => `padding is ${padding}: give a whole number of pixels.`);
  for (const [name, values] of [
    ['mean', mean],
    ['std', std],
  ] as const) {
    ensure(
      values.length === channels || values.length === 1,
      () => `${name} has ${values.length} numbers for ${channels} channels: give one per channel.`,
    );
    ensure(
      values.every((value) => Number.isFinite(value) && (name === 'mean' || value > 0)),
      () => `${name} is [${values}]: give finite numbers${name === 'std' ? ' above 0' : ''}.`,
    );
  }
  if (options.augment) checkImageAugmentation(options.augment);
}

/**
 * One decoded image as model input, its view drawn by `key`: a pure function.
 * @returns `[H * W, C]`
 */
export function transformImage(image: RawImage, options: TransformOptions, key: Key): Float32Array {
  const [height, width] = options.imageSize;
  const view = drawView(key, image.height, image.width, options);
  const out = new Float32Array(height * width * options.channels);
  writeFrames([resample(image, view, height, width)], view, options, key, out);
  return out;
}

/**
 * Writes images that already have the wanted size one after the other into `out`: the frames of a clip, or one image. All
 * are moved, mirrored and augmented alike, as the view says and `key` draws, then normalised.
 */
export function writeFrames(
  frames: Iterable<RawImage>,
  view: Pick<View, 'shiftY' | 'shiftX' | 'flip'>,
  options: TransformOptions,
  key: Key,
  out: Float32Array,
): void {
  const { imageSize, channels, augment } = options;
  const drawn = fold(key, 'augment');
  let at = 0;
  for (const image of frames) {
    if (changesPixels(augment)) {
      const pixels = augmentedPixels(image, view, augment, bytesOf(options.mean, image.channels), drawn);
      writeInput(pixels, STILL, options, out, at);
    } else writeInput(image, view, options, out, at);
    at += imageSize[0] * imageSize[1] * channels;
  }
  if (augment?.erase) eraseRectangle(out, imageSize, channels, augment.erase, fold(drawn, 'erase'));
}

const STILL = { shiftY: 0, shiftX: 0, flip: false };

/** Means as bytes, for images that may have another number of channels. */
function bytesOf(mean: readonly number[], channels: number): number[] {
  return Array.from({ length: channels }, (_, c) => Math.min(255, Math.max(0, Math.round(255 * (mean[c] ?? mean[0])))));
}

/**
 * Writes an image that already has the wanted size into `out` from `offset`: moved and mirrored by the view, channels
 * converted, bytes scaled to 0 … 1, normalised. What a move uncovers is black.
 */
export function writeInput(
  image: RawImage,
  view: Pick<View, 'shiftY' | 'shiftX' | 'flip'>,
  options: TransformOptions,
  out: Float32Array,
  offset: number,
): void {
  const { height, width, channels: from, data } = image;
  const to = options.channels;
  const rule = channelRule(from, to, 'the data set');
  const unit = data instanceof Uint8Array ? 1 / 255 : 1;
  const scale = Float64Array.from({ length: to }, (_, c) => unit / (options.std[c] ?? options.std[0]));
  const bias = Float64Array.from(
    { length: to },
    (_, c) => -(options.mean[c] ?? options.mean[0]) / (options.std[c] ?? options.std[0]),
  );
  let at = offset;
  for (let y = 0; y < height; y++) {
    const sourceY = y + view.shiftY;
    for (let x = 0; x < width; x++) {
      const sourceX = (view.flip ? width - 1 - x : x) + view.shiftX;
      if (sourceY < 0 || sourceY >= height || sourceX < 0 || sourceX >= width) {
        for (let c = 0; c < to; c++) out[at++] = bias[c];
        continue;
      }
      const pixel = (sourceY * width + sourceX) * from;
      if (rule === 'luma') {
        out[at++] = (0.299 * data[pixel] + 0.587 * data[pixel + 1] + 0.114 * data[pixel + 2]) * scale[0] + bias[0];
      } else if (rule === 'repeat') {
        for (let c = 0; c < to; c++) out[at++] = data[pixel] * scale[c] + bias[c];
      } else {
        for (let c = 0; c < to; c++) out[at++] = data[pixel + c] * scale[c] + bias[c];
      }
    }
  }
}
