/** Adam's moments, and the rules that are made of them: AdamW and Adam with L2 regularisation. */
import { ensure } from '../../errors/index.js';
import type { Tensor } from '../../graph/index.js';
import type { Optimizer, OptimizerInput } from './optimizer.js';

/** Options of the rules with Adam's moments. */
export interface AdamOptions {
  /** Decay of the running means of the gradient and of its square. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment, after bias correction. */
  epsilon?: number;
}

/** Adam's moments after a step, and where they point. */
export interface Moments {
  slots: Record<'firstMoment' | 'secondMoment', Tensor>;
  /** (m / c1) / (sqrt(v / c2) + ε) without the factor {@link momentScalars} calls `correction`. */
  direction: Tensor;
}

/** The slots that {@link moments} reads and writes. */
export const momentSlots = ['firstMoment', 'secondMoment'] as const;

/**
 * The bias corrections, folded: (m/c1) / (sqrt(v/c2) + ε) = correction · m / (sqrt(v) + correctedEpsilon), with
 * c = 1 - β^step. Two passes over memory less, and the host's double precision for the powers.
 */
export function momentScalars(
  step: number,
  [beta1, beta2]: readonly [number, number],
  epsilon: number,
): Record<string, number> {
  const root = Math.sqrt(1 - beta2 ** step);
  return { correction: root / (1 - beta1 ** step), correctedEpsilon: epsilon * root };
}

/** m ← β1·m + share·g, v ← β2·v + (1-β2)·g², and their quotient. `share` is 1 - β1 unless said otherwise. */
export function moments(
  gradient: Tensor,
  { slots, scalars }: OptimizerInput,
  [beta1, beta2]: readonly [number, number],
  share = 1 - beta1,
): Moments {
  const firstMoment = slots.firstMoment.mul(beta1).add(gradient.mul(share));
  const secondMoment = slots.secondMoment.mul(beta2).add(gradient.mul(gradient).mul(1 - beta2));
  const direction = firstMoment.div(secondMoment.sqrt().add(scalars.correctedEpsilon));
  return { slots: { firstMoment, secondMoment }, direction };
}

/** Checks options; `name` is the rule's. @throws HiperceiverError for values out of range */
export function checkAdam(name: string, [beta1, beta2]: readonly [number, number], epsilon: number): void {
  for (const [key, value] of Object.entries({ beta1, beta2 })) {
    ensure(value >= 0 && value < 1, () => `${name}: ${key} is ${value} but must lie in 0 to 1, 1 excluded.`);
  }
  ensure(
    epsilon >= 0 && Number.isFinite(epsilon),
    () => `${name}: epsilon is ${epsilon} but must be a finite number of at least 0.`,
  );
}

/** Adam with decoupled weight decay: p ← p·(1 - lr·wd) - lr·m̂/(sqrt(v̂)+ε) (Loshchilov & Hutter, arXiv 1711.05101). */
export function adamw({ betas = [0.9, 0.95], epsilon = 1e-8 }: AdamOptions = {}): Optimizer {
  checkAdam('adamw', betas, epsilon);
  return {
    name: 'adamw',
    slots: momentSlots,
    elementwise: true,
    scalars: (step) => momentScalars(step, betas, epsilon),
    update: (x) => {
      const { slots, direction } = moments(x.gradient, x, betas);
      const kept = x.weightDecay === 0 ? x.parameter : x.parameter.mul(x.learningRate.mul(-x.weightDecay).add(1));
      return { parameter: kept.sub(direction.mul(x.learningRate.mul(x.scalars.correction))), slots };
    },
  };
}

/** Adam as first published, weight decay added to the gradient: g ← g + wd·p (Kingma & Ba, arXiv 1412.6980). */
export function adamL2({ betas = [0.9, 0.999], epsilon = 1e-8 }: AdamOptions = {}): Optimizer {
  checkAdam('adamL2', betas, epsilon);
  return {
    name: 'adamL2',
    slots: momentSlots,
    elementwise: true,
    scalars: (step) => momentScalars(step, betas, epsilon),
    update: (x) => {
      const { slots, direction } = moments(withDecay(x), x, betas);
      return { parameter: x.parameter.sub(direction.mul(x.learningRate.mul(x.scalars.correction))), slots };
    },
  };
}

/** g + wd·p */
export function withDecay({ gradient, parameter, weightDecay }: OptimizerInput): Tensor {
  return weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay));
}
