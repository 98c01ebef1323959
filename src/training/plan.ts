/** What a run will take, known before it starts; what cannot fit is refused. Node only. */
import { availableMemory, estimatePrograms, type MemoryEstimate } from '../engine/memory.js';
import { HiperceiverError } from '../errors/index.js';
import { countParameters } from '../nn/index.js';
import type { ModelDescription } from './description.js';
import type { Objective } from './objective.js';
import { learnerOptions } from './optimization.js';
import { type TrainingPrograms, trainingPrograms } from './programs.js';
import type { Recipe } from './recipe.js';

export interface TrainingPlan {
  recipe: Recipe;
  description: ModelDescription;
  /** Folder of the run. */
  folder: string;
  /** Training images. */
  images: number;
  /** Values of the model, and those of them that are trained. */
  parameters: number;
  trainedParameters: number;
  /** Floating-point operations (products and convolutions) of one optimiser update, accumulated batches included. */
  flopsPerStep: number;
  /** Bytes that the run will take beside what the process holds already. */
  memory: MemoryEstimate;
  /** Bytes that can still be taken. */
  availableMemory: number;
}

/** Plans a run: builds its objective and its graphs, which takes milliseconds and no memory. */
export function planTraining<O extends Objective>(
  recipe: Recipe,
  about: Pick<TrainingPlan, 'description' | 'folder' | 'images'>,
  build: (batchSize: number) => O,
): { plan: TrainingPlan; objective: O } {
  const { batchSize, accumulation } = recipe.training;
  const objective = build(batchSize);
  const programs = trainingPrograms(objective, learnerOptions(recipe, objective.needs));
  const plan = {
    recipe,
    ...about,
    parameters: countParameters(objective.needs),
    trainedParameters: countParameters({ parameters: new Map(programs.trained.map((p) => [p.name, p])) }),
    flopsPerStep: programs.gradient.graph.flops * accumulation,
    memory: memoryOf(programs, recipe),
    availableMemory: limitOf(recipe),
  };
  return { plan, objective };
}

/**
 * Refuses a plan that does not fit.
 * @throws HiperceiverError naming the largest batch that does
 */
export function ensureFits(plan: TrainingPlan, build: (batchSize: number) => Objective): void {
  const { recipe, memory, availableMemory: limit } = plan;
  if (memory.peak <= limit) return;
  const largest = largestBatch(recipe, limit, build);
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;
  const way =
    largest > 0
      ? `the largest that fits is --batch-size ${largest} (average several with --training.accumulation)`
      : 'not even one example fits, so choose smaller inputs or a smaller variant';
  throw new HiperceiverError(
    `A batch of ${recipe.training.batchSize} needs about ${gigabytes(memory.peak)} of memory and ${gigabytes(limit)} are free: ${way}.`,
  );
}

/** The largest batch below the recipe's whose estimate is within `limit` bytes; 0 where there is none. */
function largestBatch(recipe: Recipe, limit: number, build: (batchSize: number) => Objective): number {
  const fits = (batchSize: number) => {
    const objective = build(batchSize);
    return memoryOf(trainingPrograms(objective, learnerOptions(recipe, objective.needs)), recipe).peak <= limit;
  };
  let [fitting, excessive] = [0, recipe.training.batchSize];
  while (excessive - fitting > 1) {
    const middle = Math.floor((fitting + excessive) / 2);
    if (fits(middle)) fitting = middle;
    else excessive = middle;
  }
  return fitting;
}

function memoryOf({ gradient, accumulate, update }: TrainingPrograms, { training }: Recipe): MemoryEstimate {
  return estimatePrograms([gradient, ...(accumulate ? [accumulate] : []), update], training.device);
}

/** WebAssembly addresses 4 GiB at most, whatever the machine has. */
const WASM_LIMIT = 4 * 2 ** 30;

function limitOf({ training }: Recipe): number {
  return training.device === 'wasm' ? Math.min(WASM_LIMIT, availableMemory()) : availableMemory();
}
