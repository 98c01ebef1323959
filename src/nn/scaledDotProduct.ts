/** Scaled dot-product attention over any number of leading axes (Vaswani et al. 2017, arXiv 1706.03762, section 3.2). */
import { ensure } from '../errors/index.js';
import { constant, type Shape, show, type Tensor } from '../graph/index.js';

/**
 * Excluded scores become this before the softmax, or are lowered by it: its exponential is 0, and it is finite, in halves too,
 * so that a query without any key gets weights and not NaN.
 */
const EXCLUDED_SCORE = -30_000;

/** Heads, and which keys a query sees. */
export interface ScaledDotProductOptions {
  /** Channels are split into this many heads, head-major: head h has the channels h·d … (h+1)·d. */
  heads: number;
  /** Added to the scores; broadcasts to `[..., H, N, M]`. */
  bias?: Tensor;
  /** Keys left out for all queries: bool `[..., M]`, true = excluded. */
  keyMask?: Tensor;
  /** Query i sees the keys 0 … i alone; needs as many keys as queries. */
  causal?: boolean;
}

/** What attention gives. */
export interface Attended {
  /** `[..., N, H·dv]` */
  output: Tensor;
  /** What each query took from each key, `[..., H, N, M]`; rows sum to 1. */
  weights: Tensor;
}

/**
 * softmax(q·kᵀ / sqrt(d) + bias)·v for each head.
 *
 * Leading axes broadcast, so that learned queries `[1, G, N, C]` can read a batch `[B, G, M, C]` without being repeated.
 *
 * @param q queries `[..., N, H·d]`
 * @param k keys `[..., M, H·d]`
 * @param v values `[..., M, H·dv]`
 * @throws HiperceiverError where channels do not divide into heads, or queries, keys, values and masks do not fit.
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { heads, bias, keyMask, causal = false }: ScaledDotProductOptions,
): Attended {
  checkShapes(q, k, v, heads);
  const scale = 1 / Math.sqrt(q.shape[q.rank - 1] / heads);
  let scores = splitHeads(q, heads).matmul(splitHeads(k, heads), { transB: true, alpha: scale });
  if (bias) scores = scores.add(bias);
  const excluded = exclusion(q.shape[q.rank - 2], k.shape[k.rank - 2], keyMask, causal);
  if (excluded) scores = excluded.where(EXCLUDED_SCORE, scores);
  const weights = scores.softmax(-1);
  return { output: mergeHeads(weights.matmul(splitHeads(v, heads))), weights };
}

/**
 * What is added to the scores of keys so that some are left out: `readable` `[..., M]`, 1 = may be read and 0 = left out, →
 * `[..., 1, 1, M]` of 0 and the excluded score, for all heads and queries. An addition costs nothing in the backward pass, as a choice would.
 */
export function exclusionBias(readable: Tensor): Tensor {
  const [lead, keys] = [readable.shape.slice(0, -1), readable.shape[readable.rank - 1]];
  return readable
    .sub(1)
    .mul(-EXCLUDED_SCORE)
    .reshape([...lead, 1, 1, keys]);
}

/** `[..., N, H·d]` → `[..., H, N, d]`; one head needs no transpose. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const lead = x.shape.slice(0, -2);
  const [length, channels] = x.shape.slice(-2);
  if (heads === 1) return x.reshape([...lead, 1, length, channels]);
  return x.reshape([...lead, length, heads, channels / heads]).transpose(swapHeads(x.rank + 1));
}

/** `[..., H, N, d]` → `[..., N, H·d]` */
function mergeHeads(x: Tensor): Tensor {
  const lead = x.shape.slice(0, -3);
  const [heads, length, size] = x.shape.slice(-3);
  const together = heads === 1 ? x : x.transpose(swapHeads(x.rank));
  return together.reshape([...lead, length, heads * size]);
}

/** The order of axes that swaps the third and second last. */
function swapHeads(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i);
  return [...axes.slice(0, -3), rank - 2, rank - 3, rank - 1];
}

/** Which scores `[..., H, N, M]` are left out, in a shape that broadcasts to theirs. */
function exclusion(queries: number, keys: number, keyMask: Tensor | undefined, causal: boolean): Tensor | undefined {
  const absent = keyMask && maskOfKeys(keyMask, keys);
  if (!causal) return absent;
  ensure(
    queries === keys,
    () => `Causal attention needs as many keys as queries, not ${keys} keys for ${queries} queries.`,
  );
  const later = constant(
    Uint8Array.from({ length: queries * keys }, (_, at) => Number(at % keys > Math.floor(at / keys))),
    [queries, keys],
    'bool',
  );
  return absent ? absent.or(later) : later;
}

/** `[..., M]` → `[..., 1, 1, M]`: the same for all heads and queries. */
function maskOfKeys(keyMask: Tensor, keys: number): Tensor {
  ensure(
    keyMask.dtype === 'bool' && keyMask.shape[keyMask.rank - 1] === keys,
    () => `The key mask of attention must be bool [..., ${keys}], not ${keyMask}.`,
  );
  return keyMask.reshape([...keyMask.shape.slice(0, -1), 1, 1, keys]);
}

function checkShapes(q: Tensor, k: Tensor, v: Tensor, heads: number): void {
  const last = (x: Tensor, n: number) => x.shape[x.rank - n];
  const shapes = (...all: { shape: Shape }[]) => all.map(({ shape }) => show(shape)).join(', ');
  ensure(
    q.rank >= 2 && k.rank >= 2 && v.rank >= 2,
    () => `Attention needs queries, keys and values [..., N, C], not ${shapes(q, k, v)}.`,
  );
  ensure(
    last(q, 1) === last(k, 1),
    () => `Attention: queries ${show(q.shape)} and keys ${show(k.shape)} differ in channels.`,
  );
  ensure(
    last(k, 2) === last(v, 2),
    () => `Attention: keys ${show(k.shape)} and values ${show(v.shape)} differ in number.`,
  );
  ensure(
    Number.isInteger(heads) && heads > 0 && last(q, 1) % heads === 0 && last(v, 1) % heads === 0,
    () => `Attention: ${last(q, 1)} key and ${last(v, 1)} value channels do not divide into ${heads} heads.`,
  );
}
