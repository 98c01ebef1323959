/** Histograms of oriented gradients as pictures: in each cell, one stroke along the edge for each orientation. */
import { constant, type Tensor } from '../graph/index.js';
import type { Size2d } from '../nn/index.js';
import type { HogOptions } from './hog.js';

/**
 * Histograms by token `[B, L, C·bins·u·u]`, as `hogTokens` orders them, → pixels `[B, H·W, C]`, as bright as a stroke's bin is
 * full.
 * @param grid rows and columns of tokens
 */
export function hogPicture(
  tokens: Tensor,
  [rows, columns]: Size2d,
  { bins, cell, cells }: Required<Pick<HogOptions, 'bins' | 'cell'>> & { cells: number },
): Tensor {
  const batch = tokens.shape[0];
  const channels = tokens.shape[2] / (bins * cells ** 2);
  const [down, across] = [rows * cells, columns * cells];
  // [B, R, K, C, bins, u, u] → cells in their rows and columns, bins last.
  const histograms = tokens
    .reshape([batch * rows, columns, channels * bins, cells, cells])
    .transpose([0, 3, 1, 4, 2])
    .reshape([batch * down * across * channels, bins]);
  return histograms
    .matmul(strokes(bins, cell))
    .reshape([batch * down, across, channels, cell, cell])
    .transpose([0, 3, 1, 4, 2])
    .reshape([batch, down * across * cell * cell, channels])
    .maximum(0);
}

/** For each bin, a line through the middle of a cell at right angles to its gradient: `[bins, cell·cell]`, 0 … 1. */
function strokes(bins: number, cell: number): Tensor {
  const values = new Float32Array(bins * cell * cell);
  const middle = (cell - 1) / 2;
  for (let i = 0; i < values.length; i++) {
    const [bin, y, x] = [Math.floor(i / (cell * cell)), Math.floor(i / cell) % cell, i % cell];
    // The angle goes from the y axis towards x, as in `orientedGradients`.
    const angle = (Math.PI * (bin + 0.5)) / bins;
    const distance = Math.abs((x - middle) * Math.sin(angle) + (y - middle) * Math.cos(angle));
    values[i] = Math.max(0, 1 - distance);
  }
  return constant(values, [bins, cell * cell]);
}
