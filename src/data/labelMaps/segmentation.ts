/** An image with its label map, cropped and mirrored alike. */
import { ensure } from '../../errors/index.js';
import type { Key } from '../../random/index.js';
import { decodeImage } from '../decode.js';
import { checkTransform, type TransformOptions, writeFrames } from '../transform.js';
import { drawView, type View } from '../view.js';
import { decodeLabelMap, type LabelMapOptions } from './decode.js';
import { alignedView, checkLabelOptions, type LabelOptions } from './view.js';

/** How an image and its label map become an input and its targets. */
export interface SegmentationOptions extends TransformOptions, LabelMapOptions, LabelOptions {}

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkSegmentation(options: SegmentationOptions): void {
  checkTransform(options);
  ensure(
    !options.augment?.randAugment && !options.augment?.erase,
    () => 'randAugment and erase would take pixels away from their labels: leave them out where there are label maps.',
  );
  checkLabelOptions(options);
  const { colors } = options;
  if (colors === undefined) return;
  for (const color of colors)
    ensure(
      color.length === 3 && color.every((value) => Number.isInteger(value) && value >= 0 && value <= 255),
      () => `colors holds [${color}]: give red, green and blue of each class, 0 to 255.`,
    );
  ensure(
    colors.length > 0 && new Set(colors.map(String)).size === colors.length,
    () => `colors has ${colors.length} entries, some alike: give each class its own colour.`,
  );
}

/**
 * Reads an image and its label map under one view, drawn by `key`.
 * @returns `image` `[H * W, C]`, normalised; `labels` `[H * W]`, -1 = void; `unknown` counts the pixels of the result whose
 * colour or number is neither a class nor to be ignored
 * @throws Error with a short reason: either file damaged, or the two of different sizes
 */
export async function readSegmentation(
  imageBytes: Uint8Array,
  mapBytes: Uint8Array,
  options: SegmentationOptions,
  key: Key,
): Promise<{ image: Float32Array; labels: Int32Array; unknown: number }> {
  const { imageSize, channels } = options;
  const map = await decodeLabelMap(mapBytes, options);
  let view: View | undefined;
  const decoded = await decodeImage(imageBytes, imageSize, (height, width) => {
    ensure(
      height === map.height && width === map.width,
      () => `its label map has ${map.width}x${map.height} pixels where the image has ${width}x${height}`,
    );
    view = drawView(key, height, width, options);
    return view;
  });
  ensure(view !== undefined, () => 'the decoder asked for no window');
  const image = new Float32Array(imageSize[0] * imageSize[1] * channels);
  writeFrames([decoded], view, options, key, image);
  return { image, ...alignedView(map, view, imageSize, options) };
}
