/** Stochastic gradient descent with momentum. */
import { ensure } from '../../errors/index.js';
import type { Tensor } from '../../graph/index.js';
import { withDecay } from './adam.js';
import type { Optimizer } from './optimizer.js';

/** Options of {@link sgd}. */
export interface SgdOptions {
  momentum?: number;
  /** Step along the gradient and the momentum that the next step would have. */
  nesterov?: boolean;
}

/**
 * PyTorch's SGD: g ← g + wd·p, b ← momentum·b + g, p ← p - lr·b (Nesterov: p - lr·(g + momentum·b)).
 * The buffer starts at 0, which makes its first value g, as it does there.
 */
export function sgd({ momentum = 0.9, nesterov = false }: SgdOptions = {}): Optimizer {
  checkMomentum('sgd', momentum);
  ensure(!nesterov || momentum > 0, () => 'sgd: nesterov needs a momentum above 0.');
  return {
    name: 'sgd',
    slots: momentum === 0 ? [] : ['momentum'],
    elementwise: true,
    scalars: () => ({}),
    update: (x) => {
      const g = withDecay(x);
      const slots: Record<string, Tensor> =
        momentum === 0 ? {} : { momentum: withMomentum(x.slots.momentum, g, momentum) };
      const buffer = slots.momentum ?? g;
      const direction = nesterov ? g.add(buffer.mul(momentum)) : buffer;
      return { parameter: x.parameter.sub(direction.mul(x.learningRate)), slots };
    },
  };
}

/** momentum·b + g */
export function withMomentum(buffer: Tensor, gradient: Tensor, momentum: number): Tensor {
  return buffer.mul(momentum).add(gradient);
}

/** Checks a momentum; `name` is the rule's. @throws HiperceiverError where it is out of range */
export function checkMomentum(name: string, momentum: number): void {
  ensure(momentum >= 0 && momentum < 1, () => `${name}: momentum is ${momentum} but must lie in 0 to 1, 1 excluded.`);
}
