/** A raster with its labels under one view. */
import { ensure } from '../../errors/index.js';
import type { Key } from '../../random/index.js';
import type { LabelMap } from '../labelMaps/labelMap.js';
import { alignedView, type LabelOptions } from '../labelMaps/view.js';
import type { BandStack } from './bandStack.js';
import type { BandsOptions } from './options.js';
import { drawBandView, transformBands } from './transform.js';

/**
 * A raster as model input and its labels as targets, cropped, moved and mirrored alike.
 * @returns `image` `[H * W, C]`; `labels` `[H * W]`, -1 = void; `unknown` counts labels that are neither a class nor ignored
 * @throws HiperceiverError with a short reason where the two differ in size, or the raster lacks a wanted band
 */
export function transformBandsWithLabels(
  stack: BandStack,
  map: LabelMap,
  options: BandsOptions & LabelOptions,
  key: Key,
): { image: Float32Array; labels: Int32Array; unknown: number } {
  ensure(
    map.height === stack.height && map.width === stack.width,
    () => `its label map has ${map.width}x${map.height} pixels where the raster has ${stack.width}x${stack.height}`,
  );
  const view = drawBandView(key, stack.height, stack.width, options);
  return { image: transformBands(stack, options, key, view), ...alignedView(map, view, options.imageSize, options) };
}
