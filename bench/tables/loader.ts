import { countOption } from '../../src/cli/modelOptions.js';
import { defineBenchmark } from '../benchmark.js';
import { withPhotographs } from '../photographs.js';
import { followPretraining, hip16Arguments, type LoggedStep, type PretrainRun } from '../pretrainRun.js';
import { check, gigabytes, ms, percent, type Result } from '../report.js';

const WANTED_WAIT = 0.05;
/** A run's memory is called flat where its last quarter holds at most so much more than its second. */
const WANTED_GROWTH = 1.05;
const PICTURES = 128;
const STEPS = { full: 60, quick: 8 };
/** The first steps wait for the loader's threads to start. */
const WARM_UP = 3;
/** Steps from which on it can be told whether memory grows. */
const LONG = 40;

/** `bench loader` */
export const command = defineBenchmark({
  name: 'loader',
  summary: 'Share of a step that waits for JPEG files, and whether memory stays flat',
  description:
    'Runs ./hip pretrain (HiP-16, 224x224, batch 1) on a folder of JPEG files; its own log tells how long it waited ' +
    'for data, and the system how much memory it held.',
  options: {
    data: { type: 'string', placeholder: 'DIR', help: 'folder of images (default: made for the purpose)' },
    steps: { type: 'number', placeholder: 'N', help: `steps (default: ${STEPS.full}; with --quick ${STEPS.quick})` },
  },
  examples: ['', '--steps 200', '--data photos', '--quick'],
  rounds: { full: 1, quick: 1 },
  async measure({ data, steps, rounds, quick }, around) {
    const count = countOption('--steps', steps) ?? STEPS[quick ? 'quick' : 'full'];
    const measure = async (folder: string): Promise<Result> => {
      const runs: PretrainRun[] = [];
      for (let round = 1; round <= rounds; round++) {
        around.note(`run ${round} of ${rounds}: ${count} steps`);
        runs.push(await followPretraining(hip16Arguments(folder), count, 250));
      }
      return describe(runs);
    };
    return data ? measure(data) : withPhotographs(PICTURES, measure);
  },
});

function describe(runs: PretrainRun[]): Result {
  const found = runs.map(({ steps, memory }) => {
    const [first, last] = [steps[Math.min(WARM_UP, steps.length - 2)], steps[steps.length - 1]];
    return {
      steps: steps.length,
      stepMs: (1000 * between(first, last, 'loopSeconds')) / (last.step - first.step),
      share: between(first, last, 'waitSeconds') / between(first, last, 'loopSeconds'),
      ...growth(memory, steps),
    };
  });
  const worst = Math.max(...found.map((f) => f.share));
  const checks = [check('waiting for data, of the step', worst, { atMost: WANTED_WAIT }, percent)];
  const grown = Math.max(...found.map((f) => (f.early && f.late ? f.late / f.early : 0)));
  if (grown > 0 && found[0].steps >= LONG)
    checks.push(check('memory in the last quarter over the second', grown, { atMost: WANTED_GROWTH }));
  return {
    tables: [
      {
        columns: ['steps', 'step ms', 'waiting for data', 'memory, 2nd quarter', 'last quarter'],
        rows: found.map((f) => [
          f.steps,
          ms(f.stepMs),
          percent(f.share),
          f.early && gigabytes(f.early),
          f.late && gigabytes(f.late),
        ]),
      },
    ],
    checks,
    notes: [
      `The first ${WARM_UP} steps do not count for the time; memory is the largest seen in a quarter of the steps.`,
    ],
    data: runs,
  };
}

function between(first: LoggedStep, last: LoggedStep, key: 'loopSeconds' | 'waitSeconds'): number {
  return last[key] - first[key];
}

/** The most memory seen in the second and in the last quarter of the steps. */
function growth(memory: PretrainRun['memory'], steps: LoggedStep[]): { early?: number; late?: number } {
  const at = (share: number) => steps[Math.round(share * (steps.length - 1))].seconds;
  const most = (from: number, to: number) => {
    const seen = memory.filter(({ seconds }) => seconds >= from && seconds <= to).map(({ bytes }) => bytes);
    return seen.length > 0 ? Math.max(...seen) : undefined;
  };
  return { early: most(at(0.25), at(0.5)), late: most(at(0.75), at(1)) };
}
