/** Label maps under the view that their image was given, by nearest neighbour. */
import { ensure } from '../../errors/index.js';
import { resizedPixel, type Symmetry } from '../bands/symmetry.js';
import type { View } from '../view.js';
import type { LabelMap } from './labelMap.js';

/** Which stored numbers are classes. */
export interface LabelOptions {
  /** Stored numbers that count as void. Default 255 (PASCAL VOC's border). */
  ignore?: number | readonly number[];
  /** The stored number of each class, where it is not the class's own: [1, 2, 3, 4, 8]. Other numbers are void and counted. */
  ids?: readonly number[];
  /** How many classes there are: larger numbers are void and counted. Default: as many as `ids`, or any. */
  classes?: number;
}

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkLabelOptions({ ignore = 255, ids, classes }: LabelOptions): void {
  const whole = (value: number) => Number.isInteger(value) && value >= 0 && value <= 65535;
  for (const value of [ignore].flat())
    ensure(whole(value), () => `ignore is ${value}: give the stored number of void pixels, or a list of such.`);
  ensure(
    classes === undefined || (Number.isInteger(classes) && classes > 0),
    () => `classes is ${classes}: give a whole number above 0.`,
  );
  if (ids === undefined) return;
  ensure(
    ids.length > 0 && ids.every(whole) && new Set(ids).size === ids.length,
    () => `ids is [${ids}]: give the stored number of each class, each once.`,
  );
  ensure(
    classes === undefined || classes === ids.length,
    () => `classes is ${classes}, but ids has ${ids.length} numbers: give one for each class.`,
  );
}

/**
 * Classes of a label map's pixels under a view, row by row: a pure function.
 * @returns `labels` `[height * width]`: class numbers, -1 for void (ignored, unknown, or uncovered by a move); `unknown`
 * counts the pixels of the result that were neither a class nor to be ignored
 */
export function alignedView(
  map: LabelMap,
  view: View & Symmetry,
  [height, width]: readonly [number, number],
  options: LabelOptions = {},
): { labels: Int32Array; unknown: number } {
  const classOf = classTable(map, options);
  const labels = new Int32Array(height * width);
  let unknown = 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const pixel = sourcePixel(map, view, y, x, height, width);
      const label = pixel < 0 ? VOID : classOf[map.ids[pixel]];
      if (label === UNKNOWN) unknown++;
      labels[at] = Math.max(VOID, label);
    }
  }
  return { labels, unknown };
}

/** How many pixels have no class that is known, in words; undefined where all have. */
export function unknownLabels({ labels, unknown }: { labels: Int32Array; unknown: number }): string | undefined {
  if (unknown === 0) return undefined;
  return `${unknown} of ${labels.length} pixels have a colour or number that is no class and count as void`;
}

const VOID = -1;
const UNKNOWN = -2;

/** The stored pixel that a pixel of the result shows, or -1 where there is none. */
function sourcePixel(
  map: LabelMap,
  view: View & Symmetry,
  y: number,
  x: number,
  height: number,
  width: number,
): number {
  const resized = resizedPixel(view, y, x, height, width);
  if (resized < 0) return -1;
  const [row, column] = [Math.floor(resized / width), resized % width];
  const sourceY = view.top + Math.floor(((row + 0.5) * view.height) / height);
  const sourceX = view.left + Math.floor(((column + 0.5) * view.width) / width);
  return sourceY * map.width + sourceX;
}

/** Stored number to class, void or unknown. */
function classTable(map: LabelMap, { ignore = 255, ids, classes = ids?.length ?? Infinity }: LabelOptions): Int32Array {
  const table = new Int32Array(map.ids instanceof Uint8Array ? 256 : 65536);
  if (ids) {
    table.fill(UNKNOWN);
    ids.forEach((id, label) => {
      if (id < table.length) table[id] = label;
    });
  } else for (let id = 0; id < table.length; id++) table[id] = id < classes ? id : UNKNOWN;
  for (const id of [ignore].flat()) if (id < table.length) table[id] = VOID;
  if (map.voidId !== undefined) table[map.voidId] = UNKNOWN;
  return table;
}
