/** Training speed of an encoder on square images, in a process of its own: what the tables of speed and cost are made of. */
import { availableMemory } from '../src/engine/memory.js';
import { parseModelName } from '../src/models/index.js';
import type { Rematerialization } from '../src/nn/index.js';
import type { Around } from './benchmark.js';
import type { Timing } from './measure.js';
import { gigabytes } from './report.js';
import { trainSideBySide } from './sideBySide.js';
import { fitted, largestBatch } from './training.js';
import type { WorkloadSpec } from './workload.js';

/** What was found for one model at one side. */
export interface EncoderSpeed {
  model: string;
  side: number;
  batch: number;
  /** What is computed again in the backward pass: as little as the budget allows. */
  rematerialize: Rematerialization;
  /** Bytes by the estimate. */
  estimate: number;
  /** The largest batch that the estimate fits into the budget; 0 where not even one example does; absent if not asked for. */
  largestBatch?: number;
  /** Milliseconds of whole steps, without the first of each process. */
  step?: Timing;
  peakBytes?: number;
  /** Why there is no time: too little memory, or how the process ended. */
  failure?: string;
}

/** How encoders are measured. */
export interface EncoderOptions {
  /** Examples in a step. */
  batch: number;
  /** Steps of each model that count. */
  steps: number;
  /** Bytes that may be taken. */
  budget: number;
  /** Whether to look for the largest batch too, which takes seconds. */
  batches?: boolean;
}

/** Encoder alone, mean square of its output. */
function encoderWorkload(model: string, side: number, batch: number): WorkloadSpec {
  const { system, variant } = parseModelName(model);
  return { system, variant, indexShape: [side, side], channels: 3, batch, task: 'encode' };
}

/**
 * Measures models at one side, in processes of their own. What the estimate does not fit into the budget is not started.
 */
export async function measureEncoders(
  models: readonly string[],
  side: number,
  { batch, steps, budget, batches = true }: EncoderOptions,
  around: Around,
): Promise<EncoderSpeed[]> {
  const found = models.map((model): EncoderSpeed => {
    const { spec, estimate } = fitted(encoderWorkload(model, side, batch), budget);
    const failure = estimate > budget ? `needs ${gigabytes(estimate)}` : undefined;
    const { rematerialize = 'none' } = spec;
    const largest = batches ? largestBatch(spec, budget) : undefined;
    return { model, side, batch, rematerialize, estimate, largestBatch: largest, failure };
  });
  const sides = found
    .filter(({ failure }) => !failure)
    .map(({ model, rematerialize, estimate }) => ({
      name: `${model} at ${side}x${side}, about ${gigabytes(estimate)}`,
      model,
      workload: { ...encoderWorkload(model, side, batch), rematerialize },
    }));
  const trained = await trainSideBySide(sides, steps, around);
  for (const { name, model } of sides) Object.assign(found.find((f) => f.model === model)!, trained.get(name));
  return found;
}

/** Bytes that may be taken: what `--budget` says in GB, else what is free now. */
export function budgetBytes(gigabytes: number | undefined): number {
  return gigabytes === undefined ? availableMemory() : gigabytes * 1e9;
}
