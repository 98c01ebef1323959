import { check } from '../../bench/report.js';
import { type Row, type Run, rowCommands } from '../experiment.js';
import { interval, percent } from '../statistics.js';
import { definePaperTable } from '../table.js';

const DATA = { 'data.path': '../shared/data/cifar10' };
/** Of two cores, without labels and then with them; what learns from labels alone has both. */
const MINUTES = { pretrain: 1.25, finetune: 1 };
/** Where patches of 8 make as many tokens as those of 4 on images of 32. */
const DOUBLED = { 'data.imageSize': '64' };

interface System {
  name: string;
  /** Recipes of this table's folder, in turn; none for what learns from labels alone. */
  pretraining: { recipe: string; minutes: number; follows?: Run['follows'] }[];
  /** Of both. */
  overrides?: Record<string, string>;
  /** Of fine-tuning, where the checkpoint does not tell the model. */
  model?: Record<string, string>;
}

const once = (recipe: string) => [{ recipe, minutes: MINUTES.pretrain }];
const scratch = (name: string, overrides: Record<string, string> = {}): System => ({
  name: `${name}, labels alone`,
  pretraining: [],
  overrides,
  model: { 'model.name': name, 'model.variant': 'tiny' },
});
/** HiP and Perceiver IO have no head of their own. */
const LATENTS = { 'finetune.head': 'latents' };

const systems: System[] = [
  { name: 'hip', pretraining: once('hip'), model: LATENTS },
  { name: 'perceiver_io', pretraining: once('perceiver-io'), model: LATENTS },
  { name: 'mae', pretraining: once('mae') },
  {
    name: 'beit',
    pretraining: [
      { recipe: 'dvae', minutes: MINUTES.pretrain / 2 },
      { recipe: 'beit', minutes: MINUTES.pretrain / 2, follows: 'model.tokenizer' },
    ],
  },
  { name: 'fastmim', pretraining: once('fastmim'), overrides: DOUBLED },
  { name: 'satmae', pretraining: once('satmae') },
  scratch('vit'),
  scratch('mlp_mixer'),
  scratch('swin', DOUBLED),
  scratch('perceiver'),
];

function rowOf({ name, pretraining, overrides = {}, model = {} }: System, quick: boolean): Row {
  const small: Record<string, string> = quick ? { 'training.steps': '4', 'data.limit': '128' } : {};
  const own = { ...DATA, ...overrides, ...small };
  const timed = (minutes: number) => (quick ? {} : { minutes });
  const total = pretraining.length > 0 ? MINUTES.finetune : MINUTES.finetune + MINUTES.pretrain;
  return {
    name,
    runs: [
      ...pretraining.map(({ recipe, minutes, follows }) => ({
        command: 'pretrain' as const,
        recipe: `image-family/${recipe}`,
        overrides: own,
        follows,
        ...timed(minutes),
      })),
      { command: 'finetune', recipe: 'image-family/finetune', overrides: { ...own, ...model }, ...timed(total) },
    ],
  };
}

/** `paper image-family` */
export const command = definePaperTable({
  name: 'image-family',
  summary: 'All systems on the same photographs in the same time, beside HiP',
  description: `Small models of every system on CIFAR-10: ${MINUTES.pretrain} minutes of two cores without labels and ${MINUTES.finetune} with them, or all of it with labels; as many steps as that gives each.`,
  rows: (quick) => systems.map((system) => rowOf(system, quick)),
  async result(found) {
    const rows = found.map(({ row, outcomes }) => ({ row, outcomes, score: interval(outcomes.map((o) => o.score)) }));
    return {
      tables: [
        {
          columns: ['system', 'top-1 %', 'parameters', 'steps', 'GFLOP a step', 'minutes'],
          rows: rows.map(({ row, outcomes: [first, ...rest], score }) => [
            row.name,
            percent(score),
            first.runs[first.runs.length - 1].parameters.toLocaleString('en-US'),
            first.runs.map((run) => run.steps ?? '–').join(' + '),
            first.runs.map((run) => (run.flops / 1e9).toFixed(1)).join(', '),
            interval([first, ...rest].map((o) => o.minutes)).mean.toFixed(1),
          ]),
        },
        {
          title: 'Commands',
          columns: ['system', 'commands'],
          rows: rows.map(({ row }) => [row.name, rowCommands(row)]),
        },
      ],
      checks: rows.map(({ row, score }) =>
        check(`${row.name} over chance`, score.mean, { atLeast: 0.15 }, (x) => `${(100 * x).toFixed(1)} %`),
      ),
      notes: [
        'Top-1 accuracy on 2,000 held-out images; classes are chosen one in ten. Same data, same augmentation (mirroring), same optimiser, equal time; sizes are those that two cores train in minutes, so the order says little about large models.',
        'The processor time of a step is measured on a few before each run. Minutes are the clock’s, on a machine that does other work, and contain that, evaluation and starting.',
      ],
      data: found,
    };
  },
});
