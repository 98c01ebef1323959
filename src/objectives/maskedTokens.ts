/** Masked-image modelling (BEiT, arXiv 2106.08254): the visual token of every masked patch is to be predicted. */
import { constant, type Tensor } from '../graph/index.js';
import { crossEntropy } from './losses.js';

/** Marks places of a list that hold nothing, and labels that do not count. */
const NOTHING = -1;

/**
 * The masked patches of a batch, as places in `[B·N]` in row-major order.
 * @param masks `[B, N]`, 1 = masked
 * @param count length of the list: what is left over holds -1, and patches beyond it are left out. Default: all that are masked.
 */
export function maskedPlaces(masks: ArrayLike<number>, count?: number): Int32Array {
  const places: number[] = [];
  for (let at = 0; at < masks.length; at++) if (masks[at] !== 0) places.push(at);
  return Int32Array.from({ length: count ?? places.length }, (_, i) => places[i] ?? NOTHING);
}

/** Tokens `[B, N, C]` (or `[B, N]` i32) at places `[M]` i32 → `[M, C]` (or `[M]`); the first row stands where a place is -1. */
export function atPlaces(tokens: Tensor, places: Tensor): Tensor {
  const [batch, count, ...channels] = tokens.shape;
  const first = constant(Int32Array.of(0), [], 'i32');
  const rows = places.less(first).where(first, places);
  return tokens.reshape([batch * count, ...channels]).gather(rows, 0);
}

/** The labels `[B, N]` i32 of the places `[M]`, with -1 where a place is -1. */
export function labelsAt(labels: Tensor, places: Tensor): Tensor {
  const nothing = constant(Int32Array.of(NOTHING), [], 'i32');
  return places.equal(nothing).where(nothing, atPlaces(labels, places));
}

/** Mean cross-entropy over the masked patches that count, and the share of them whose most probable token is right. */
export interface MaskedTokenLoss {
  loss: Tensor;
  accuracy: Tensor;
}

/**
 * @param logits of the masked patches, `[M, vocabulary]`
 * @param labels `[M]` i32, -1 = does not count
 */
export function maskedTokenLoss(logits: Tensor, labels: Tensor): MaskedTokenLoss {
  const counts = labels.greaterEqual(constant(Int32Array.of(0), [], 'i32')).cast('f32');
  const right = logits.topK(1).indices.reshape(labels.shape).equal(labels).cast('f32');
  return {
    loss: crossEntropy(logits, labels, { ignore: NOTHING }),
    accuracy: right.mul(counts).sum().div(counts.sum().maximum(1)),
  };
}
