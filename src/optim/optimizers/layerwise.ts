/** Optimisers for very large batches, whose step is in proportion to each parameter's own norm: LAMB and LARS. */
import { ensure } from '../../errors/index.js';
import { type AdamOptions, checkAdam, momentScalars, momentSlots, moments, withDecay } from './adam.js';
import { norm, ratioOrOne } from './norm.js';
import type { Optimizer, OptimizerInput } from './optimizer.js';
import { checkMomentum, withMomentum } from './sgd.js';

/** Options of {@link lamb}. */
export interface LambOptions extends AdamOptions {
  /** Correct the moments for their start at 0. */
  biasCorrection?: boolean;
  /** Weigh the gradient in the first moment by 1 - β1 (else by 1). */
  gradientAveraging?: boolean;
}

/**
 * LAMB as timm has it (You et al. 2020, arXiv 1904.00962): u = m̂/(sqrt(v̂)+ε) + wd·p, p ← p - lr·u·|p|/|u|; the ratio
 * only for parameters with weight decay. LAMB also divides all gradients by their global norm where that is above 1:
 * ask for it with `clipNorm: 1` of the update graph.
 */
export function lamb({
  betas = [0.9, 0.999],
  epsilon = 1e-6,
  biasCorrection = true,
  gradientAveraging = true,
}: LambOptions = {}): Optimizer {
  checkAdam('lamb', betas, epsilon);
  return {
    name: 'lamb',
    slots: momentSlots,
    elementwise: false,
    scalars: (step) =>
      biasCorrection ? momentScalars(step, betas, epsilon) : { correction: 1, correctedEpsilon: epsilon },
    update: (x) => {
      const { slots, direction } = moments(x.gradient, x, betas, gradientAveraging ? 1 - betas[0] : 1);
      const { correction } = x.scalars;
      if (x.weightDecay === 0) {
        return { parameter: x.parameter.sub(direction.mul(x.learningRate.mul(correction))), slots };
      }
      const update = direction.mul(correction).add(x.parameter.mul(x.weightDecay));
      const [size, updateSize] = [norm(x.parameter), norm(update)];
      const ratio = ratioOrOne(size, updateSize, size.div(updateSize));
      return { parameter: x.parameter.sub(update.mul(x.learningRate.mul(ratio))), slots };
    },
  };
}

/** Options of {@link lars}. */
export interface LarsOptions {
  momentum?: number;
  /** Learning rate in units of |parameter| / |gradient|. */
  trustCoefficient?: number;
  /**
   * `timm`: parameters with weight decay are scaled, by trust·|p| / (|g| + wd·|p| + ε).
   * `mocov3`: parameters with two or more axes are decayed and scaled, by trust·|p| / |g + wd·p|; others neither.
   */
  form?: 'timm' | 'mocov3';
  /** ε of the form `timm`. */
  epsilon?: number;
}

/** LARS: momentum SGD on gradients scaled to each parameter's norm (You et al. 2017, arXiv 1708.03888). */
export function lars({
  momentum = 0.9,
  trustCoefficient = 0.001,
  form = 'timm',
  epsilon = 1e-8,
}: LarsOptions = {}): Optimizer {
  checkMomentum('lars', momentum);
  ensure(trustCoefficient > 0, () => `lars: trustCoefficient is ${trustCoefficient} but must be above 0.`);
  ensure(form === 'timm' || form === 'mocov3', () => `lars: form is "${String(form)}" but must be "timm" or "mocov3".`);
  const scaled = (x: OptimizerInput) => {
    const adapts = form === 'timm' ? x.weightDecay !== 0 : x.parameter.rank > 1;
    if (!adapts) return x.gradient;
    const decayed = withDecay(x);
    const size = norm(x.parameter);
    const gradientSize = norm(form === 'timm' ? x.gradient : decayed);
    const whole = form === 'timm' ? gradientSize.add(size.mul(x.weightDecay)).add(epsilon) : gradientSize;
    return decayed.mul(ratioOrOne(size, gradientSize, size.mul(trustCoefficient).div(whole)));
  };
  return {
    name: 'lars',
    slots: ['momentum'],
    elementwise: false,
    scalars: () => ({}),
    update: (x) => {
      const buffer = withMomentum(x.slots.momentum, scaled(x), momentum);
      return { parameter: x.parameter.sub(buffer.mul(x.learningRate)), slots: { momentum: buffer } };
    },
  };
}
