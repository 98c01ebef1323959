/** Reconstructions as pictures. */
import sharp from 'sharp';
import { normalizationOf } from '../training/index.js';
import { imageFromNormalized, type RgbImage, reconstructionFigure } from '../visualize/index.js';
import type { ServedModel } from './model/servedModel.js';

/** What a model was shown and what it made of it; for one image. */
export interface Shown {
  name?: string;
  /** Normalised, `[I * C]`. */
  signal: Float32Array;
  predicted: Float32Array;
  /** 1 = hidden, `[I]`. */
  mask: Float32Array;
}

type ImageModel = Pick<ServedModel, 'modalities' | 'reader'>;

const MASKED_GREY = 128;
const LONGEST_CAPTION = 40;

/** Mean squared error over what was hidden, in units of the data's variance. */
export function maskedError({ signal, predicted, mask }: Shown): number {
  const channels = signal.length / mask.length;
  let [squares, count] = [0, 0];
  for (let i = 0; i < signal.length; i++) {
    if (mask[Math.floor(i / channels)] === 0) continue;
    squares += (predicted[i] - signal[i]) ** 2;
    count++;
  }
  return squares / Math.max(1, count);
}

/** The image with what was hidden in grey. */
export function visiblePart(model: ImageModel, { signal, mask }: Shown): Promise<Buffer> {
  const image = imageFromNormalized(signal, shapeOf(model), normalizationOf(model, nameOf(model)));
  for (let p = 0; p < mask.length; p++) if (mask[p] > 0) image.rgb.fill(MASKED_GREY, 3 * p, 3 * p + 3);
  return png(image);
}

/** The image with what was hidden as the model filled it in. */
export function filledIn(model: ImageModel, shown: Shown): Promise<Buffer> {
  const { signal, predicted, mask } = shown;
  const channels = signal.length / mask.length;
  const values = signal.map((value, i) => (mask[Math.floor(i / channels)] > 0 ? predicted[i] : value));
  return png(imageFromNormalized(values, shapeOf(model), normalizationOf(model, nameOf(model))));
}

/** Input, visible part, reconstruction and difference side by side, a row for each image. */
export function comparison(model: ImageModel, shown: readonly Shown[]): Promise<Buffer> {
  const figure = reconstructionFigure({
    ...normalizationOf(model, nameOf(model)),
    input: joined(shown.map(({ signal }) => signal)),
    mask: joined(shown.map(({ mask }) => mask)),
    reconstruction: joined(shown.map(({ predicted }) => predicted)),
    shape: shapeOf(model),
    captions: shown.map(({ name }) => name?.slice(0, LONGEST_CAPTION) ?? ''),
    maxSamples: shown.length,
  });
  return figure.toPng();
}

function nameOf({ modalities: [{ name }] }: ImageModel): string {
  return name;
}

function shapeOf({ modalities: [{ indexShape, channels }] }: ImageModel): [number, number, number] {
  return [indexShape[0], indexShape[1], channels];
}

/** In a thread of sharp's: deflating a photograph takes long enough for other requests to notice. */
function png({ width, height, rgb }: RgbImage): Promise<Buffer> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
