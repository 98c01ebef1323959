import { availableParallelism } from 'node:os';
import { createEngine } from '../../src/engine/index.js';
import { unknownName } from '../../src/errors/index.js';
import { countParameters, PARAMETER } from '../../src/nn/index.js';
import { type Around, defineBenchmark, pythonOption } from '../benchmark.js';
import { trainInChild } from '../child.js';
import { TRAINING_FACTOR } from '../flops.js';
import { type Contender, inTurn, type Timings, timed } from '../measure.js';
import { type AttentionMode, TorchPeer } from '../peers/torch.js';
import { createProducts } from '../products.js';
import { type Check, check, gigabytes, ms, percent, type Result, ratio } from '../report.js';
import { REMATERIALIZATIONS, Trainer } from '../training.js';
import { buildWorkload, type Workload, type WorkloadSpec } from '../workload.js';

/** The two workloads of the acceptance, and how much faster than PyTorch a part should be: current, and 1.x. */
const MODELS: Record<
  string,
  { title: string; workload: WorkloadSpec; wanted: Partial<Record<Part, [number, number]>> }
> = {
  Mini: {
    title: 'HiP-Mini, 1,024 x 3, batch 4',
    workload: { system: 'hip', variant: 'Mini', indexShape: [1024], channels: 3, batch: 4, task: 'reconstruct' },
    wanted: { step: [1.3, 2] },
  },
  '16': {
    title: 'HiP-16, 50,176 x 3, batch 1',
    workload: { system: 'hip', variant: '16', indexShape: [224, 224], channels: 3, batch: 1, task: 'reconstruct' },
    wanted: { forward: [1.5, 3], step: [1.3, 2] },
  },
};

type Part = 'forward' | 'gradient' | 'step';
const PARTS: Record<Part, string> = { forward: 'forward', gradient: 'forward + backward', step: '… + AdamW' };
/** Training steps after which memory is read. */
const MEMORY_STEPS = 5;
const WANTED_EFFICIENCY = 0.75;
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
    rematerialize: {
      type: 'string',
      default: 'none',
      placeholder: 'LEVEL',
      help: `what is computed again in the backward pass: ${REMATERIALIZATIONS.join(', ')}`,
    },
    segments: {
      type: 'number',
      default: 1,
      placeholder: 'N',
      help: 'parts of the backward pass, each with its update; the time of the first is then that of forward + backward',
    },
    models: { type: 'strings', placeholder: 'A,B', help: 'Mini, 16 (default: both; with --quick Mini)' },
  },
  examples: ['', '--models Mini --rounds 20', '--python ~/torch/bin/python', '--quick'],
  rounds: { full: 12, quick: 2 },
  async measure({ models, rounds, python, quick, rematerialize, segments }, around) {
    const level = REMATERIALIZATIONS.find((name) => name === rematerialize);
    if (!level) throw unknownName('--rematerialize', rematerialize, REMATERIALIZATIONS);
    const result: Result = { tables: [], checks: [], notes: [], data: {} };
    const [times, memory] = [
      { title: 'Time', columns: TIME_COLUMNS, rows: [] as Result['tables'][0]['rows'] },
      { title: 'Peak memory', columns: MEMORY_COLUMNS, rows: [] as Result['tables'][0]['rows'] },
    ];
    for (const name of models.length > 0 ? models : quick ? ['Mini'] : Object.keys(MODELS)) {
      if (!Object.hasOwn(MODELS, name)) throw unknownName('model of this table', name, Object.keys(MODELS));
      const measured = await measureModel(
        { ...MODELS[name].workload, rematerialize: level, segments },
        { python, rounds },
        around,
      );
      (result.data as Record<string, unknown>)[name] = measured;
      times.rows.push(...timeRows(MODELS[name].title, measured));
      memory.rows.push(memoryRow(MODELS[name].title, measured));
      result.checks.push(...checksOf(name, measured));
      if (measured.missing) result.notes.push(measured.missing);
      else
        result.notes.push(
          `${MODELS[name].title}: ${measured.parameters.toLocaleString('en-US')} parameters on both sides, outputs equal to ${measured.outputsDiffer!.toExponential(0)} of the largest.`,
        );
    }
    result.tables.push(times, memory);
    result.notes.push(
      `Medians of ${rounds} rounds in which both sides take turns, ${availableParallelism()} threads each; efficiency by our median, and by our best run.`,
    );
    return result;
  },
});

interface Measured {
  timings: Timings;
  /** Floating-point operations per second. */
  bestRate: number;
  plainFlops: number;
  parameters: number;
  torch?: string;
  /** The faster way of PyTorch's, by the whole step. */
  peer?: AttentionMode;
  outputsDiffer?: number;
  missing?: string;
  /** `loadedBytes`: of ours, the peak before the first step. */
  memory: Partial<Record<'ours' | AttentionMode, { peakBytes: number; losses: number[]; loadedBytes?: number }>>;
  failures: string[];
}

