/** A run in one paragraph, before it starts. */
import { kindOf } from '../../data/index.js';
import { systemOf, type TrainingPlan } from '../../training/index.js';
import { describeModalities } from '../inputs.js';
import { formatBytes, formatCount, plural } from '../quantities.js';

/** Model, parameters, inputs, groups, masking, operations and memory of a run. */
export function describePlan(plan: TrainingPlan): string {
  const { recipe, description, folder, images, parameters, trainedParameters, flopsPerStep, memory } = plan;
  const { steps, batchSize, accumulation, device } = recipe.training;
  const trained =
    trainedParameters === parameters ? '' : ` (${trainedParameters.toLocaleString('en-US')} of them trained)`;
  const noun = description.reader ? kindOf(description.reader).noun : 'example';
  const examples = accumulation > 1 ? `${accumulation} x ${plural(batchSize, noun)}` : plural(batchSize, noun);
  const recomputed =
    plan.rematerialize === 'none'
      ? ''
      : `, ${plan.rematerialize === 'cheap' ? 'what is cheap' : 'layers'} computed again going back`;
  return [
    `${description.system}/${description.variant} with ${plural(parameters, 'parameter')}${trained}`,
    ` on ${plural(images, noun)} of ${recipe.data.path} as ${describeModalities(description.modalities)}: `,
    `${describeInputs(plan)}. `,
    `${plural(steps, 'step')} of ${examples}, ${formatCount(flopsPerStep, 'FLOP')} each, on ${device}; `,
    `about ${formatBytes(memory)} of memory (${formatBytes(plan.availableMemory)} free)${recomputed}. `,
    `Run folder: ${folder}.`,
    ...plan.remarks.map((remark) => `\n${remark}`),
  ].join('');
}

/** What is hidden of the inputs, or how they are grouped where nothing is. */
function describeInputs({ about, description }: TrainingPlan): string {
  if (about) return about;
  const { modalities } = systemOf(description).grouping(description.config, description.modalities);
  return modalities
    .map(({ indexDim, groups }) => `${plural(indexDim, 'input')} in ${plural(groups, 'group')}`)
    .join('; ');
}
