/** The block that HiP and its Perceiver IO are made of: cross-attention into latents, then self-attention. */
import { ensure } from '../errors/index.js';
import { sameShape, show, type Tensor } from '../graph/index.js';
import {
  attention,
  dropout,
  exclusionBias,
  linear,
  linearMap,
  type Norm,
  normBefore,
  mlp as perceptron,
  type Scope,
  table,
} from '../nn/index.js';
import { selectRows } from './rows.js';

interface AttentionOptions {
  heads: number;
  queryKeyChannels: number;
  valueChannels: number;
  dropoutProb?: number;
  readable?: Tensor;
}

/**
 * Attention with its norms and projections. Its weights `[B, G, heads, N, M]` are made known as `<path>.weights`. The norm
 * and the values of queries and inputs are the same for self-attention.
 */
function attend(
  scope: Scope,
  queries: Tensor,
  inputs: Tensor,
  norms: { queries: Norm; inputs: Norm },
  options: AttentionOptions,
): Tensor {
  const { heads, queryKeyChannels, valueChannels, dropoutProb = 0, readable } = options;
  const [queryWidth, inputWidth] = [queries.shape[3], inputs.shape[3]];
  const maps = {
    query: norms.queries.absorb(linearMap(scope.child('query_linear'), queryWidth, queryKeyChannels)),
    key: norms.inputs.absorb(linearMap(scope.child('key_linear'), inputWidth, queryKeyChannels)),
    value: norms.inputs.absorb(linearMap(scope.child('value_linear'), inputWidth, valueChannels)),
    output: linearMap(scope.child('attention_output_linear'), valueChannels, queryWidth),
  };
  const q = norms.queries.apply(queries);
  const x = queries === inputs ? q : norms.inputs.apply(inputs);
  const bias = readable && exclusionBias(readable.reshape(readable.shape.slice(0, 3)));
  const { output, weights } = attention(scope, q, x, maps, heads, bias);
  scope.tap(scope.nameOf('weights'), weights);
  return dropout(scope, output, dropoutProb);
}

/** Norm, linear, squared ReLU, linear. */
function mlp(scope: Scope, normScope: Scope, x: Tensor, wideningFactor: number, dropoutProb = 0): Tensor {
  const channels = x.shape[x.rank - 1];
  const width = channels * wideningFactor;
  const y = perceptron(scope, x, {
    norm: normBefore(normScope, x, width),
    hidden: linearMap(scope.child('mlp_hidden_linear'), channels, width),
    output: linearMap(scope.child('mlp_output_linear'), width, channels),
    activation: (hidden) => hidden.squaredRelu(),
  });
  return dropout(scope, y, dropoutProb);
}

/** Sizes of {@link crossAttention}. */
export interface CrossAttentionOptions {
  heads: number;
  wideningFactor: number;
  /** Width of queries and keys, and of values. */
  queryKeyChannels: number;
  valueChannels: number;
  /** Whether the queries are added to what they read (blocks: yes; reconstruction heads: no). */
  residual: boolean;
  /** Inputs that may be read (1) and those that are left out (0), `[B or 1, G, M, 1]`; all where absent. */
  readable?: Tensor;
}

/** `HiPCrossAttention`: queries `[B or 1, G, N, D]` read inputs `[B, G, M, C]` → `[B, G, N, D]`. */
export function crossAttention(scope: Scope, queries: Tensor, inputs: Tensor, options: CrossAttentionOptions): Tensor {
  const norms = {
    queries: normBefore(scope.child('layer_norm'), queries, options.queryKeyChannels),
    inputs: normBefore(scope.child('layer_norm_1'), inputs, options.queryKeyChannels + options.valueChannels),
  };
  const read = attend(scope.child('attention'), queries, inputs, norms, options);
  const a = options.residual ? read.add(queries) : read;
  return a.add(mlp(scope.child('dense'), scope.child('layer_norm_2'), a, options.wideningFactor));
}

interface SelfAttentionOptions {
  heads: number;
  wideningFactor: number;
  dropoutProb: number;
  dropPathRate: number;
}

/** One self-attention layer inside each group: `[B, G, N, D]` → the same. */
function selfAttention(
  scope: Scope,
  x: Tensor,
  { heads, wideningFactor, dropoutProb, dropPathRate }: SelfAttentionOptions,
): Tensor {
  const [batch, , , channels] = x.shape;
  const keep = dropPath(scope, batch, dropPathRate);
  const norm = normBefore(scope.child('layer_norm'), x, 3 * channels);
  const options = { heads, queryKeyChannels: channels, valueChannels: channels, dropoutProb };
  const attended = attend(scope.child('attention'), x, x, { queries: norm, inputs: norm }, options);
  const a = x.add(keep(attended, 0));
  return a.add(keep(mlp(scope.child('dense'), scope.child('layer_norm_1'), a, wideningFactor, dropoutProb), 1));
}

