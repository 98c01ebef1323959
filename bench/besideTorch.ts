/** A workload beside PyTorch: time, efficiency and memory of both, in one run. */
import { createEngine } from '../src/engine/index.js';
import { unknownName } from '../src/errors/index.js';
import { countParameters, PARAMETER } from '../src/nn/index.js';
import type { Around } from './benchmark.js';
import { trainInChild } from './child.js';
import { TRAINING_FACTOR } from './flops.js';
import { type Contender, inTurn, type Timings, timed } from './measure.js';
import { type AttentionMode, TorchPeer } from './peers/torch.js';
import { createProducts } from './products.js';
import { gigabytes, ms, percent, type Result, ratio } from './report.js';
import { REMATERIALIZATIONS, Trainer } from './training.js';
import { buildWorkload, type Workload, type WorkloadSpec } from './workload.js';

/** What is timed. */
export type Part = 'forward' | 'gradient' | 'step';
export const PARTS: Record<Part, string> = { forward: 'forward', gradient: 'forward + backward', step: '… + AdamW' };
/** Training steps after which memory is read. */
const MEMORY_STEPS = 5;

/** How a step trades time for memory. */
export const stepOptions = {
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
} as const;

/** {@link stepOptions} as typed. Throws on a level that there is not. */
export function stepOf({
  rematerialize,
  segments,
}: {
  rematerialize: string;
  segments: number;
}): Pick<WorkloadSpec, 'rematerialize' | 'segments'> {
  const level = REMATERIALIZATIONS.find((name) => name === rematerialize);
  if (!level) throw unknownName('--rematerialize', rematerialize, REMATERIALIZATIONS);
  return { rematerialize: level, segments };
}

/** What both sides of one workload did. */
export interface Measured {
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

/** Times both sides in turn, and takes the peak memory of each in processes of its own. */
export async function measureBeside(
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

export function efficiency(
  { plainFlops, bestRate, timings }: Measured,
  part: Part,
  by: 'median' | 'best' = 'median',
): number {
  const flops = plainFlops * (part === 'forward' ? 1 : TRAINING_FACTOR);
  return flops / (timings.ours[part][by] / 1000) / bestRate;
}

export function speedup({ timings, peer }: Measured, part: Part): number | undefined {
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

export function memoryShare({ memory, peer }: Measured): number | undefined {
  const theirs = peer && memory[peer];
  return memory.ours && theirs && memory.ours.peakBytes / theirs.peakBytes;
}

function memoryRow(title: string, measured: Measured) {
  const { ours, fused, plain } = measured.memory;
  const share = memoryShare(measured);
  const shown = [ours?.peakBytes, ours?.loadedBytes, fused?.peakBytes, plain?.peakBytes].map((b) => b && gigabytes(b));
  return [title, shown[0] ?? measured.failures[0], ...shown.slice(1), share && ratio(share)];
}

/** The tables of several workloads by their titles. */
export function tablesOf(all: ReadonlyMap<string, Measured>): Result['tables'] {
  const rows = [...all];
  return [
    { title: 'Time', columns: TIME_COLUMNS, rows: rows.flatMap(([title, measured]) => timeRows(title, measured)) },
    {
      title: 'Peak memory',
      columns: MEMORY_COLUMNS,
      rows: rows.map(([title, measured]) => memoryRow(title, measured)),
    },
  ];
}

/** What is to be known of them: how equal both sides are, or why there is only one. */
export function notesOf(all: ReadonlyMap<string, Measured>): string[] {
  return [...all].map(
    ([title, { missing, parameters, outputsDiffer }]) =>
      missing ??
      `${title}: ${parameters.toLocaleString('en-US')} parameters on both sides, outputs equal to ${outputsDiffer!.toExponential(0)} of the largest.`,
  );
}
