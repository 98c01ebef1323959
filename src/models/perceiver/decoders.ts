/** What is asked of the latents: a query for each output, which cross-attention answers (arXiv 2107.14795, section 3.2). */
import { concat, type Tensor } from '../../graph/index.js';
import { applyMap, linearMap, type Scope, zeros } from '../../nn/index.js';
import { crossAttention, type LayerOptions } from './layers.js';
import { cutFanIn, type Positions, positionRows } from './positions.js';

/** Where the queries of a decoder come from. */
export interface QueryConfig {
  /** Outputs on each axis. */
  indexShape: readonly number[];
  positions: Positions;
  /** Whether the input's features without positions stand in front of the positions. Default false. */
  concatInputs?: boolean;
}

/** What a query may depend on beside its place. */
export interface QueryContext {
  /** Features of the input, `[B, K, C]`. */
  features?: Tensor;
  /** Fourier features of the places that are decoded, `[B or 1, K, F]`; the whole grid where absent. */
  at?: Tensor;
}

/** Queries `[B or 1, K, C]`. */
export function queryRows(scope: Scope, config: QueryConfig, { features, at }: QueryContext = {}): Tensor {
  const places = positionRows(scope, config.positions, config.indexShape, at);
  if (!config.concatInputs || !features) return places;
  const [batch, count] = features.shape;
  return concat([features, places.expand([batch, count, places.shape[2]])], 2);
}

/** How queries are answered. */
export interface DecoderConfig {
  heads: number;
  queryKeyChannels?: number;
  valueChannels?: number;
  /** Whether queries are added to what they read. */
  queryResidual: boolean;
  /** Of the last linear layer; none where absent, and the answer is as wide as the query. */
  outputs?: number;
  activation: LayerOptions['activation'];
}

/** Perceiver IO's settings where nothing else is said. */
export const decoderDefaults = {
  heads: 1,
  queryResidual: false,
  activation: 'geluTanh',
} as const satisfies Partial<DecoderConfig>;

/**
 * Answers queries `[B or 1, K, Q]` from latents `[B, N, D]`: → `[B, K, outputs]`.
 * @param reading queries that are real (1) and those that get nothing (0), `[B, K]`
 */
export function decode(
  scope: Scope,
  queries: Tensor,
  latents: Tensor,
  config: DecoderConfig,
  reading?: Tensor,
): Tensor {
  const answers = crossAttention(scope.child('cross_attention'), queries, latents, {
    heads: config.heads,
    widening: 1,
    activation: config.activation,
    queryKeyChannels: config.queryKeyChannels,
    valueChannels: config.valueChannels,
    residual: config.queryResidual,
    reading,
  });
  if (config.outputs === undefined) return answers;
  const width = answers.shape[2];
  return applyMap(linearMap(scope.child('output'), width, config.outputs, { initializer: cutFanIn(width) }), answers);
}

/** Mean over the latents `[B, N, D]`, then a linear layer that begins at zero: → `[B, outputs]`. */
export function project(scope: Scope, pooled: Tensor, outputs: number): Tensor {
  return applyMap(linearMap(scope.child('output'), pooled.shape[1], outputs, { initializer: zeros }), pooled);
}
