/** Training a discrete auto-encoder: reconstruct images from relaxed choices of tokens (Ramesh et al. 2021, arXiv 2102.12092). */
import { ensure } from '../errors/index.js';
import { show, type Tensor } from '../graph/index.js';
import { type Key, uniform } from '../random/index.js';

/** Both parts of the loss, each per value of the image. */
export interface DiscreteVaeLoss {
  loss: Tensor;
  /** Negative log-likelihood of the pixels. */
  reconstruction: Tensor;
  /** Divergence of the choice of tokens from the uniform one, in nats per token. */
  divergence: Tensor;
}

/**
 * -log p(x | z) + weight · KL(q(z | x) || uniform), as a mean over all values of the images. The logit of each value is
 * Laplace distributed (appendix A.3 of the paper).
 * @param logits of the tokens `[B, N, V]`
 * @param decoded locations, then logarithms of scales `[B, P, 2·C]`
 * @param pixels targets inside (0, 1), see `mapPixels`: `[B, P, C]`
 * @param weight β, 6.6 in the paper, reached from 0 in the first steps
 */
export function discreteVaeLoss(
  logits: Tensor,
  decoded: Tensor,
  pixels: Tensor,
  { weight }: { weight: number | Tensor },
): DiscreteVaeLoss {
  const [location, logScale] = decoded.split(2, -1);
  ensure(
    show(location.shape) === show(pixels.shape),
    () =>
      `discreteVaeLoss: ${show(decoded.shape)} does not give a location and a scale for each of ${show(pixels.shape)}.`,
  );
  const complement = pixels.neg().add(1);
  const distance = pixels.log().sub(complement.log()).sub(location).abs();
  const reconstruction = distance
    .mul(logScale.neg().exp())
    .add(logScale)
    .add(pixels.mul(complement).mul(2).log())
    .mean();
  const logChoice = logits.logSoftmax(-1);
  const vocabulary = logits.shape[logits.rank - 1];
  const divergence = logChoice
    .exp()
    .mul(logChoice.add(Math.log(vocabulary)))
    .sum(-1)
    .mean();
  const tokensPerValue = logits.size / vocabulary / pixels.size;
  return { loss: reconstruction.add(divergence.mul(weight).mul(tokensPerValue)), reconstruction, divergence };
}

/** Of `steps` steps, the temperature at one of them: half a cosine from `from` down to `to`, which then holds. */
export function temperatureAt(step: number, steps: number, { from = 1, to = 1 / 16 } = {}): number {
  const share = Math.min(step / steps, 1);
  return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
}

/** Standard Gumbel noise for `gumbelSoftmax`, `count` numbers: -log(-log(u)), u kept inside (0, 1). */
export function gumbelNoise(key: Key, count: number): Float32Array {
  const half = 2 ** -25;
  return uniform(key, count).map((u) => -Math.log(-Math.log(u + half)));
}
