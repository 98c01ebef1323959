/**
 * Attention with its four linear maps. What is computed is softmax((q Wq + bq)(x Wk + bk)ᵀ / sqrt(d)) (x Wv + bv) Wo + bo;
 * how it is computed uses that
 * - the key bias adds the same to all scores of a query, which the softmax takes away again: it has no effect and no gradient;
 * - the rows of a softmax sum to one, so the value bias reaches the output as bv Wo;
 * - with one head, matrix products associate: (q Wq)(x Wk)ᵀ = (q Wq Wkᵀ) xᵀ = q (x Wk Wqᵀ)ᵀ, and weights · (x Wv) Wo may
 *   begin on the left or on the right. Few latents that read many inputs, and many queries that read few latents, each have
 *   an order that is several times cheaper than the usual one.
 */
import { concat, type Tensor } from '../graph/index.js';
import { evenSizes } from './chunks.js';
import { applyMap, type LinearMap } from './linearMap.js';
import { type Attended, scaledDotProductAttention } from './scaledDotProduct.js';
import type { Scope } from './scope.js';

/** The linear maps of an attention layer: weights `[D, E]`, `[C, E]`, `[C, V]`, `[V, O]`. */
export interface AttentionMaps {
  query: LinearMap;
  key: LinearMap;
  value: LinearMap;
  output: LinearMap;
}

/**
 * Multi-head attention, as a part of the scope, of queries `[B or 1, ..., N, D]` to inputs `[B, ..., M, C]` → output `[B, ..., N, O]`, weights
 * `[B, ..., heads, N, M]`.
 * @param bias added to the scores, `[B or 1, ..., heads or 1, N or 1, M]`: of keys that are left out (see `exclusionBias`), or
 *   of the relative position of query and key
 */
export function attention(
  scope: Scope,
  queries: Tensor,
  inputs: Tensor,
  maps: AttentionMaps,
  heads: number,
  bias?: Tensor,
): Attended {
  return heads === 1
    ? singleHead(scope, queries, inputs, maps, bias)
    : multiHead(scope, queries, inputs, maps, heads, bias);
}

function multiHead(
  scope: Scope,
  queries: Tensor,
  inputs: Tensor,
  { query, key, value, output }: AttentionMaps,
  heads: number,
  bias?: Tensor,
): Attended {
  const q = applyMap(query, queries);
  const k = inputs.matmul(key.weight);
  const v = applyMap(value, inputs);
  const attended = inParts(q, [k, v], bias, heads, (qs, [ks, vs], added) =>
    scope.part('cheap', () => scaledDotProductAttention(qs, ks, vs, { heads, bias: added })),
  );
  return { output: applyMap(output, attended.output), weights: attended.weights };
}

function singleHead(
  scope: Scope,
  queries: Tensor,
  inputs: Tensor,
  { query, key, value, output }: AttentionMaps,
  bias?: Tensor,
): Attended {
  const biasOfHead = bias?.reshape([...bias.shape.slice(0, -3), ...bias.shape.slice(-2)]);
  const attended = inParts(queries, [inputs], biasOfHead, 1, (q, [x], added) =>
    scope.part('cheap', () => {
      const own = scores(q, x, query, key);
      const weights = (added ? own.add(added) : own).softmax(-1);
      return { weights, output: read(weights, x, value.weight, output.weight) };
    }),
  );
  const fromValues = value.bias?.reshape([1, -1]).matmul(output.weight).reshape([-1]);
  const shift = [fromValues, output.bias].filter((b) => b !== undefined);
  const [lead, [n, m]] = [attended.weights.shape.slice(0, -2), attended.weights.shape.slice(-2)];
  return {
    output: shift.reduce((sum, b) => sum.add(b), attended.output),
    weights: attended.weights.reshape([...lead, 1, n, m]),
  };
}

/** Bytes of scores that are worked on at a time: they are passed over several times and should stay in a cache. */
const CHUNK_BYTES = 8 * 2 ** 20;

/**
 * Attends in parts, so that few scores exist at a time: by examples or groups where there are several, else by queries.
 * `inputs` are read by all queries of their example and group; `bias` is that of the scores.
 */
