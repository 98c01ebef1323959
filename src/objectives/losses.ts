/** Losses as graph nodes, each a scalar that is a mean over the examples. */
import { ensure } from '../errors/index.js';
import { constant, scalar, show, type Tensor } from '../graph/index.js';

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions {
  /** This share of the target is spread evenly over all classes, the true one included. */
  labelSmoothing?: number;
  /** Examples of this label do not count; the mean is over the others, and 0 where there are none. */
  ignore?: number;
}

/**
 * Cross-entropy with one true class for each example.
 * @param logits `[N, C]`
 * @param labels `[N]` i32, 0 … C-1, or `ignore`
 */
export function crossEntropy(
  logits: Tensor,
  labels: Tensor,
  { labelSmoothing = 0, ignore }: CrossEntropyOptions = {},
): Tensor {
  ensure(
    logits.rank === 2 && labels.rank === 1 && labels.shape[0] === logits.shape[0],
    () => `crossEntropy: labels ${show(labels.shape)} should be [${logits.shape[0]}] for logits ${show(logits.shape)}.`,
  );
  ensure(
    labelSmoothing >= 0 && labelSmoothing <= 1,
    () => `crossEntropy: labelSmoothing is ${labelSmoothing} but must lie in 0 to 1.`,
  );
  const logProbabilities = logits.logSoftmax(-1);
  // A choice by mask, not a product with a one-hot vector: a class of probability 0 has -Infinity, and 0 · Infinity is NaN.
  const classes = constant(
    Int32Array.from({ length: logits.shape[1] }, (_, c) => c),
    [1, logits.shape[1]],
    'i32',
  );
  const own = labels.reshape([-1, 1]).equal(classes).where(logProbabilities, 0).sum(-1);
  const target =
    labelSmoothing === 0 ? own : own.mul(1 - labelSmoothing).add(logProbabilities.mean(-1).mul(labelSmoothing));
  if (ignore === undefined) return target.mean().neg();
  const isIgnored = labels.equal(constant(Int32Array.of(ignore), [], 'i32'));
  const count = isIgnored.not().cast('f32').sum().maximum(1);
  return isIgnored.where(0, target).sum().neg().div(count);
}

/**
 * Cross-entropy with a distribution as target (mixup, distillation).
 * @param logits `[N, C]`
 * @param targets `[N, C]`, rows sum to 1
 */
export function softCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  checkSame('softCrossEntropy', logits, targets);
  return logits.logSoftmax(-1).mul(targets).sum(-1).mean().neg();
}

/**
 * Binary cross-entropy of each element, averaged over all (multi-label classification).
 * @param logits `[...]`
 * @param targets `[...]`, 0 … 1
 */
export function binaryCrossEntropyWithLogits(logits: Tensor, targets: Tensor): Tensor {
  checkSame('binaryCrossEntropyWithLogits', logits, targets);
  // max(x, 0) - x·t + log(1 + exp(-|x|)), which overflows nowhere; |x| is max(x, 0) twice less x.
  const positive = logits.relu();
  const softplus = logits.sub(positive).sub(positive).exp().add(1).log();
  return positive.sub(logits.mul(targets)).add(softplus).mean();
}

/**
 * Smooth L1 (Huber / beta): d²/(2·beta) where |d| < beta, |d| - beta/2 beyond; averaged over all elements.
 * @param prediction `[...]`
 * @param target `[...]`
 */
export function smoothL1(prediction: Tensor, target: Tensor, beta = 1): Tensor {
  checkSame('smoothL1', prediction, target);
  ensure(beta > 0, () => `smoothL1: beta is ${beta} but must be above 0.`);
  const distance = prediction.sub(target).abs();
  // With the part below beta called q: q·(|d| - q/2)/beta is d²/(2·beta) where q = |d|, and |d| - beta/2 where q = beta.
  const near = distance.minimum(beta);
  return near
    .mul(distance.sub(near.mul(0.5)))
    .mean()
    .mul(1 / beta);
}

/**
 * Mean squared error over the masked elements, the loss of masked auto-encoding:
 * sum(mask · (prediction - target)²) / (C · sum(mask)); 0 where nothing is masked.
 * @param prediction `[B, N, C]`
 * @param target `[B, N, C]`
 * @param mask `[B, N]`, 1 = masked and so predicted, 0 = seen; or weights between
 */
export function maskedMeanSquaredError(prediction: Tensor, target: Tensor, mask: Tensor): Tensor {
  checkSame('maskedMeanSquaredError', prediction, target);
  const channels = prediction.shape[prediction.rank - 1];
  ensure(
    show(mask.shape) === show(prediction.shape.slice(0, -1)),
    () =>
      `maskedMeanSquaredError: mask ${show(mask.shape)} should be ${show(prediction.shape.slice(0, -1))} for predictions ${show(prediction.shape)}.`,
  );
  const error = prediction.sub(target);
  const rows = error.mul(error).sum(-1).mul(mask).sum();
  const count = mask.sum();
  return rows.div(count.equal(scalar(0)).where(1, count).mul(channels));
}

function checkSame(loss: string, a: Tensor, b: Tensor): void {
  ensure(
    show(a.shape) === show(b.shape),
    () => `${loss}: predictions ${show(a.shape)} and targets ${show(b.shape)} differ in shape.`,
  );
}
