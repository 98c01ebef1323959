/** Contrastive losses: embeddings of the same thing attract, all others of the batch repel. */
import { ensure } from '../errors/index.js';
import { concat, constant, show, type Tensor } from '../graph/index.js';

/** Keeps the division by the length finite where a vector is 0; as in PyTorch's `normalize`. */
const SMALLEST_LENGTH = 1e-12;
/** Replaces the similarity of an embedding with itself. */
const EXCLUDED = -1e30;

/** Divides the last axis by its Euclidean length. */
export function l2Normalize(x: Tensor): Tensor {
  // The floor is on the square, so that the gradient of the root stays finite at 0.
  return x.div(
    x
      .mul(x)
      .sum(-1, true)
      .maximum(SMALLEST_LENGTH ** 2)
      .sqrt(),
  );
}

/** Cosine similarities over the temperature: a `[N, D]`, b `[M, D]` → `[N, M]`. */
export function cosineLogits(a: Tensor, b: Tensor, temperature: number): Tensor {
  ensure(temperature > 0, () => `The temperature of a contrastive loss is ${temperature} but must be above 0.`);
  return l2Normalize(a).matmul(l2Normalize(b), { transB: true, alpha: 1 / temperature });
}

/** Cross-entropy of a square matrix of logits whose row i should choose column i. */
function diagonalCrossEntropy(logits: Tensor): Tensor {
  return logits.logSoftmax(-1).mul(identity(logits.shape[0])).sum(-1).mean().neg();
}

/**
 * InfoNCE in one direction: each row of a should find its own row of b among all rows of b (arXiv 1807.03748).
 * @param a `[N, D]`
 * @param b `[N, D]`
 */
export function infoNceOneWay(a: Tensor, b: Tensor, temperature: number): Tensor {
  checkPairs('infoNceOneWay', a, b);
  return diagonalCrossEntropy(cosineLogits(a, b, temperature));
}

/** InfoNCE, the mean of both directions, as in CLIP (arXiv 2103.00020). Shapes as in {@link infoNceOneWay}. */
export function infoNce(a: Tensor, b: Tensor, temperature: number): Tensor {
  checkPairs('infoNce', a, b);
  const logits = cosineLogits(a, b, temperature);
  return diagonalCrossEntropy(logits).add(diagonalCrossEntropy(logits.transpose())).mul(0.5);
}

/**
 * SimCLR's NT-Xent: each of the 2N views should find its partner among the 2N - 1 others (arXiv 2002.05709).
 * Shapes as in {@link infoNceOneWay}.
 */
export function ntXent(a: Tensor, b: Tensor, temperature: number): Tensor {
  checkPairs('ntXent', a, b);
  const [count] = a.shape;
  const views = concat([a, b], 0);
  const itself = identity(2 * count).greater(0);
  const logProbabilities = itself.where(EXCLUDED, cosineLogits(views, views, temperature)).logSoftmax(-1);
  const partner = squareMask(2 * count, (row, column) => (row + count) % (2 * count) === column);
  return logProbabilities.mul(partner).sum(-1).mean().neg();
}

/** Options of {@link milNce}. */
export interface MilNceOptions {
  temperature: number;
  /**
   * How often the positives count in the denominator: `twice` as in VATT (rows and columns both hold them),
   * `once` as in the paper.
   */
  positives?: 'once' | 'twice';
}

/**
 * MIL-NCE: a clip and K candidate sentences, any of which may be its own (arXiv 1912.06430). The mean over clips of
 * log(all sentences for clip i, and all clips for the sentences of i) - log(clip i with its own sentences), where
 * log(…) is the log-sum-exp of cosine similarities over the temperature.
 * @param clips `[N, D]`
 * @param sentences `[N, K, D]`
 */
export function milNce(clips: Tensor, sentences: Tensor, { temperature, positives = 'once' }: MilNceOptions): Tensor {
  const similarity = milNceLogits(clips, sentences, temperature);
  const [count, , candidates] = similarity.shape;
  const own = identity(count).reshape([count, count, 1]).greater(0);
  const positive = own.where(similarity, EXCLUDED);
  const rows = similarity.reshape([count, count * candidates]);
  const columns = (positives === 'twice' ? similarity : own.where(EXCLUDED, similarity))
    .transpose([1, 0, 2])
    .reshape([count, count * candidates]);
  const denominator = logSumExp(concat([rows, columns], 1));
  return denominator.sub(logSumExp(positive.reshape([count, count * candidates]))).mean();
}

/** Cosine similarities over the temperature of clip i and sentence k of clip j: `[N, N, K]`. */
export function milNceLogits(clips: Tensor, sentences: Tensor, temperature: number): Tensor {
  ensure(
    clips.rank === 2 &&
      sentences.rank === 3 &&
      sentences.shape[0] === clips.shape[0] &&
      sentences.shape[2] === clips.shape[1],
    () => `milNce: sentences ${show(sentences.shape)} should be [N, K, D] for clips ${show(clips.shape)}, [N, D].`,
  );
  const [count, candidates, dim] = sentences.shape;
  return cosineLogits(clips, sentences.reshape([count * candidates, dim]), temperature).reshape([
    count,
    count,
    candidates,
  ]);
}

/** log(sum(exp(x))) over the last axis. */
function logSumExp(x: Tensor): Tensor {
  const largest = x.max(-1, true).stopGradient();
  return x.sub(largest).exp().sum(-1, true).log().add(largest).reshape(x.shape.slice(0, -1));
}

function identity(size: number): Tensor {
  return squareMask(size, (row, column) => row === column);
}

/** 1 where `holds`, else 0: f32 `[size, size]`. */
function squareMask(size: number, holds: (row: number, column: number) => boolean): Tensor {
  return constant(
    Float32Array.from({ length: size * size }, (_, at) => Number(holds(Math.floor(at / size), at % size))),
    [size, size],
  );
}

function checkPairs(loss: string, a: Tensor, b: Tensor): void {
  ensure(
    a.rank === 2 && show(a.shape) === show(b.shape),
    () => `${loss}: needs two sets of embeddings [N, D] of one shape, not ${show(a.shape)} and ${show(b.shape)}.`,
  );
}
