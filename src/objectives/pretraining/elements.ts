/** HiP and Perceiver IO: raw elements are hidden and filled in (arXiv 2202.10890, section 3.3). */
import { ensure } from '../../errors/index.js';
import type { Key } from '../../random/index.js';
import { maskedAutoencoding } from '../maskedAutoencoding.js';
import { drawMask, elementMask, type MaskPlan, maskFeeds } from '../masks.js';
import type { BuildPretraining } from './pretraining.js';

/** {@link maskedAutoencoding} as a pre-training objective. */
export const hiddenElements: BuildPretraining = (scope, model, inputs, { scheme, ...rest }, real) => {
  const { system, config, modalities } = model;
  ensure(
    scheme !== 'blocks',
    () => `${system.name} has no grid of patches to hide rectangles of: set masking.scheme to group or uniform.`,
  );
  const options = { ...rest, scheme };
  const built = maskedAutoencoding(scope, system, config, modalities, inputs, options, real);
  const { loss, losses, plans } = built;
  const several = Object.keys(losses).length > 1;
  return {
    loss,
    metrics: several ? Object.fromEntries(Object.entries(losses).map(([name, own]) => [`loss/${name}`, own])) : {},
    about: plans.map((plan) => describePlan(plan, options.input)).join('; '),
    feeds: ({ key, valid }) => maskFeeds(plans, options, key, valid),
    answers: () => {
      const filled = built.filled();
      return Object.fromEntries(
        plans.map((plan) => {
          const { name } = plan.part;
          const hidden = (key: Key) => elementMask(plan, drawMask(plan, key));
          return [name, { filled: filled[name], loss: losses[name], hidden }];
        }),
      );
    },
  };
};

function describePlan({ part, rows, numVisible, numMasked }: MaskPlan, input: 'drop' | 'zero'): string {
  const groups = part.groups === 1 ? 'one group' : `${part.groups.toLocaleString('en-US')} groups of ${rows}`;
  const fate = input === 'drop' ? 'dropped' : 'set to zero';
  return `${part.indexDim.toLocaleString('en-US')} inputs in ${groups}, of which ${numVisible} are visible and ${numMasked} ${fate}`;
}
