/** Linear layers as tensors, and layer norms whose scale and offset they can take over. */
import type { Tensor } from '../graph/index.js';
import { fanIn, type Initializer, ones, zeros } from './initializers.js';
import type { Scope } from './scope.js';

/** The tensors of a linear layer: `[in, out]` and, where it has one, `[out]`. */
export interface LinearMap {
  weight: Tensor;
  bias?: Tensor;
}

/** How a linear layer begins, and whether it has a bias. */
export interface LinearOptions {
  /** Default true. */
  bias?: boolean;
  /** Of the weight. Default: truncated normal of variance 1 / in. */
  initializer?: Initializer;
  /** Default zeros. */
  biasInitializer?: Initializer;
}

/** The parameters of a linear layer. */
export function linearMap(
  scope: Scope,
  inputs: number,
  outputs: number,
  { bias = true, initializer = fanIn(inputs), biasInitializer = zeros }: LinearOptions = {},
): LinearMap {
  return {
    weight: scope.parameter('w', [inputs, outputs], initializer),
    bias: bias ? scope.parameter('b', [outputs], biasInitializer) : undefined,
  };
}

/** `x w + b`: [..., in] → [..., out]. */
export function applyMap({ weight, bias }: LinearMap, x: Tensor): Tensor {
  const y = x.matmul(weight);
  return bias ? y.add(bias) : y;
}

/** A layer norm whose scale and offset may be left to the linear maps that read it. */
export interface Norm {
  /** `[..., C]` → the same, with mean 0 and variance 1 over the last axis; scaled and shifted where no map does that. */
  apply(x: Tensor): Tensor;
  /** The map that gives from `apply`'s values what `map` gives from the whole norm's. */
  absorb(map: LinearMap): LinearMap;
}

/** Passes over memory that scale and offset cost where they stay with the values, and where they go into a map. */
const PASSES_OVER_VALUES = 6;
const PASSES_OVER_WEIGHTS = 8;

/**
 * Layer norm of x over its last axis for maps that have `outputs` columns in all. Where the values are many and
 * the maps small, scale and offset are left to the maps: (z s + o) W + b = z (s W) + (o W + b), and their gradients come
 * from that of the weights instead of from passes over all values.
 */
export function normBefore(scope: Scope, x: Tensor, outputs: number, epsilon = 1e-5): Norm {
  const channels = x.shape[x.rank - 1];
  const scale = scope.parameter('scale', [channels], ones);
  const offset = scope.parameter('offset', [channels], zeros);
  if (PASSES_OVER_VALUES * (x.size / channels) <= PASSES_OVER_WEIGHTS * outputs)
    return { apply: (values) => values.layerNorm(scale, offset, epsilon), absorb: (map) => map };
  return {
    apply: (values) => values.normalize(epsilon),
    absorb: ({ weight, bias }) => {
      const shift = offset.reshape([1, -1]).matmul(weight).reshape([-1]);
      return { weight: weight.mul(scale.reshape([-1, 1])), bias: bias ? shift.add(bias) : shift };
    },
  };
}
