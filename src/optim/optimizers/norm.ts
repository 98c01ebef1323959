/** Euclidean norms of gradients, parameters and updates. */
import type { Tensor } from '../../graph/index.js';

/**
 * Partial sums of squares whose total is |x|². Summing row by row first keeps a GPU busy where one sum over all
 * elements would run in a single work group, and loses less to rounding.
 */
export function partialSquares(x: Tensor): Tensor {
  const squares = x.mul(x);
  return x.rank < 2 ? squares.reshape([-1]) : squares.sum(-1).reshape([-1]);
}

/** |x| as a scalar. */
export function norm(x: Tensor): Tensor {
  return partialSquares(x).sum().sqrt();
}

/** `ratio` where both norms are above 0, else 1: a layer that is 0, or has no gradient, is not scaled. */
export function ratioOrOne(a: Tensor, b: Tensor, ratio: Tensor): Tensor {
  return a.greater(0).and(b.greater(0)).where(ratio, 1);
}
