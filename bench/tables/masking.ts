import { createEngine } from '../../src/engine/index.js';
import { availableMemory } from '../../src/engine/memory.js';
import { type Around, defineBenchmark } from '../benchmark.js';
import type { Failure } from '../child.js';
import { inTurn, type Timings } from '../measure.js';
import { check, gigabytes, ms, percent, type Result, ratio } from '../report.js';
import { type SideTraining, trainSideBySide } from '../sideBySide.js';
import { estimateTraining, Trainer } from '../training.js';
import { buildWorkload, MASK_RATIO, type WorkloadSpec } from '../workload.js';

type Masking = 'drop' | 'all';
const SIDES = [
  { side: 224, variant: '16' },
  { side: 1024, variant: '256' },
];
/** Whole steps that count. */
const STEPS = { full: 10, quick: 2 };
const WANTED_SHARE = 0.25;
/** Masks that leave each group a single input: what remains are the latents, which no mask makes fewer. */
const NEARLY_ALL = 0.9999;

/** `bench masking` */
export const command = defineBenchmark({
  name: 'masking',
  summary: 'What dropping 85 % of the inputs before the encoder saves',
  description:
    'Groupwise masks over 85 % of raw pixels. The input stage (embedding, positions, first cross-attention; forward ' +
    'and backward, batch 1) is timed in turn with dropped inputs, with all of them, and with one input in each group: ' +
    'what that takes no mask can save, so that 15 % of the rest and it together are the least to be hoped for. Whole ' +
    'steps of masked auto-encoding, which reconstruct the masked positions either way, run in processes of their own: ' +
    'masked inputs dropped, or set to zero so that all inputs enter. HiP-16 at 224x224; with --large also HiP-256 at ' +
    '1024x1024.',
  options: { large: { type: 'boolean', help: 'also 1024x1024: minutes, and several GB of memory' } },
  examples: ['', '--large', '--quick'],
  rounds: { full: 20, quick: 3 },
  async measure({ large, rounds, quick }, around) {
    const stage = { title: 'Input stage', columns: STAGE_COLUMNS, rows: [] as Result['tables'][0]['rows'] };
    const whole = { title: 'Whole step', columns: STEP_COLUMNS, rows: [] as Result['tables'][0]['rows'] };
    const result: Result = { tables: [stage, whole], checks: [], notes: [], data: {} };
    for (const { side, variant } of large ? SIDES : SIDES.slice(0, 1)) {
      const title = `HiP-${variant}, ${side}x${side}`;
      const spec: WorkloadSpec = {
        system: 'hip',
        variant,
        indexShape: [side, side],
        channels: 3,
        batch: 1,
        task: 'autoencode',
      };
      around.note(`${title}: input stage`);
      const timings = await timeInputStage({ ...spec, task: 'inputStage' }, rounds);
      const share = timings.drop.gradient.median / timings.all.gradient.median;
      stage.rows.push(stageCells(title, timings));
      result.checks.push(
        check(
          `${title}: input stage with 85 % dropped, of its time with all`,
          share,
          { atMost: WANTED_SHARE },
          percent,
        ),
      );
      const steps = await measureSteps(spec, STEPS[quick ? 'quick' : 'full'], title, around);
      whole.rows.push([title, ...stepCells(steps)]);
      (result.data as Record<string, unknown>)[title] = { inputStage: timings, steps };
    }
    result.notes.push(
      `Input stage: medians of ${rounds} rounds in turn. Whole step: with AdamW, medians of steps in two processes each, before and after the other side's; their first steps do not count.`,
    );
    return result;
  },
});

const STAGE_COLUMNS = ['model', '85 % dropped ms', 'all ms', 'one in a group ms', 'dropped / all', 'least possible'];
const STEP_COLUMNS = [
  'model',
  '85 % dropped ms',
  'all ms',
  'times faster',
  'dropped peak',
  'all peak',
  'dropped / all',
];

const STAGES = {
  drop: { masking: 'drop' },
  all: { masking: 'all' },
  least: { masking: 'drop', maskRatio: NEARLY_ALL },
} as const;

function stageCells(title: string, timings: Timings) {
  const [drop, all, least] = (['drop', 'all', 'least'] as const).map((side) => timings[side].gradient.median);
  const possible = (least + (1 - MASK_RATIO) * (all - least)) / all;
  return [title, ms(drop), ms(all), ms(least), percent(drop / all), percent(possible)];
}

async function timeInputStage(spec: WorkloadSpec, rounds: number): Promise<Timings> {
  await using engine = await createEngine({ device: 'cpu' });
  const sides = [];
  for (const [name, how] of Object.entries(STAGES)) {
    // One after the other on one engine: buffers of equal names are of equal shapes.
    const trainer = await Trainer.create(engine, buildWorkload({ ...spec, ...how }));
    sides.push({ name, run: async () => ({ gradient: await trainer.gradient() }) });
  }
  return await inTurn(sides, { rounds, warmUps: 2, pause: 0 });
}

type Steps = Record<Masking, SideTraining | Failure>;

async function measureSteps(spec: WorkloadSpec, steps: number, title: string, around: Around): Promise<Steps> {
  const sides = (['drop', 'all'] as const).map((masking) => ({
    name: `${title}, ${masking === 'drop' ? '85 % dropped' : 'all inputs'}`,
    masking,
    workload: { ...spec, masking },
  }));
  const needs = sides.map(({ workload }) => estimateTraining(workload).peak);
  const fitting = sides.filter((_, i) => needs[i] <= availableMemory());
  const trained = await trainSideBySide(fitting, steps, around);
  const [drop, all] = sides.map(({ name }, i) => trained.get(name) ?? { failure: `needs ${gigabytes(needs[i])}` });
  return { drop, all };
}

function stepCells({ drop, all }: Steps) {
  const [dropped, whole] = [drop, all].map((side) => ('failure' in side ? undefined : side));
  return [
    'failure' in drop ? drop.failure : ms(drop.step.median),
    'failure' in all ? all.failure : ms(all.step.median),
    dropped && whole && ratio(whole.step.median / dropped.step.median),
    dropped && gigabytes(dropped.peakBytes),
    whole && gigabytes(whole.peakBytes),
    dropped && whole && percent(dropped.peakBytes / whole.peakBytes),
  ];
}
