/** A run in one paragraph, before it starts. */
import { kindOf } from '../../data/index.js';
import { planMasks } from '../../objectives/index.js';
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
    `${describeGroups(plan)}. `,
    `${plural(steps, 'step')} of ${examples}, ${formatCount(flopsPerStep, 'FLOP')} each, on ${device}; `,
    `about ${formatBytes(memory)} of memory (${formatBytes(plan.availableMemory)} free)${recomputed}. `,
    `Run folder: ${folder}.`,
    ...plan.remarks.map((remark) => `\n${remark}`),
  ].join('');
}

function describeGroups({ recipe, description }: TrainingPlan): string {
  const grouping = systemOf(description).grouping(description.config, description.modalities);
  const masked = recipe.task === 'pretrain';
  const plans = planMasks(grouping, recipe.masking, recipe.training.batchSize);
  return plans
    .map(({ part, rows, numVisible }) => {
      const groups = `${plural(part.indexDim, 'input')} in ${plural(part.groups, 'group')} of ${rows}`;
      const fate = recipe.masking.input === 'drop' ? 'dropped' : 'set to zero';
      return masked ? `${groups}, of which ${numVisible} are visible and ${rows - numVisible} ${fate}` : groups;
    })
    .join('; ');
}
