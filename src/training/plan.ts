/** What a run will take, known before it starts; what cannot fit is refused. Node only. */
import { availableMemory, estimatePrograms, machineMemory } from '../engine/memory.js';
import { HiperceiverError } from '../errors/index.js';
import { countParameters, type Rematerialization } from '../nn/index.js';
import type { ModelDescription } from './description.js';
import type { BuildObjective, Objective } from './objective.js';
import type { Recipe } from './recipe.js';
import { recipePrograms } from './recipePrograms.js';

/** What a run is and takes. */
export interface TrainingPlan {
  recipe: Recipe;
  description: ModelDescription;
  /** Folder of the run. */
  folder: string;
  /** Training examples. */
  images: number;
  /** What is learned from what, in words, where it is not classes. */
  about?: string;
  /** Sentences on what was left out of the data or carried over from a checkpoint, for the user. */
  remarks: readonly string[];
  /** Values of the model, and those of them that are trained. */
  parameters: number;
  trainedParameters: number;
  /** Floating-point operations (products and convolutions) of one optimiser update, accumulated batches included. */
  flopsPerStep: number;
  /** What is computed again in the backward pass. */
  rematerialize: Rematerialization;
  /** Bytes that the run will take beside what the process holds already. */
  memory: number;
  /** Bytes that can still be taken. */
  availableMemory: number;
}

/**
 * Plans a run. Graphs are built for it, which takes milliseconds; nothing of the run's size is allocated.
 * @param build the run's objective
 */
export function planTraining(
  recipe: Recipe,
  about: Pick<TrainingPlan, 'description' | 'folder' | 'images'> & Partial<Pick<TrainingPlan, 'remarks'>>,
  build: BuildObjective,
): TrainingPlan {
  const { level, cost } = rematerializationOf(recipe, build);
  const { flops, ...rest } = cost;
  return {
    recipe,
    remarks: [],
    ...about,
    ...rest,
    rematerialize: level,
    flopsPerStep: flops * recipe.training.accumulation,
    availableMemory: limitOf(recipe, availableMemory()),
  };
}

/** Share of the machine's memory that a run may take before it computes things again. */
const ROOMY = 0.75;

/**
 * What is computed again: what the recipe says, or as little as the machine's memory allows. Not what is free at the
 * moment: a run that is resumed must decide alike, for its bits depend on it.
 */
function rematerializationOf(recipe: Recipe, build: BuildObjective): { level: Rematerialization; cost: Cost } {
  const { batchSize, rematerialize } = recipe.training;
  const levels: Rematerialization[] = rematerialize === 'auto' ? ['none', 'cheap', 'layers'] : [rematerialize];
  const room = ROOMY * limitOf(recipe, machineMemory());
  for (const level of levels) {
    const cost = costOf(recipe, batchSize, (size) => build(size, level));
    if (cost.memory <= room || level === levels[levels.length - 1]) return { level, cost };
  }
  throw new Error('There is always a last level.');
}

/**
 * Refuses a plan that does not fit.
 * @throws HiperceiverError naming the largest batch that does
 */
export function ensureFits(plan: TrainingPlan, build: BuildObjective): void {
  const { recipe, memory, availableMemory: limit } = plan;
  if (memory <= limit) return;
  const largest = largestBatch(recipe, limit, (size) => build(size, plan.rematerialize));
  const gigabytes = (bytes: number) => `${Number((bytes / 1e9).toPrecision(3))} GB`;
  const way =
    largest > 0
      ? `the largest that fits is --batch-size ${largest} (average several with --training.accumulation)`
      : 'not even one example fits, so choose smaller inputs or a smaller variant';
  throw new HiperceiverError(
    `A batch of ${recipe.training.batchSize} needs about ${gigabytes(memory)} of memory and ${gigabytes(limit)} are free: ${way}.`,
  );
}

/** The largest batch below the recipe's whose estimate is within `limit` bytes; 0 where there is none. */
function largestBatch(recipe: Recipe, limit: number, build: (batchSize: number) => Objective): number {
  let [fitting, excessive] = [0, recipe.training.batchSize];
  while (excessive - fitting > 1) {
    const middle = Math.floor((fitting + excessive) / 2);
    if (costOf(recipe, middle, build).memory <= limit) fitting = middle;
    else excessive = middle;
  }
  return fitting;
}

type Cost = Pick<TrainingPlan, 'parameters' | 'trainedParameters' | 'memory' | 'about'> & { flops: number };

/** Batches above this are not built but extrapolated: graphs hold small constants for each example. */
const LARGEST_BUILT = 256;

function costOf(recipe: Recipe, batchSize: number, build: (batchSize: number) => Objective): Cost {
  if (batchSize <= LARGEST_BUILT) return builtCost(recipe, build(batchSize));
  const [half, whole] = [LARGEST_BUILT / 2, LARGEST_BUILT].map((size) => builtCost(recipe, build(size)));
  const beyond = (batchSize - LARGEST_BUILT) / (LARGEST_BUILT / 2);
  const extrapolate = (from: number, to: number) => to + (to - from) * beyond;
  return { ...whole, memory: extrapolate(half.memory, whole.memory), flops: extrapolate(half.flops, whole.flops) };
}

function builtCost(recipe: Recipe, objective: Objective): Cost {
  const { trained, segments, accumulate } = recipePrograms(recipe, objective);
  const programs = [
    ...segments.flatMap(({ gradient, update }) => [gradient, update]),
    ...(accumulate ? [accumulate] : []),
  ];
  return {
    about: objective.about,
    parameters: countParameters(objective.needs),
    trainedParameters: countParameters({ parameters: new Map(trained.map((p) => [p.name, p])) }),
    memory: estimatePrograms(programs, recipe.training.device).peak,
    flops: segments.reduce((total, { gradient }) => total + gradient.graph.flops, 0),
  };
}

/** WebAssembly addresses 4 GiB at most, whatever the machine has. */
const WASM_LIMIT = 4 * 2 ** 30;

function limitOf({ training }: Recipe, memory: number): number {
  return training.device === 'wasm' ? Math.min(WASM_LIMIT, memory) : memory;
}
