import { gigabytes, ms } from '../../bench/report.js';
import { type Row, rowCommands } from '../experiment.js';
import { interval, percent } from '../statistics.js';
import { definePaperTable } from '../table.js';

/** Latents of the first and of the last block, over all groups. */
const LATENTS = 128;
const GROUPS = [1, 4, 16, 64];

function rowOf(groups: number, quick: boolean): Row {
  const each = LATENTS / groups;
  const overrides: Record<string, string> = {
    'data.imageSize': '32',
    'model.config.numGroups': JSON.stringify([groups, 1, groups]),
    'model.config.zIndexDim': JSON.stringify([each, 64, each]),
    ...(quick ? { 'data.limit': '256' } : {}),
  };
  return {
    name: `${groups} group${groups > 1 ? 's' : ''} of ${each} latents`,
    runs: [
      { command: 'pretrain', recipe: 'paper/positions', overrides: { ...overrides, ...steps(quick ? 10 : 400) } },
      {
        command: 'finetune',
        recipe: 'paper/positions-finetune',
        overrides: { ...overrides, ...steps(quick ? 10 : 200) },
      },
    ],
  };
}

/** Fewer than the recipes have: twelve trainings must fit into half an hour of a machine that does other work. */
function steps(count: number): Record<string, string> {
  return { 'training.steps': String(count) };
}

/** `paper grouping` */
export const command = definePaperTable({
  name: 'grouping',
  summary: 'Groups: 1, 4, 16, 64 at equal latents; time, memory, accuracy',
  description: `Masked pre-training (400 steps of 16) and fine-tuning (200) of a small HiP on Fashion-MNIST at 32 x 32, its first and last block cut into more and more groups that share ${LATENTS} latents.`,
  rows: (quick) => GROUPS.map((groups) => rowOf(groups, quick)),
  async result(found) {
    return {
      tables: [
        {
          columns: ['groups', 'top-1 %', 'fine-tuning: step ms', 'GFLOP a step', 'memory', 'minutes', 'commands'],
          rows: found.map(({ row, outcomes }) => {
            const tuned = outcomes.map((outcome) => outcome.runs[1]);
            const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
            return [
              row.name,
              percent(interval(outcomes.map((o) => o.score))),
              ms(median(tuned.map((run) => run.stepMs))),
              (tuned[0].flops / 1e9).toFixed(2),
              gigabytes(tuned[0].memory),
              median(outcomes.map((o) => o.minutes)).toFixed(1),
              rowCommands(row),
            ];
          }),
        },
      ],
      checks: [],
      notes: [
        'Accuracy: means over seeds ± half of the 95 % interval (Student). Memory: the plan’s estimate for fine-tuning, batch 16.',
      ],
      data: found,
    };
  },
});
