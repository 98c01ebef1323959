/** The layers that all models share, under the names of the reference (Haiku: `w`, `b`, `scale`, `offset`). */
import type { Tensor } from '../graph/index.js';
import { fanIn, type Initializer, ones, zeros } from './initializers.js';
import { applyMap, linearMap } from './linearMap.js';
import type { Scope } from './scope.js';

/** `x w + b`: [..., in] → [..., out]. */
export function linear(
  scope: Scope,
  x: Tensor,
  out: number,
  options: { bias?: boolean; initializer?: Initializer } = {},
): Tensor {
  const inputs = x.shape[x.rank - 1];
  const initializer = options.initializer ?? fanIn(inputs);
  if (options.bias === false) return x.matmul(scope.parameter('w', [inputs, out], initializer));
  return applyMap(linearMap(scope, inputs, out, initializer), x);
}

/** Layer norm over the last axis with trained scale and offset; ε = 1e-5. */
export function norm(scope: Scope, x: Tensor): Tensor {
  const channels = x.shape[x.rank - 1];
  return x.layerNorm(scope.parameter('scale', [channels], ones), scope.parameter('offset', [channels], zeros));
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