async function measureModel(
  spec: WorkloadSpec,
  { python, rounds }: { python: string; rounds: number },
  { note }: Around,
): Promise<Measured> {
  const workload = buildWorkload(spec);
  note(`${spec.variant}: compiling, and starting PyTorch`);
  const started = await TorchPeer.start(workload, python);
  const torch = started instanceof TorchPeer ? started : undefined;
  const timed = await timeInTurn(workload, torch, rounds, (round) =>
    note(`${spec.variant}: round ${round} of ${rounds}`),
  ).finally(() => torch?.close());
  const measured: Measured = {
    ...timed,
    plainFlops: workload.plainFlops!,
    parameters: countParameters(workload.needs),
    torch: torch?.version,
    peer: torch?.attentions.sort((a, b) => timed.timings[a].step.median - timed.timings[b].step.median)[0],
    missing: 'missing' in started ? started.missing : undefined,
    memory: {},
    failures: [],
  };
  note(`${spec.variant}: peak memory of ${MEMORY_STEPS} steps in processes of their own`);
  const ours = await trainInChild(spec, MEMORY_STEPS);
  if ('failure' in ours) measured.failures.push(ours.failure);
  else measured.memory.ours = { peakBytes: ours.peakBytes, losses: ours.losses, loadedBytes: ours.loadedBytes };
  for (const mode of torch?.attentions ?? []) {
    const alone = await TorchPeer.start(workload, python);
    if (!(alone instanceof TorchPeer)) continue;
    measured.memory[mode] = await alone.train(mode, MEMORY_STEPS);
    await alone.close();
  }
  return measured;
}

async function timeInTurn(
  workload: Workload,
  torch: TorchPeer | undefined,
  rounds: number,
  onRound: (round: number) => void,
): Promise<Pick<Measured, 'timings' | 'bestRate' | 'outputsDiffer'>> {
  await using engine = await createEngine({ device: 'cpu' });
  const trainer = await Trainer.create(engine, workload);
  const resident = [...workload.needs.parameters.keys()].map((name) => [PARAMETER + name, PARAMETER + name]);
  const forward = await engine.compile(workload.forward, { inputs: Object.fromEntries(resident) });
  const products = await createProducts(engine);
  const feeds = workload.feeds();
  // Before any step: training changes the weights.
  const answer = await forward.run(feeds);
  const outputsDiffer = await torch?.verify(workload, answer.output as Float32Array);
  const ours: Contender = {
    name: 'ours',
    run: async () => {
      const { ms: forwardMs } = await timed(() => forward.run(feeds));
      const { gradient, step } = await trainer.step();
      return { forward: forwardMs, gradient, step };
    },
  };
  const peers = torch?.attentions.map((mode) => torch.steps(mode)) ?? [];
  const timings = await inTurn([products, ours, ...peers], { rounds, onRound });
  return { timings, bestRate: products.bestRate(), outputsDiffer };
}

const TIME_COLUMNS = [
  'model',
  'part',
  'ours ms',
  'best',
  'PyTorch fused ms',
  'plain ms',
  'times faster',
  'efficiency',
  'of the best',
];
const MEMORY_COLUMNS = ['model', 'ours', 'before step 1', 'PyTorch fused', 'plain', 'ours / peer'];

function efficiency({ plainFlops, bestRate, timings }: Measured, part: Part, by: 'median' | 'best' = 'median'): number {
  const flops = plainFlops * (part === 'forward' ? 1 : TRAINING_FACTOR);
  return flops / (timings.ours[part][by] / 1000) / bestRate;
}

function speedup({ timings, peer }: Measured, part: Part): number | undefined {
  return peer && Math.min(...peers(timings).map((t) => t[part].median)) / timings.ours[part].median;
}

/** PyTorch's timings, in every mode that it has. */
function peers({ fused, plain }: Timings): Timings[string][] {
  return [fused, plain].filter((t) => t !== undefined);
}

function timeRows(title: string, measured: Measured) {
  const { ours, fused, plain } = measured.timings;
  return (Object.keys(PARTS) as Part[]).map((part, i) => {
    const faster = speedup(measured, part);
    return [
      i === 0 ? title : '',
      PARTS[part],
      ms(ours[part].median),
      ms(ours[part].best),
      ms(fused?.[part].median),
      ms(plain?.[part].median),
      faster && ratio(faster),
      percent(efficiency(measured, part)),
      percent(efficiency(measured, part, 'best')),
    ];
  });
}

function memoryShare({ memory, peer }: Measured): number | undefined {
  const theirs = peer && memory[peer];
  return memory.ours && theirs && memory.ours.peakBytes / theirs.peakBytes;
}

function memoryRow(title: string, measured: Measured) {
  const { ours, fused, plain } = measured.memory;
  const share = memoryShare(measured);
  const shown = [ours?.peakBytes, ours?.loadedBytes, fused?.peakBytes, plain?.peakBytes].map((b) => b && gigabytes(b));
  return [title, shown[0] ?? measured.failures[0], ...shown.slice(1), share && ratio(share)];
}

function checksOf(name: string, measured: Measured): Check[] {
  const checks: Check[] = [];
  const old = measured.torch?.startsWith('1.') ?? false;
  for (const [part, [current, before]] of Object.entries(MODELS[name].wanted) as [Part, [number, number]][]) {
    const faster = speedup(measured, part);
    const what = `HiP-${name}, ${PARTS[part].replace('…', 'forward + backward')}: times faster than PyTorch ${measured.torch}`;
    if (faster) checks.push(check(what, faster, { atLeast: old ? before : current }));
  }
  const share = memoryShare(measured);
  if (share !== undefined && !old)
    checks.push(check(`HiP-${name}, peak memory over PyTorch's`, share, { atMost: WANTED_MEMORY }));
  const reached = efficiency(measured, 'step');
  checks.push(check(`HiP-${name}, efficiency of the training step`, reached, { atLeast: WANTED_EFFICIENCY }, percent));
  return checks;
}
