/** The two-layer perceptron that follows attention in every model here. */
import type { Tensor } from '../graph/index.js';
import { inChunks } from './chunks.js';
import { applyMap, type LinearMap, type Norm } from './linearMap.js';
import type { Scope } from './scope.js';

/** What a perceptron is made of. */
export interface MlpOptions {
  /** `[C, W]` */
  hidden: LinearMap;
  /** `[W, O]` */
  output: LinearMap;
  activation: (x: Tensor) => Tensor;
  /** Applied to the inputs first; its scale and offset may go into the hidden map. */
  norm?: Norm;
}

/** x `[..., C]` → norm, hidden map, activation, output map → `[..., O]`; few rows at a time where there are many. */
export function mlp(scope: Scope, x: Tensor, { hidden, output, activation, norm }: MlpOptions): Tensor {
  const first = norm ? norm.absorb(hidden) : hidden;
  return inChunks(x, hidden.weight.shape[1], (rows) => {
    const before = applyMap(first, norm ? norm.apply(rows) : rows);
    return scope.part('cheap', () => applyMap(output, activation(before)));
  });
}
