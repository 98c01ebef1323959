import { defineBenchmark } from '../benchmark.js';
import { budgetBytes, type EncoderSpeed, measureEncoders } from '../encoderSpeed.js';
import { check, gigabytes, ms } from '../report.js';
import { sideOf } from './speedTable.js';

const WANTED_GROWTH = 1.5;

/** `bench flat-cost` */
export const command = defineBenchmark({
  name: 'flat-cost',
  summary: 'Time per input of HiP-256 at sides 512, 1024 and 2048',
  description:
    'Training steps of the encoder alone as in speed-table, batch 1, divided by the number of inputs. The cost of an ' +
    'input should not grow with their number.',
  options: {
    sides: { type: 'strings', placeholder: 'N,M', help: 'image sides (default: 512,1024,2048; with --quick 224,512)' },
    model: { type: 'string', default: 'hip/256', placeholder: 'NAME', help: 'model, as `hip models` lists it' },
    budget: { type: 'number', placeholder: 'GB', help: 'memory that may be taken (default: what is free)' },
  },
  examples: ['', '--sides 512,1024', '--quick'],
  rounds: { full: 5, quick: 2 },
  async measure({ sides, model, budget, rounds, quick }, around) {
    const chosen = sides.length > 0 ? sides.map(sideOf) : quick ? [224, 512] : [512, 1024, 2048];
    const measured: EncoderSpeed[] = [];
    for (const side of chosen) {
      const how = { batch: 1, steps: rounds, budget: budgetBytes(budget), batches: false };
      measured.push(...(await measureEncoders([model], side, how, around)));
    }
    const ran = measured.filter((m) => m.step);
    const [first, last] = [ran[0], ran.at(-1)];
    const growth = first && last && last !== first ? nanoseconds(last) / nanoseconds(first) : undefined;
    return {
      tables: [
        {
          title: model,
          columns: ['side', 'inputs', 'step ms', 'ns per input', 'peak', 'computed again'],
          rows: measured.map((m) => [
            m.side,
            m.side ** 2,
            m.step ? ms(m.step.median) : m.failure,
            m.step && Math.round(nanoseconds(m)),
            m.peakBytes && gigabytes(m.peakBytes),
            m.rematerialize,
          ]),
        },
      ],
      checks:
        growth === undefined
          ? []
          : [check(`cost of an input at ${last!.side} over that at ${first.side}`, growth, { atMost: WANTED_GROWTH })],
      notes: ['Medians of steps in two processes each, whose first steps do not count.'],
      data: measured,
    };
  },
});

function nanoseconds({ step, side }: EncoderSpeed): number {
  return (1e6 * step!.median) / side ** 2;
}
