import { gigabytes, ms } from '../../bench/report.js';
import { type Row, rowCommands, timeSteps } from '../experiment.js';
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
    const rows: (string | undefined)[][] = [];
    for (const { row, outcomes } of found) {
      const [masked, tuned] = outcomes[0].runs;
      rows.push([
        row.name,
        percent(interval(outcomes.map((o) => o.score))),
        ms(await timeSteps(row.runs[0])),
        (masked.flops / 1e9).toFixed(2),
        ms(await timeSteps(row.runs[1])),
        (tuned.flops / 1e9).toFixed(2),
        gigabytes(masked.memory),
        rowCommands(row),
      ]);
    }
    return {
      tables: [
        {
          columns: [
            'groups',
            'top-1 %',
            'pre-training: step ms',
            'GFLOP',
            'fine-tuning: step ms',
            'GFLOP',
            'memory',
            'commands',
          ],
          rows,
        },
      ],
      checks: [],
      notes: [
        'Accuracy: means over seeds ± half of the 95 % interval (Student). Steps of 16 examples; times are the best of three times twenty steps, taken when the table was made. Memory: the plan’s estimate for pre-training.',
      ],
      data: found,
    };
  },
});