function inParts(
  q: Tensor,
  inputs: Tensor[],
  bias: Tensor | undefined,
  heads: number,
  attend: (q: Tensor, inputs: Tensor[], bias?: Tensor) => Attended,
): Attended {
  const rows = q.rank - 2;
  const scoreBytes = pairsOf(q, inputs[0]) * heads * 4;
  const extents = q.shape.slice(0, rows).map((n, a) => Math.max(n, inputs[0].shape[a]));
  const lead = extents.indexOf(Math.max(1, ...extents));
  const axis = extents[lead] > 1 ? lead : rows;
  // Every part by queries passes over all inputs, and gives a gradient of their size.
  const least =
    axis === rows
      ? Math.max(
          CHUNK_BYTES,
          inputs.reduce((bytes, t) => bytes + 8 * t.size, 0),
        )
      : CHUNK_BYTES;
  const count = Math.min(Math.floor(scoreBytes / least), axis === rows ? q.shape[rows] : extents[axis]);
  if (count < 2) return attend(q, inputs, bias);
  const sizes = evenSizes(axis === rows ? q.shape[rows] : extents[axis], count);
  const cut = (t: Tensor, along = axis) => (t.shape[along] === 1 ? sizes.map(() => t) : t.split(sizes, along));
  const uncut = (t: Tensor) => sizes.map(() => t);
  const queriesOf = cut(q);
  const inputsOf = inputs.map((t) => (axis === rows ? uncut(t) : cut(t)));
  const biasOf = bias && cut(bias, axis === rows ? bias.rank - 2 : axis);
  const parts = sizes.map((_, i) =>
    attend(
      queriesOf[i],
      inputsOf.map((t) => t[i]),
      biasOf?.[i],
    ),
  );
  const weightsAxis = axis === rows ? parts[0].weights.rank - 2 : axis;
  return {
    output: concat(
      parts.map((p) => p.output),
      axis,
    ),
    weights: concat(
      parts.map((p) => p.weights),
      weightsAxis,
    ),
  };
}

/** (q Wq + bq)(x Wk)ᵀ / sqrt(E) → `[B, ..., N, M]`, in the order of fewest multiplications. */
function scores(q: Tensor, x: Tensor, query: LinearMap, key: LinearMap): Tensor {
  const [width, inner] = query.weight.shape;
  const [channels] = key.weight.shape;
  const alpha = 1 / Math.sqrt(inner);
  const pairs = pairsOf(q, x);
  const [rowsOfQ, rowsOfX] = [q.size / width, x.size / channels];
  const order = cheapest({
    fromQueries: rowsOfQ * (width + channels) * inner + pairs * channels,
    fromBoth: rowsOfQ * width * inner + rowsOfX * channels * inner + pairs * inner,
    fromInputs: rowsOfX * (channels + width) * inner + pairs * width,
  });
  if (order === 'fromQueries') {
    return applyMap(query, q).matmul(key.weight, { transB: true }).matmul(x, { transB: true, alpha });
  }
  const k = x.matmul(key.weight);
  if (order === 'fromBoth') return applyMap(query, q).matmul(k, { transB: true, alpha });
  const pairwise = q.matmul(k.matmul(query.weight, { transB: true }), { transB: true, alpha });
  if (!query.bias) return pairwise;
  const perKey = k.matmul(query.bias.reshape([inner, 1]), { alpha });
  return pairwise.add(perKey.reshape([...perKey.shape.slice(0, -2), 1, perKey.shape[perKey.rank - 2]]));
}

/** weights · x Wv Wo → `[B, ..., N, O]`, in the order of fewest multiplications. */
function read(weights: Tensor, x: Tensor, value: Tensor, output: Tensor): Tensor {
  const [channels, inner] = value.shape;
  const width = output.shape[1];
  const pairs = weights.size;
  const rowsOfQ = pairs / weights.shape[weights.rank - 1];
  const rowsOfX = x.size / channels;
  const order = cheapest({
    inputsFirst: pairs * channels + rowsOfQ * (channels + width) * inner,
    valuesFirst: rowsOfX * channels * inner + pairs * inner + rowsOfQ * inner * width,
    outputsFirst: rowsOfX * (channels + width) * inner + pairs * width,
  });
  if (order === 'inputsFirst') return weights.matmul(x).matmul(value).matmul(output);
  if (order === 'valuesFirst') return weights.matmul(x.matmul(value)).matmul(output);
  return weights.matmul(x.matmul(value).matmul(output));
}

/** Scores of all queries with all inputs. */
function pairsOf(q: Tensor, x: Tensor): number {
  const [n, m] = [q.shape[q.rank - 2], x.shape[x.rank - 2]];
  return x.shape.slice(0, -2).reduce((product, size, i) => product * Math.max(size, q.shape[i]), n * m);
}

/** The name of the smallest number; the first of several. */
function cheapest<Name extends string>(costs: Record<Name, number>): Name {
  const names = Object.keys(costs) as Name[];
  return names.reduce((best, name) => (costs[name] < costs[best] ? name : best));
}
