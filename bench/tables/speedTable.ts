import { countOption } from '../../src/cli/modelOptions.js';
import { ensure } from '../../src/errors/index.js';
import { defineBenchmark } from '../benchmark.js';
import { budgetBytes, type EncoderSpeed, measureEncoders } from '../encoderSpeed.js';
import { orderOffences, PAPER_SIDES, paperSpeed } from '../paperSpeeds.js';
import { type Check, check, gigabytes, type Result } from '../report.js';

/** Ours, and the paper's row of the same model. */
const ROWS: Record<string, string> = {
  'hip/16': 'HiP-16',
  'hip/256': 'HiP-256',
  'perceiver_io/io_c_50m': 'Perceiver IO',
};
/** HiP-16 over Perceiver IO at 224: 10.8 / 2.9 in the paper. */
const WANTED_LEAD = 3.7;

/** `bench speed-table` */
export const command = defineBenchmark({
  name: 'speed-table',
  summary: 'Training steps per second at sides 224 to 2048 beside the paper’s table',
  description:
    'Encoder alone, positions learned: forward, backward and AdamW of the mean square of its output, each in ' +
    'a process of its own. What the estimate does not fit into the memory is not started, and the largest batch that ' +
    'would fit is named. The paper ran batch 8 per core on TPUv3: what should agree is the order of the models.',
  options: {
    sides: { type: 'strings', placeholder: 'N,M', help: 'image sides (default: the paper’s; with --quick 224)' },
    models: {
      type: 'strings',
      default: Object.keys(ROWS),
      placeholder: 'A,B',
      help: 'models, as `hip models` lists them',
    },
    batch: { type: 'number', placeholder: 'N', help: 'examples in a step', default: 1 },
    budget: { type: 'number', placeholder: 'GB', help: 'memory that may be taken (default: what is free)' },
  },
  examples: [
    '',
    '--sides 224,512 --models hip/16,hip/256',
    '--sides 2048 --models hip/256 --budget 20',
    '--sides 224 --batch 4',
    '--quick',
  ],
  rounds: { full: 5, quick: 2 },
  async measure({ sides, models, batch, budget, rounds, quick }, around) {
    const chosen = sides.length > 0 ? sides.map(sideOf) : quick ? [224] : [...PAPER_SIDES];
    const measured: EncoderSpeed[] = [];
    for (const side of chosen) {
      const how = { batch: countOption('--batch', batch), steps: rounds, budget: budgetBytes(budget), batches: !quick };
      measured.push(...(await measureEncoders(models, side, how, around)));
    }
    return describe(measured, chosen, models, batch);
  },
});

/** A side as it was typed. */
export function sideOf(text: string): number {
  const side = Number(text);
  ensure(Number.isInteger(side) && side > 0, () => `--sides holds "${text}": give whole numbers of pixels.`);
  return side;
}

function describe(measured: EncoderSpeed[], sides: number[], models: string[], batch: number): Result {
  const at = (model: string, side: number) => measured.find((m) => m.model === model && m.side === side)!;
  const cell = ({ step, failure }: EncoderSpeed) => (step ? stepsPerSecond(step.median) : failure);
  const speeds = models.map((model) => [model, ...sides.map((side) => cell(at(model, side)))]);
  const paper = models.map((model) => [
    ROWS[model] ?? model,
    ...sides.map((side) => {
      const known = ROWS[model] !== undefined && PAPER_SIDES.some((s) => s === side);
      return known ? (paperSpeed(ROWS[model], side)?.toFixed(1) ?? 'out of memory') : undefined;
    }),
  ]);
  const batches = models.map((model) => [model, ...sides.map((side) => at(model, side).largestBatch)]);
  const peaks = models.map((model) => [
    model,
    ...sides.map((side) => {
      const { peakBytes, estimate, rematerialize } = at(model, side);
      const again = rematerialize === 'none' ? '' : `, ${rematerialize} computed again`;
      return peakBytes ? `${gigabytes(peakBytes)} (estimated ${gigabytes(estimate)}${again})` : undefined;
    }),
  ]);
  const columns = ['model', ...sides.map((side) => `${side}x${side}`)];
  return {
    tables: [
      { title: `Steps per second, batch ${batch}`, columns, rows: speeds },
      { title: 'The paper, TPUv3, batch 8 per core', columns, rows: paper },
      { title: 'Largest batch by the estimate', columns, rows: batches },
      { title: `Peak memory at batch ${batch}`, columns, rows: peaks },
    ],
    checks: checksOf(measured, sides),
    notes: [
      'Medians of steps in two processes each, before and after the other models; their first steps do not count.',
    ],
    data: measured,
  };
}

function checksOf(measured: EncoderSpeed[], sides: number[]): Check[] {
  const checks = sides.flatMap((side): Check[] => {
    const here = measured.filter((m) => m.side === side && ROWS[m.model]);
    if (here.length < 2) return [];
    const speeds = Object.fromEntries(here.map((m) => [ROWS[m.model], m.step && 1000 / m.step.median]));
    const offences = orderOffences(side, speeds);
    const ran = Object.keys(speeds).filter((row) => speeds[row]);
    const order = ran.sort((a, b) => speeds[b]! - speeds[a]!).join(' > ');
    return [
      {
        what: `order of the models at ${side}`,
        wanted: 'the paper’s',
        measured: offences.length > 0 ? offences.join('; ') : order || 'none ran',
        passed: offences.length === 0,
      },
    ];
  });
  const find = (model: string, side: number) => measured.find((m) => m.model === model && m.side === side);
  const [hip, io] = [find('hip/16', 224)?.step, find('perceiver_io/io_c_50m', 224)?.step];
  if (hip && io)
    checks.push(check('HiP-16 over Perceiver IO at 224', io.median / hip.median, { atLeast: WANTED_LEAD }));
  const large = find('hip/256', 2048);
  if (large)
    checks.push({
      what: 'HiP-256 runs at 2048',
      wanted: 'yes',
      measured: large.step ? `yes, ${gigabytes(large.peakBytes!)}` : large.failure!,
      passed: large.step !== undefined,
    });
  return checks;
}

function stepsPerSecond(ms: number): string {
  const value = 1000 / ms;
  return value.toFixed(value >= 1 ? 2 : 3);
}
