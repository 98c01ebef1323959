/** The eight symmetries of the square: pictures from above have no upright. */
import { type Key, uniform } from '../../random/index.js';
import type { View } from '../view.js';

/** What a symmetry adds to the mirroring from left to right that every view may have. */
export interface Symmetry {
  /** Mirror top to bottom. */
  flipY?: boolean;
  /** Exchange rows and columns, after the mirrorings. */
  transpose?: boolean;
}

/** One of the eight symmetries, all equally likely; of a rectangle that is no square, one of its four. */
export function drawSymmetry(key: Key, square: boolean): Symmetry & Pick<View, 'flip'> {
  const [a, b, c] = uniform(key, 3);
  return { flip: a < 0.5, flipY: b < 0.5, transpose: square && c < 0.5 };
}

/**
 * Which pixel of the resized window `[height, width]` a pixel of the result shows, its number row by row; -1 where the view
 * was moved beyond the edge.
 */
export function resizedPixel(
  { shiftY, shiftX, flip, flipY, transpose }: Pick<View, 'shiftY' | 'shiftX' | 'flip'> & Symmetry,
  y: number,
  x: number,
  height: number,
  width: number,
): number {
  const [row, column] = transpose ? [x, y] : [y, x];
  const movedY = (flipY ? height - 1 - row : row) + shiftY;
  const movedX = (flip ? width - 1 - column : column) + shiftX;
  return movedY < 0 || movedY >= height || movedX < 0 || movedX >= width ? -1 : movedY * width + movedX;
}
