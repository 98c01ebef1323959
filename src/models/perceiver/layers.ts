/**
 * The two layers that every Perceiver is made of. Unlike the transformer block they may have queries and keys of another
 * width than values, inputs of another width than queries, and queries that are not added to what they read.
 */
import type { Tensor } from '../../graph/index.js';
import {
  type ActivationName,
  activationByName,
  attention,
  dropout,
  exclusionBias,
  geglu,
  type LinearMap,
  linearMap,
  mlp,
  type Norm,
  normBefore,
  type Scope,
} from '../../nn/index.js';

/** What cross- and self-attention have in common. */
export interface LayerOptions {
  heads: number;
  /** Channels between the two maps of the MLP, as a multiple of its own. */
  widening: number;
  /** Of the MLP; `geglu` has two hidden maps, of which one is a gate (arXiv 2002.05202). */
  activation: ActivationName | 'geglu';
  /** Width of queries and keys together for all heads. Default: see each layer. */
  queryKeyChannels?: number;
  /** Width of the values. Default that of queries and keys. */
  valueChannels?: number;
  /** Whether queries, keys and values have a bias. Default true. */
  inputBias?: boolean;
  /** Share of the values of both branches that is dropped while training. Default 0. */
  dropout?: number;
  /** Tells apart the draws of several uses of the same weights. */
  use?: number;
}

/** Options of {@link crossAttention}. */
export interface CrossAttentionOptions extends LayerOptions {
  /** Whether the queries are added to what they read. */
  residual: boolean;
  /** Whose width queries and keys have by default. Default that of the inputs. */
  widthOf?: 'inputs' | 'queries';
  /** Inputs that may be read (1) and those that may not (0): `[B, M]`. */
  readable?: Tensor;
  /** Queries that read (1) and those that get nothing (0): `[B, N]`. A query without any readable input gets nothing either. */
  reading?: Tensor;
}

/** Queries `[B or 1, N, D]` read inputs `[B, M, C]`, and an MLP follows: → `[B, N, D]`. */
export function crossAttention(scope: Scope, queries: Tensor, inputs: Tensor, options: CrossAttentionOptions): Tensor {
  const { residual, widthOf = 'inputs', readable, reading } = options;
  const [queryWidth, inputWidth] = [queries.shape[2], inputs.shape[2]];
  const inner = innerWidths(options, widthOf === 'inputs' ? inputWidth : queryWidth);
  return scope.part('layers', () => {
    const norms = {
      queries: normBefore(scope.child('query_norm'), queries, inner.queryKey),
      inputs: normBefore(scope.child('input_norm'), inputs, inner.queryKey + inner.value),
    };
    const read = attend(scope, queries, inputs, norms, inner, options, readable && exclusionBias(readable));
    const output = mute(read.values, read.output, readable, reading);
    const own = dropped(scope, 'attention', output, options);
    const x = residual ? queries.add(own) : own;
    return x.add(perceptron(scope, x, options));
  });
}

/** Latents `[B, N, D]` read each other, and an MLP follows: → the same. */
export function selfAttention(scope: Scope, x: Tensor, options: LayerOptions): Tensor {
  const inner = innerWidths(options, x.shape[2]);
  return scope.part('layers', () => {
    const norm = normBefore(scope.child('norm'), x, 2 * inner.queryKey + inner.value);
    const { values } = attend(scope, x, x, { queries: norm, inputs: norm }, inner, options);
    const y = x.add(dropped(scope, 'attention', values, options));
    return y.add(perceptron(scope, y, options));
  });
}

interface InnerWidths {
  queryKey: number;
  value: number;
}

function innerWidths({ queryKeyChannels, valueChannels }: LayerOptions, width: number): InnerWidths {
  const queryKey = queryKeyChannels ?? width;
  return { queryKey, value: valueChannels ?? queryKey };
}

/** Attention with its maps; its weights `[B, heads, N, M]` are made known as `<path>/weights`. */
function attend(
  scope: Scope,
  queries: Tensor,
  inputs: Tensor,
  norms: { queries: Norm; inputs: Norm },
  { queryKey, value }: InnerWidths,
  { heads, inputBias = true, use = 0 }: LayerOptions,
  bias?: Tensor,
): { values: Tensor; output: LinearMap } {
  const own = scope.child('attention');
  const [queryWidth, inputWidth] = [queries.shape[2], inputs.shape[2]];
  const map = (name: string, from: number, to: number) => linearMap(own.child(name), from, to, { bias: inputBias });
  const maps = {
    query: norms.queries.absorb(map('query', queryWidth, queryKey)),
    key: norms.inputs.absorb(map('key', inputWidth, queryKey)),
    value: norms.inputs.absorb(map('value', inputWidth, value)),
    output: linearMap(own.child('output'), value, queryWidth),
  };
  const q = norms.queries.apply(queries);
  const x = queries === inputs ? q : norms.inputs.apply(inputs);
  const { output, weights } = attention(scope, q, x, maps, heads, bias);
  scope.tap(own.nameOf(use === 0 ? 'weights' : `weights_${use}`), weights);
  return { values: output, output: maps.output };
}

/** What queries that read nothing get: the output map's bias alone, as for values of zero. */
function mute(values: Tensor, output: LinearMap, readable?: Tensor, reading?: Tensor): Tensor {
  if (!readable && !reading) return values;
  const anything = readable?.max(1, true);
  const answered = anything && reading ? anything.mul(reading) : (anything ?? reading)!;
  const factor = answered.reshape([...answered.shape, 1]);
  const kept = values.mul(factor);
  return output.bias ? kept.add(factor.neg().add(1).mul(output.bias)) : kept;
}

function dropped(scope: Scope, branch: string, x: Tensor, { dropout: rate = 0, use = 0 }: LayerOptions): Tensor {
  return dropout(scope.child(`${branch}_${use}`), x, rate);
}

/** Norm, MLP and dropout: `[B, N, C]` → the same. */
function perceptron(scope: Scope, x: Tensor, options: LayerOptions): Tensor {
  const { activation, widening } = options;
  const channels = x.shape[2];
  const width = channels * widening;
  const hiddenWidth = activation === 'geglu' ? 2 * width : width;
  const own = scope.child('mlp');
  const y = mlp(scope, x, {
    hidden: linearMap(own.child('hidden'), channels, hiddenWidth),
    output: linearMap(own.child('output'), width, channels),
    activation: activation === 'geglu' ? geglu : activationByName(activation),
    norm: normBefore(scope.child('mlp_norm'), x, hiddenWidth),
  });
  return dropped(scope, 'mlp', y, options);
}
