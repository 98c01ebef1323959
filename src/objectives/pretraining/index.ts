/** What each system is pre-trained by. A new objective is one file here and one line below. */
import { ensure } from '../../errors/index.js';
import { hiddenAppearance } from './appearance.js';
import { learnedTokens } from './codebook.js';
import { hiddenElements } from './elements.js';
import { removedPatches } from './patches.js';
import type { BuildPretraining, PretrainingOptions } from './pretraining.js';
import { removedParts } from './satellite.js';
import { hiddenTokens } from './visualTokens.js';

export type {
  BuildPretraining,
  Circumstances,
  FilledIn,
  PretrainedModel,
  Pretraining,
  PretrainingOptions,
} from './pretraining.js';
export { TOKENIZER } from './visualTokens.js';

interface Published {
  build: BuildPretraining;
  /** What is hidden in the paper, where it is not the recipe's default. */
  masking?: Partial<PretrainingOptions>;
}

const objectives: Record<string, Published> = {
  hip: { build: hiddenElements },
  hip_class_bottleneck: { build: hiddenElements },
  perceiver_io: { build: hiddenElements },
  mae: { build: removedPatches, masking: { scheme: 'uniform', ratio: 0.75, normalizeTargets: true } },
  beit: { build: hiddenTokens, masking: { scheme: 'blocks', ratio: 0.4 } },
  dvae: { build: learnedTokens },
  satmae: { build: removedParts, masking: { scheme: 'uniform', ratio: 0.75, normalizeTargets: true } },
  fastmim: { build: hiddenAppearance, masking: { scheme: 'uniform', ratio: 0.75 } },
};

/** Whether a system has something to learn without labels. */
export function canPretrain(system: string): boolean {
  return Object.hasOwn(objectives, system);
}

/** How the paper of a system masks, where that differs from HiP's. */
export function publishedMasking(system: string): Partial<PretrainingOptions> {
  return objectives[system]?.masking ?? {};
}

/**
 * What a system is pre-trained by.
 * @throws HiperceiverError for a system that learns from labels alone
 */
export function pretrainingOf(system: string): BuildPretraining {
  ensure(
    canPretrain(system),
    () =>
      `${system} has no objective without labels: fine-tune it (hip finetune --scratch), or pre-train one of ${Object.keys(objectives).join(', ')}.`,
  );
  return objectives[system].build;
}
