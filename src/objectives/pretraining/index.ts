/** What each system is pre-trained by. A new objective is one file here and one line below. */
import { ensure } from '../../errors/index.js';
import { hiddenAppearance } from './appearance.js';
import { learnedTokens } from './codebook.js';
import { hiddenElements } from './elements.js';
import { removedPatches } from './patches.js';
import type { BuildPretraining } from './pretraining.js';
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

const objectives: Record<string, BuildPretraining> = {
  hip: hiddenElements,
  hip_class_bottleneck: hiddenElements,
  perceiver_io: hiddenElements,
  mae: removedPatches,
  beit: hiddenTokens,
  dvae: learnedTokens,
  satmae: removedParts,
  fastmim: hiddenAppearance,
};

/** Whether a system has something to learn without labels. */
export function canPretrain(system: string): boolean {
  return Object.hasOwn(objectives, system);
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
  return objectives[system];
}
