/** The layers that all models share, under the names of the reference (Haiku: `w`, `b`, `scale`, `offset`). */
import type { Tensor } from '../graph/index.js';
import { fanIn, ones, zeros } from './initializers.js';
import { applyMap, type LinearOptions, linearMap } from './linearMap.js';
import type { Scope } from './scope.js';

/** `x w + b`: [..., in] → [..., out]. */
export function linear(scope: Scope, x: Tensor, out: number, options: LinearOptions = {}): Tensor {
  return applyMap(linearMap(scope, x.shape[x.rank - 1], out, options), x);
}

/** Layer norm over the last axis with trained scale and offset. */
export function norm(scope: Scope, x: Tensor, epsilon = 1e-5): Tensor {
  const channels = x.shape[x.rank - 1];
  const [scale, offset] = [scope.parameter('scale', [channels], ones), scope.parameter('offset', [channels], zeros)];
  return x.layerNorm(scale, offset, epsilon);
}

/** Zeroes a random share `rate` of the elements while training and scales the rest up. */
export function dropout(scope: Scope, x: Tensor, rate: number): Tensor {
  if (!scope.training || rate === 0) return x;
  return x.mul(scope.draw(scope.nameOf('dropout'), x.shape, { kind: 'dropout', rate }));
}

/** A table of learned rows `[rows, channels]`; deviation 1 / sqrt(rows), as the reference begins its tables. */
export function table(scope: Scope, rows: number, channels: number): Tensor {
  return scope.parameter('pos_embs', [rows, channels], fanIn(rows));
}

/**
 * Stochastic depth (Huang et al. 2016, arXiv 1603.09382): while training, zeroes a residual branch `[B, ...]` for a random
 * share `rate` of the examples and scales it up for the others.
 */
export function dropPath(scope: Scope, branch: Tensor, rate: number): Tensor {
  if (!scope.training || rate === 0) return branch;
  const kept = scope.draw(scope.nameOf('drop_path'), [branch.shape[0]], { kind: 'dropout', rate });
  return branch.mul(kept.reshape([-1, ...branch.shape.slice(1).map(() => 1)]));
}
