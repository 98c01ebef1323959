/**
 * The pre-norm transformer block of ViT, MAE, BEiT and their kin: x + attention(norm(x)), then x + MLP(norm(x)), where each
 * branch may be scaled by channel (layer scale) and dropped by example (stochastic depth).
 *
 * Names below the block's scope: `norm_1`, `attention/{query,key,value,output}`, `layer_scale_1`, `norm_2`,
 * `mlp/{hidden,output}`, `layer_scale_2`. References that keep query, key and value in one matrix hold the three one below
 * the other.
 */
import type { Tensor } from '../graph/index.js';
import { gelu } from './activations.js';
import { attention } from './attention.js';
import type { Initializer } from './initializers.js';
import { dropout, dropPath } from './layers.js';
import { type LinearMap, linearMap, type Norm, normBefore } from './linearMap.js';
import { mlp } from './mlp.js';
import type { Scope } from './scope.js';

/** How the weight of a map `[inputs, outputs]` begins; `output` is the last of its branch. Default as in `linearMap`. */
export type WeightInitializer = (
  inputs: number,
  outputs: number,
  map: 'query' | 'key' | 'value' | 'hidden' | 'output',
) => Initializer;

/** Sizes of {@link selfAttention}. */
export interface SelfAttentionOptions {
  heads: number;
  /** Which of query, key and value have a bias. Default all. */
  qkvBias?: 'all' | 'queryAndValue' | 'none';
  /** Width of queries, keys and values. Default that of the inputs. */
  innerWidth?: number;
  /** Added to the scores, `[B or 1, ..., heads or 1, N, N]`. */
  attentionBias?: Tensor;
  initializer?: WeightInitializer;
}

/** What happens to a branch before it is added. */
export interface BranchOptions {
  /** First value of the factors by channel; none where absent. */
  layerScale?: number;
  /** Share of elements, and of examples, that are dropped while training. */
  dropout?: number;
  dropPath?: number;
}

/** Sizes of {@link transformerBlock}. */
export interface TransformerBlockOptions extends SelfAttentionOptions, BranchOptions {
  /** Channels between the two maps of the MLP. */
  mlpWidth: number;
  /** Default exact GELU. */
  activation?: (x: Tensor) => Tensor;
  /** Default 1e-6. */
  normEpsilon?: number;
}

/**
 * Multi-head self-attention of x `[B, ..., N, C]` after a norm → `[B, ..., N, C]`. Its weights `[B, ..., heads, N, N]` are
 * made known as `<path>/weights`.
 */
export function selfAttention(scope: Scope, x: Tensor, norm: Norm | undefined, options: SelfAttentionOptions): Tensor {
  const { heads, qkvBias = 'all', attentionBias, initializer } = options;
  const width = x.shape[x.rank - 1];
  const inner = options.innerWidth ?? width;
  const map = (name: 'query' | 'key' | 'value', bias: boolean) =>
    linearMap(scope.child(name), width, inner, { bias, initializer: initializer?.(width, inner, name) });
  const absorb = (own: LinearMap) => (norm ? norm.absorb(own) : own);
  const maps = {
    query: absorb(map('query', qkvBias !== 'none')),
    key: absorb(map('key', qkvBias === 'all')),
    value: absorb(map('value', qkvBias !== 'none')),
    output: linearMap(scope.child('output'), inner, width, { initializer: initializer?.(inner, width, 'output') }),
  };
  const normalized = norm ? norm.apply(x) : x;
  const { output, weights } = attention(scope, normalized, normalized, maps, heads, attentionBias);
  scope.tap(scope.nameOf('weights'), weights);
  return output;
}

/** Norm where there is one, hidden map, activation, output map: `[..., C]` → the same. */
export function transformerMlp(
  scope: Scope,
  x: Tensor,
  norm: Norm | undefined,
  options: Pick<TransformerBlockOptions, 'mlpWidth' | 'activation' | 'initializer'>,
): Tensor {
  const { mlpWidth, activation = gelu, initializer } = options;
  const width = x.shape[x.rank - 1];
  return mlp(scope, x, {
    hidden: linearMap(scope.child('hidden'), width, mlpWidth, {
      initializer: initializer?.(width, mlpWidth, 'hidden'),
    }),
    output: linearMap(scope.child('output'), mlpWidth, width, {
      initializer: initializer?.(mlpWidth, width, 'output'),
    }),
    activation,
    norm,
  });
}

/** x plus its branch, which is scaled and dropped as asked; `name` tells the branches of a block apart (`1`, `2`). */
export function residual(scope: Scope, name: string, x: Tensor, branch: Tensor, options: BranchOptions): Tensor {
  const { layerScale, dropout: dropRate = 0, dropPath: pathRate = 0 } = options;
  const own = scope.child(`branch_${name}`);
  let y = dropout(own, branch, dropRate);
  if (layerScale !== undefined) {
    const gamma = { kind: 'constant' as const, value: layerScale };
    y = y.mul(scope.parameter(`layer_scale_${name}`, [x.shape[x.rank - 1]], gamma));
  }
  return x.add(dropPath(own, y, pathRate));
}

/** One block: x `[B, ..., N, C]` → the same. */
export function transformerBlock(scope: Scope, x: Tensor, options: TransformerBlockOptions): Tensor {
  const { mlpWidth, normEpsilon = 1e-6 } = options;
  const width = x.shape[x.rank - 1];
  return scope.part('layers', () => {
    const before = normBefore(scope.child('norm_1'), x, 3 * (options.innerWidth ?? width), normEpsilon);
    const y = residual(scope, '1', x, selfAttention(scope.child('attention'), x, before, options), options);
    const between = normBefore(scope.child('norm_2'), y, mlpWidth, normEpsilon);
    return residual(scope, '2', y, transformerMlp(scope.child('mlp'), y, between, options), options);
  });
}
