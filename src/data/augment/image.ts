/** What may happen to an image beside its view: random operations, colours, and a rectangle that is erased. */
import { ensure } from '../../errors/index.js';
import { fold, type Key } from '../../random/index.js';
import type { RawImage } from '../source.js';
import type { View } from '../view.js';
import { type ColorJitter, colorJitter, randomGrayscale } from './colorJitter.js';
import type { EraseOptions } from './erase.js';
import { movedPixels, type Pixels } from './pixels.js';
import { MOST_MAGNITUDE, type RandAugmentOptions, randAugment } from './randAugment.js';

/** Which augmentations are drawn; what is absent is not. */
export interface ImageAugmentation {
  randAugment?: RandAugmentOptions;
  colorJitter?: ColorJitter;
  /** Share of the images that become grey. */
  grayscale?: number;
  erase?: EraseOptions;
}

/** Whether bytes are changed before they are normalised. */
export function changesPixels(augment: ImageAugmentation | undefined): augment is ImageAugmentation {
  return augment !== undefined && Boolean(augment.randAugment || augment.colorJitter || augment.grayscale);
}

/**
 * An image under a view, its bytes changed as `key` draws it: a pure function. Frames of one clip are given one key.
 * @param fill bytes, one per channel, of what comes in from outside the image
 */
export function augmentedPixels(
  image: RawImage,
  view: Pick<View, 'shiftY' | 'shiftX' | 'flip'>,
  augment: ImageAugmentation,
  fill: readonly number[],
  key: Key,
): Pixels {
  const pixels = movedPixels(image, view);
  if (augment.randAugment) randAugment(pixels, augment.randAugment, fill, fold(key, 'randAugment'));
  if (augment.colorJitter) colorJitter(pixels, augment.colorJitter, fold(key, 'colorJitter'));
  if (augment.grayscale) randomGrayscale(pixels, augment.grayscale, fold(key, 'grayscale'));
  return pixels;
}

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkImageAugmentation({ randAugment, colorJitter, grayscale = 0, erase }: ImageAugmentation): void {
  const { magnitude = 0, layers = 2, noise = 0.5 } = randAugment ?? {};
  ensure(
    magnitude >= 0 && magnitude <= MOST_MAGNITUDE,
    () => `randAugment.magnitude is ${magnitude}: give a number from 0 to ${MOST_MAGNITUDE}.`,
  );
  ensure(
    Number.isInteger(layers) && layers >= 0,
    () => `randAugment.layers is ${layers}: give a whole number from 0 up.`,
  );
  ensure(noise >= 0 && Number.isFinite(noise), () => `randAugment.noise is ${noise}: give a number from 0 up.`);
  ensure(
    !colorJitter || (colorJitter.length === 4 && colorJitter.every((most) => most >= 0) && colorJitter[3] <= 0.5),
    () => `colorJitter is [${colorJitter}]: give brightness, contrast, saturation and a hue of at most 0.5.`,
  );
  for (const [name, value] of Object.entries({ grayscale, 'erase.probability': erase?.probability ?? 0 }))
    ensure(value >= 0 && value <= 1, () => `${name} is ${value}: give a probability from 0 to 1.`);
}
