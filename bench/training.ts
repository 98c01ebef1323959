/** Training steps of a workload on an engine, by the project's own learner. */
import type { Engine } from '../src/engine/index.js';
import { estimatePrograms, type MemoryEstimate } from '../src/engine/memory.js';
import type { Values } from '../src/graph/index.js';
import type { Rematerialization } from '../src/nn/index.js';
import { adamw, parameterGroups } from '../src/optim/index.js';
import { Learner, type LearnerOptions, type TrainingPrograms, trainingPrograms } from '../src/training/portable.js';
import { timed } from './measure.js';
import { buildWorkload, parameterValues, type Workload, type WorkloadSpec } from './workload.js';

const LEARNING_RATE = 1e-4;

/** AdamW as the PyTorch peer has it: every parameter decays, nothing is clipped. */
function optionsFor({ needs, spec }: Workload): LearnerOptions {
  return {
    optimizer: adamw({ betas: [0.9, 0.95], epsilon: 1e-8 }),
    groups: parameterGroups(needs.parameters.values(), { weightDecay: 0.05, decay1d: true }),
    accumulation: 1,
    segments: spec.segments,
    trainable: () => true,
  };
}

/** Compiles a workload's programs; its parameters have no values yet. */
export function compileTraining(engine: Engine, workload: Workload): Promise<Learner> {
  const { loss, needs } = workload;
  return Learner.create(engine, { loss, metrics: {}, needs }, optionsFor(workload));
}

/** Makes one step after the other. */
export class Trainer {
  private steps = 0;

  private constructor(
    private readonly learner: Learner,
    private readonly feeds: Record<string, Values>,
  ) {}

  /** Compiles a workload's programs and puts its first parameters on the device. */
  static async create(engine: Engine, workload: Workload): Promise<Trainer> {
    const learner = await compileTraining(engine, workload);
    await learner.load(parameterValues(workload.needs.parameters.values()), undefined, { transfer: true });
    return new Trainer(learner, workload.feeds());
  }

  /** One step. Milliseconds of forward and backward, and of the whole step with AdamW. */
  async step(): Promise<{ gradient: number; step: number; loss: number }> {
    const gradient = await timed(() => this.learner.gradient(this.feeds));
    const update = await timed(() => this.learner.update(++this.steps, LEARNING_RATE));
    return { gradient: gradient.ms, step: gradient.ms + update.ms, loss: gradient.value.loss };
  }

  /** Forward and backward alone, in milliseconds; the parameters stay as they are. */
  async gradient(): Promise<number> {
    return (await timed(() => this.learner.gradient(this.feeds))).ms;
  }

  dispose(): Promise<void> {
    return this.learner.dispose();
  }
}

/** The graphs of a workload's training step. */
export function programsOf(workload: Workload): TrainingPrograms {
  const { loss, needs } = workload;
  return trainingPrograms({ loss, metrics: {}, needs }, optionsFor(workload));
}

/** Memory that training a workload will take, from its graphs alone. */
export function estimateTraining(spec: WorkloadSpec): MemoryEstimate {
  const { segments } = programsOf(buildWorkload(spec));
  return estimatePrograms(segments.flatMap(({ gradient, update }) => [gradient, update]));
}

/** From the fastest to the one that needs least memory. */
export const REMATERIALIZATIONS = ['none', 'cheap', 'layers'] as const satisfies Rematerialization[];

/** The workload with as little computed again as fits into `budget` bytes, and its estimate; the leanest where none fits. */
export function fitted(spec: WorkloadSpec, budget: number): { spec: WorkloadSpec; estimate: number } {
  let found = { spec, estimate: Number.POSITIVE_INFINITY };
  for (const rematerialize of REMATERIALIZATIONS) {
    const leaner = { ...spec, rematerialize };
    const estimate = estimateTraining(leaner).peak;
    if (estimate < found.estimate) found = { spec: leaner, estimate };
    if (estimate <= budget) return { spec: leaner, estimate };
  }
  return found;
}

/** Estimates that the search for the largest batch makes at most: those of large models take a second each. */
const TRIALS = 8;

/**
 * The largest batch whose training fits into `budget` bytes by the estimate, with as much computed again as can be; 0
 * where not even one example does. Memory grows with the batch nearly as a straight line, along which the search goes; of
 * hundreds it may miss the last few.
 */
export function largestBatch(spec: WorkloadSpec, budget: number): number {
  const rematerialize = REMATERIALIZATIONS[REMATERIALIZATIONS.length - 1];
  const needed = (batch: number) => estimateTraining({ ...spec, batch, rematerialize }).peak;
  let fitting = { batch: 1, bytes: needed(1) };
  if (fitting.bytes > budget) return 0;
  let excessive: typeof fitting | undefined;
  let batch = 2;
  for (let trial = 0; trial < TRIALS && batch !== excessive?.batch; trial++) {
    const before = fitting;
    const tried = { batch, bytes: needed(batch) };
    if (tried.bytes <= budget) fitting = tried;
    else excessive = tried;
    // Along the line through the two estimates that are nearest to the budget.
    const other = excessive ?? before;
    const growth = Math.max(1, (other.bytes - fitting.bytes) / (other.batch - fitting.batch));
    const guess = Math.floor(fitting.batch + (budget - fitting.bytes) / growth);
    // Not too far at once: one more example may change how work is divided, and so cost next to nothing.
    batch = Math.max(fitting.batch + 1, Math.min(guess, excessive ? excessive.batch - 1 : 8 * fitting.batch));
  }
  return fitting.batch;
}
