/** From stored pictures to pictures as they are seen: the display matrix of phones, and pixels that are not square. */
import type { Window } from '../resample.js';

/** One of the eight ways to turn and mirror a picture, with its sizes before and after. */
export interface Orientation {
  storedHeight: number;
  storedWidth: number;
  /** As seen. */
  height: number;
  width: number;
  /** Rows become columns first. */
  transposed: boolean;
  /** Then left and right change places. */
  flipX: boolean;
  /** Then top and bottom. */
  flipY: boolean;
  /** The same as degrees clockwise; of mirrored pictures the turn without the mirroring. */
  rotation: 0 | 90 | 180 | 270;
}

/**
 * @param pixelAspect width of a pixel divided by its height
 * @param matrix FFmpeg's display matrix: nine 32-bit words, whose 0, 1, 3 and 4 turn (x, y) to (ax + cy, bx + dy)
 */
export function orientationOf(
  storedHeight: number,
  storedWidth: number,
  pixelAspect: number,
  matrix: Uint8Array | null,
): Orientation {
  const [a, b, , c, d] = words(matrix);
  const transposed = Math.abs(a) < Math.abs(b);
  const flipX = (transposed ? c : a) < 0;
  const flipY = (transposed ? b : d) < 0;
  const stretched = Math.max(1, Math.round(storedWidth * sane(pixelAspect)));
  const [height, width] = transposed ? [stretched, storedHeight] : [storedHeight, stretched];
  const rotation = transposed ? (flipX ? 90 : 270) : flipX ? 180 : 0;
  return { storedHeight, storedWidth, height, width, transposed, flipX, flipY, rotation };
}

/** The window of the stored picture, in whole pixels inside it, that shows the given window of the seen one. */
export function storedWindow(seen: Window, orientation: Orientation): Window {
  const { height, width, transposed, flipX, flipY, storedHeight, storedWidth } = orientation;
  const left = flipX ? width - seen.left - seen.width : seen.left;
  const top = flipY ? height - seen.top - seen.height : seen.top;
  const [rows, columns, of] = transposed
    ? [
        { from: left, size: seen.width },
        { from: top, size: seen.height },
        { height: width, width: height },
      ]
    : [
        { from: top, size: seen.height },
        { from: left, size: seen.width },
        { height, width },
      ];
  const [y, tall] = scaled(rows.from, rows.size, storedHeight / of.height, storedHeight);
  const [x, wide] = scaled(columns.from, columns.size, storedWidth / of.width, storedWidth);
  return { top: y, left: x, height: tall, width: wide };
}

function scaled(from: number, size: number, factor: number, most: number): [from: number, size: number] {
  const start = Math.min(most - 1, Math.max(0, Math.round(from * factor)));
  return [start, Math.min(most - start, Math.max(1, Math.round(size * factor)))];
}

function words(matrix: Uint8Array | null): number[] {
  if (!matrix || matrix.length < 36) return [1, 0, 0, 0, 1];
  const native = new Int32Array(9);
  new Uint8Array(native.buffer).set(matrix.subarray(0, 36));
  return [...native];
}

/** Damaged headers claim pixels a thousand times as wide as high. */
function sane(pixelAspect: number): number {
  return pixelAspect >= 1 / 16 && pixelAspect <= 16 ? pixelAspect : 1;
}
