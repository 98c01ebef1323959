import { check } from '../../bench/report.js';
import { type Outcome, type Row, type Run, rowCommands } from '../experiment.js';
import { interval, percent } from '../statistics.js';
import { definePaperTable } from '../table.js';

/** Changes to both recipes of a row, and whether it is pre-trained. */
interface Variant {
  name: string;
  paper: string;
  pretrained: boolean;
  overrides: Record<string, string>;
}

const fourier = { 'model.positions': 'fourier' };
const shuffled = { 'data.permutation': '1' };

/** With the accuracies of the paper (ImageNet, HiP-16), where it has the row. */
const variants: Variant[] = [
  { name: 'learned by masked auto-encoding', paper: '81.0', pretrained: true, overrides: {} },
  { name: 'Fourier', paper: '78.8', pretrained: false, overrides: fourier },
  { name: 'learned from scratch', paper: '70.1', pretrained: false, overrides: {} },
  { name: 'none', paper: '–', pretrained: false, overrides: { 'model.positions': 'none' } },
  { name: 'shuffled pixels, masked auto-encoding', paper: '76.3', pretrained: true, overrides: shuffled },
  { name: 'shuffled pixels, learned from scratch', paper: '68.8', pretrained: false, overrides: shuffled },
];

function rowOf({ name, pretrained, overrides }: Variant, quick: boolean): Row {
  const small: Record<string, string> = quick ? { 'training.steps': '10', 'data.limit': '256' } : {};
  const run = (command: Run['command'], recipe: string) => ({ command, recipe, overrides: { ...overrides, ...small } });
  return {
    name,
    runs: [...(pretrained ? [run('pretrain', 'paper/positions')] : []), run('finetune', 'paper/positions-finetune')],
  };
}

/** `paper positions` */
export const command = definePaperTable({
  name: 'positions',
  summary: 'Positions: learned by masked auto-encoding, Fourier, none; and with shuffled pixels',
  description:
    'Accuracy on Fashion-MNIST of a small HiP that is told where pixels lie in different ways (arXiv 2202.10890, its ablation of position embeddings). Every row is fine-tuned, or trained from scratch, for the same number of steps; shuffled: the pixels of all images moved by one permutation.',
  rows: (quick) => variants.map((variant) => rowOf(variant, quick)),
  async result(found) {
    const scores = new Map(found.map(({ row, outcomes }) => [row.name, outcomes.map((o) => o.score)]));
    const difference = (a: string, b: string) =>
      interval(scores.get(a)!.map((score, i) => score - scores.get(b)![i])).mean;
    const points = (x: number) => `${(100 * x).toFixed(1)} points`;
    const spread = (a: string, b: string) =>
      `${a} over ${b}: ${percent(interval(scores.get(a)!.map((score, i) => score - scores.get(b)![i])))} points`;
    const [learned, given, scratch, none, moved, movedScratch] = variants.map((v) => v.name);
    return {
      tables: [
        {
          columns: ['positions', 'top-1 %', 'minutes', 'paper (ImageNet) %', 'commands'],
          rows: found.map(({ row, outcomes }, i) => [
            row.name,
            percent(interval(outcomes.map((o) => o.score))),
            mean(outcomes, (o) => o.minutes).toFixed(1),
            variants[i].paper,
            rowCommands(row),
          ]),
        },
      ],
      checks: [
        check('learned by masked auto-encoding over Fourier', difference(learned, given), { atLeast: 0 }, points),
        check('Fourier over none', difference(given, none), { atLeast: 0 }, points),
        check('Fourier over learned from scratch', difference(given, scratch), { atLeast: 0 }, points),
        check(
          'shuffled: masked auto-encoding over scratch',
          difference(moved, movedScratch),
          { atLeast: 0.05 },
          points,
        ),
      ],
      notes: [
        'Means over seeds ± half of the 95 % interval (Student). Every seed draws other initial values, masks, order of examples.',
        `Differences, seed by seed: ${[spread(learned, given), spread(given, scratch), spread(given, none), spread(moved, movedScratch)].join('; ')}.`,
        'The second command of a row starts from the first (--from); seeds are given with --seed.',
      ],
      data: found,
    };
  },
});

function mean(outcomes: Outcome[], of: (outcome: Outcome) => number): number {
  return outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;
}
