/** Choosing a category in a way that gradients can pass (Jang et al. 2017, arXiv 1611.01144). */
import { ensure } from '../errors/index.js';
import { oneHot, show, type Tensor } from '../graph/index.js';

/** Options of {@link gumbelSoftmax}. */
export interface GumbelSoftmaxOptions {
  /** Towards 0 the choice becomes one-hot. A number, or one that is fed. */
  temperature: number | Tensor;
  /** Give a one-hot choice, with the gradient of the soft one (straight-through). */
  hard?: boolean;
}

/**
 * softmax((logits + noise) / temperature) over the last axis.
 * @param logits `[..., C]`
 * @param noise `[..., C]`, drawn on the host from the standard Gumbel distribution, -log(-log(uniform)), and fed
 * @returns `[..., C]`
 */
export function gumbelSoftmax(
  logits: Tensor,
  noise: Tensor,
  { temperature, hard = false }: GumbelSoftmaxOptions,
): Tensor {
  ensure(
    typeof temperature !== 'number' || temperature > 0,
    () => `gumbelSoftmax: temperature is ${temperature} but must be above 0.`,
  );
  ensure(
    show(logits.shape) === show(noise.shape),
    () => `gumbelSoftmax: noise ${show(noise.shape)} should have the shape of the logits, ${show(logits.shape)}.`,
  );
  const noisy = logits.add(noise);
  const soft = (typeof temperature === 'number' ? noisy.mul(1 / temperature) : noisy.div(temperature)).softmax(-1);
  if (!hard) return soft;
  const choice = oneHot(soft.topK(1).indices, logits.shape[logits.rank - 1]).reshape(soft.shape);
  // Its value is the choice (exactly, where soft - soft is 0); its gradient is that of soft.
  return soft.sub(soft.stopGradient()).add(choice);
}
