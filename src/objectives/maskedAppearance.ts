/** FastMIM's losses (arXiv 2212.06593): of masked tokens, the pixels or the histograms of oriented gradients. */
import { ensure } from '../errors/index.js';
import { show, type Tensor } from '../graph/index.js';
import { patchify, type Size2d } from '../nn/index.js';
import { type HogOptions, hog, hogTokens } from './hog.js';
import { maskedMeanSquaredError } from './losses.js';
import { normalizePatches } from './patchTargets.js';

/** Whose prediction it is. */
export interface AppearanceTarget {
  /** Of the image. */
  size: Size2d;
  /** Rows and columns of the tokens. */
  grid: Size2d;
  /** Whether the pixels of a token, or the bins of a cell, are normalised. */
  normalize: boolean;
}

/**
 * Mean squared error over the pixels of masked tokens.
 * @param prediction `[B, L, p·q·C]`, ordered by row, column and channel
 * @param pixels `[B, H·W, C]`
 * @param mask `[B, rows, columns]`, 1 = masked
 */
export function maskedPixelLoss(
  prediction: Tensor,
  pixels: Tensor,
  mask: Tensor,
  { size, grid, normalize }: AppearanceTarget,
): Tensor {
  const patches = patchify(pixels, size, [size[0] / grid[0], size[1] / grid[1]]);
  return maskedMeanSquaredError(
    prediction,
    normalize ? normalizePatches(patches) : patches,
    mask.reshape([mask.shape[0], -1]),
  );
}

/**
 * Mean squared error over the histograms of masked tokens; or of masked cells, where the mask is finer than the tokens.
 * @param prediction `[B, L, C·bins·u·u]` for tokens of u × u cells, ordered by feature, cell row and cell column
 * @param pixels `[B, H·W, C]`
 * @param mask `[B, rows, columns]`, 1 = masked
 */
export function maskedHogLoss(
  prediction: Tensor,
  pixels: Tensor,
  mask: Tensor,
  { size, grid, normalize, ...options }: AppearanceTarget & Pick<HogOptions, 'bins' | 'cell'>,
): Tensor {
  const histograms = hogOfImage(pixels, { size, normalize, ...options });
  const [batch, features, rows, columns] = histograms.shape;
  const cells = rows / grid[0];
  const target = hogTokens(histograms, cells);
  const [maskRows, maskColumns] = mask.shape.slice(1);
  if (maskRows === grid[0] && maskColumns === grid[1])
    return maskedMeanSquaredError(prediction, target, mask.reshape([batch, -1]));
  ensure(
    rows % maskRows === 0 && columns % maskColumns === 0 && maskRows > grid[0],
    () => `A mask of ${show(mask.shape)} fits neither ${grid.join(' x ')} tokens nor ${rows} x ${columns} HOG cells.`,
  );
  const byCell = (x: Tensor) =>
    x
      .reshape([batch, x.shape[1], features, cells ** 2])
      .transpose([0, 1, 3, 2])
      .reshape([batch, -1, features]);
  const ofCells = mask
    .reshape([batch, maskRows, 1, maskColumns, 1])
    .expand([batch, maskRows, rows / maskRows, maskColumns, columns / maskColumns])
    .reshape([batch, 1, rows, columns]);
  return maskedMeanSquaredError(byCell(prediction), byCell(target), hogTokens(ofCells, cells).reshape([batch, -1]));
}

/** The histograms that tokens are to predict: pixels `[B, H·W, C]` → `[B, L, C·bins·u·u]`. */
export function hogOfTokens(
  pixels: Tensor,
  { grid, ...options }: AppearanceTarget & Pick<HogOptions, 'bins' | 'cell'>,
): Tensor {
  const histograms = hogOfImage(pixels, options);
  return hogTokens(histograms, histograms.shape[2] / grid[0]);
}

function hogOfImage(pixels: Tensor, { size, ...options }: Pick<AppearanceTarget, 'size'> & HogOptions): Tensor {
  const [batch, , channels] = pixels.shape;
  return hog(pixels.reshape([batch, ...size, channels]).transpose([0, 3, 1, 2]), options);
}
