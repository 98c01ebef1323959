/** Large rasters as many examples: satellite sets are often one raster with one raster of labels. */
import { ensure } from '../../errors/index.js';
import { cutLabels, type LabelMap } from '../labelMaps/labelMap.js';
import type { Window } from '../resample.js';
import { type BandStack, cutBands } from './bandStack.js';

/** A piece of a raster. */
export interface BandTile {
  /** Where it lies. */
  window: Window;
  stack: BandStack;
  /** Its labels, where there are any. */
  labels?: LabelMap;
}

/**
 * Windows of `size` every `stride` pixels that cover a raster: the last of a row or column is moved back to end at the edge.
 * A raster smaller than the size is one window of all of it along that axis.
 */
export function tileWindows(
  height: number,
  width: number,
  size: number | readonly [number, number],
  stride: number | readonly [number, number] = size,
): Window[] {
  const [tall, wide] = typeof size === 'number' ? [size, size] : size;
  const [down, across] = typeof stride === 'number' ? [stride, stride] : stride;
  for (const [name, value] of Object.entries({ size: tall, 'size ': wide, stride: down, 'stride ': across }))
    ensure(
      Number.isInteger(value) && value > 0,
      () => `The tiles' ${name.trim()} is ${value}: give whole numbers of pixels above 0.`,
    );
  const windows: Window[] = [];
  for (const top of starts(height, tall, down))
    for (const left of starts(width, wide, across))
      windows.push({ top, left, height: Math.min(tall, height), width: Math.min(wide, width) });
  return windows;
}

/**
 * The tiles of a raster and its labels, one after the other: see {@link tileWindows}.
 * @param options.minLabelled the least share of pixels of a tile that have a class, where there are labels; default 0.
 * Pixels of a number in `ignore` have none
 * @throws HiperceiverError where labels and raster differ in size
 */
export function* tileBands(
  stack: BandStack,
  size: number | readonly [number, number],
  stride: number | readonly [number, number] = size,
  {
    labels,
    minLabelled = 0,
    ignore = [255],
  }: { labels?: LabelMap; minLabelled?: number; ignore?: readonly number[] } = {},
): Generator<BandTile> {
  ensure(
    !labels || (labels.height === stack.height && labels.width === stack.width),
    () =>
      `its label map has ${labels?.width}x${labels?.height} pixels where the raster has ${stack.width}x${stack.height}`,
  );
  for (const window of tileWindows(stack.height, stack.width, size, stride)) {
    const cut = labels && cutLabels(labels, window);
    if (cut && labelledShare(cut, ignore) < minLabelled) continue;
    yield { window, stack: cutBands(stack, window), ...(cut && { labels: cut }) };
  }
}

function starts(length: number, size: number, stride: number): number[] {
  const last = Math.max(0, length - size);
  const out = Array.from({ length: Math.ceil(last / stride) }, (_, i) => i * stride);
  return [...out, last];
}

function labelledShare({ ids, voidId }: LabelMap, ignore: readonly number[]): number {
  let labelled = 0;
  for (const id of ids) if (id !== voidId && !ignore.includes(id)) labelled++;
  return labelled / ids.length;
}
