import { availableParallelism } from 'node:os';
import { unknownName } from '../../src/errors/index.js';
import { defineBenchmark, pythonOption } from '../benchmark.js';
import {
  efficiency,
  type Measured,
  measureBeside,
  memoryShare,
  notesOf,
  PARTS,
  type Part,
  speedup,
  stepOf,
  stepOptions,
  tablesOf,
} from '../besideTorch.js';
import { type Check, check, percent } from '../report.js';
import { hipModels } from '../trainedModels.js';

/** How much faster than PyTorch a part should be: current, and 1.x. */
const WANTED: Record<string, Partial<Record<Part, [number, number]>>> = {
  Mini: { step: [1.3, 2] },
  '16': { forward: [1.5, 3], step: [1.3, 2] },
};
const WANTED_MEMORY = 0.8;

/** `bench training` */
export const command = defineBenchmark({
  name: 'training',
  summary: 'Training steps of HiP-Mini and HiP-16 beside PyTorch: time, efficiency, memory',
  description:
    'Forward, forward and backward, and the same with AdamW, in turn with HiP written plainly in PyTorch (the same ' +
    'weights and batch, outputs compared). PyTorch is taken with its fused attention and with attention written out; ' +
    'the faster one is the peer. Efficiency: operations of the plain architecture per second over the best rate that ' +
    'large matrix products reach in the same engine and run. Memory: peak of a fresh process that makes 5 steps.',
  options: {
    ...pythonOption,
    ...stepOptions,
    models: { type: 'strings', placeholder: 'A,B', help: 'Mini, 16 (default: both; with --quick Mini)' },
  },
  examples: ['', '--models Mini --rounds 20', '--python ~/torch/bin/python', '--quick'],
  rounds: { full: 12, quick: 2 },
  async measure({ models, rounds, python, quick, rematerialize, segments }, around) {
    const how = stepOf({ rematerialize, segments });
    const all = new Map<string, Measured>();
    const checks: Check[] = [];
    const data: Record<string, Measured> = {};
    for (const name of models.length > 0 ? models : quick ? ['Mini'] : Object.keys(hipModels)) {
      if (!Object.hasOwn(hipModels, name)) throw unknownName('model of this table', name, Object.keys(hipModels));
      const { title, workload } = hipModels[name];
      const measured = await measureBeside({ ...workload, ...how }, { python, rounds }, around);
      data[name] = measured;
      all.set(title, measured);
      checks.push(...checksOf(name, measured));
    }
    const notes = [
      ...notesOf(all),
      `Medians of ${rounds} rounds in which both sides take turns, ${availableParallelism()} threads each; efficiency by our median, and by our best run.`,
    ];
    return { tables: tablesOf(all), checks, notes, data };
  },
});

function checksOf(name: string, measured: Measured): Check[] {
  const checks: Check[] = [];
  const old = measured.torch?.startsWith('1.') ?? false;
  for (const [part, [current, before]] of Object.entries(WANTED[name]) as [Part, [number, number]][]) {
    const faster = speedup(measured, part);
    const what = `HiP-${name}, ${PARTS[part].replace('…', 'forward + backward')}: times faster than PyTorch ${measured.torch}`;
    if (faster) checks.push(check(what, faster, { atLeast: old ? before : current }));
  }
  const share = memoryShare(measured);
  if (share !== undefined && !old)
    checks.push(check(`HiP-${name}, peak memory over PyTorch's`, share, { atMost: WANTED_MEMORY }));
  const reached = efficiency(measured, 'step');
  checks.push(
    check(
      `HiP-${name}, efficiency of the training step`,
      reached,
      { atLeast: hipModels[name].wantedEfficiency },
      percent,
    ),
  );
  return checks;
}