/** Stochastic depth: per example and branch (0: attention, 1: MLP) keeps or drops, without rescaling what is kept. */
function dropPath(scope: Scope, batch: number, rate: number): (branch: Tensor, index: 0 | 1) => Tensor {
  if (!scope.training || rate === 0) return (branch) => branch;
  const keep = scope.draw(`drop_keep.${scope.nameOf('~/stochastic_depth')}`, [2, batch], { kind: 'keep', rate });
  return (branch, index) => branch.mul(keep.slice([[index, index + 1]]).reshape([batch, 1, 1, 1]));
}

/** Sizes of {@link perceiverBlock}. */
export interface BlockOptions {
  /** Latents per group at evaluation (rows of the query table) and while training (a random subset of them). */
  numLatentsEval: number;
  numLatentsTrain: number;
  channels: number;
  numSelfAttends: number;
  crossHeads: number;
  selfHeads: number;
  crossWideningFactor: number;
  selfWideningFactor: number;
  dropoutProb: number;
  dropPathRate: number;
  /** Output of the encoder block on the other side of the processor, added to the queries. */
  skip?: Tensor;
  /**
   * Inputs that may be read (1) and those that are left out (0), `[B or 1, G, M, 1]`; all where absent. Self-attention needs
   * no mask of its own: the latents of a group have all read the same inputs, and count or do not count together.
   */
  readable?: Tensor;
}

/** `PerceiverBlock`: inputs `[B, G, M, C]` → latents `[B, G, N, D]`. */
export function perceiverBlock(scope: Scope, inputs: Tensor, options: BlockOptions): Tensor {
  const { channels } = options;
  const cross = scope.child('~/hi_p_cross_attention');
  const inputChannels = inputs.shape[3];
  let latents = scope.part('layers', () =>
    crossAttention(cross, latentQueries(cross, inputs, options), inputs, {
      heads: options.crossHeads,
      wideningFactor: options.crossWideningFactor,
      queryKeyChannels: inputChannels,
      valueChannels: inputChannels,
      residual: true,
      readable: options.readable,
    }),
  );
  for (let i = 0; i < options.numSelfAttends; i++) {
    const before = latents;
    latents = scope.part('layers', () =>
      selfAttention(scope.child(`~/self_attend_id_${i}`), before, {
        heads: options.selfHeads,
        wideningFactor: options.selfWideningFactor,
        dropoutProb: options.dropoutProb,
        dropPathRate: options.dropPathRate,
      }),
    );
  }
  ensure(latents.shape[3] === channels, () => `${scope.path}: ${latents} should have ${channels} channels.`);
  return latents;
}

/** The learned queries of a block, `[1 or B, G, N, D]`: a random subset of them while training where so configured. */
function latentQueries(scope: Scope, inputs: Tensor, options: BlockOptions): Tensor {
  const { numLatentsEval, numLatentsTrain, channels, skip } = options;
  const [batch, groups] = inputs.shape;
  ensure(
    numLatentsTrain <= numLatentsEval,
    () =>
      `${scope.path}: ${numLatentsTrain} latents for training cannot be chosen among the ${numLatentsEval} of evaluation: raise the latter.`,
  );
  let queries = table(scope.child('query_inputs'), groups * numLatentsEval, channels).reshape([
    1,
    groups,
    numLatentsEval,
    channels,
  ]);
  const subsampled = scope.training && numLatentsTrain < numLatentsEval;
  if (subsampled) {
    const indices = scope.draw(`query_indices.${scope.path}`, [batch, groups, numLatentsTrain], {
      kind: 'subset',
      from: numLatentsEval,
    });
    queries = selectRows(queries, indices);
  }
  if (!skip) return queries;
  const adapted =
    skip.shape[3] === channels ? skip : linear(scope.child('pre_attention_residual_linear'), skip, channels);
  ensure(
    sameShape(adapted.shape.slice(1), queries.shape.slice(1)),
    () =>
      `U-Net skip ${show(skip.shape)} does not fit the queries ${show(queries.shape)}: mirrored blocks need equal groups and latents.`,
  );
  return queries.add(adapted);
}
