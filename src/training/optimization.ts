/** What a recipe's optimizer section means: update rule, parameter groups, schedule. */
import { ensure } from '../errors/index.js';
import type { ModelNeeds } from '../nn/index.js';
import {
  adamw,
  constant,
  lamb,
  type Optimizer,
  parameterGroups,
  type Schedule,
  sgd,
  warmupCosine,
} from '../optim/index.js';
import type { LearnerOptions } from './programs.js';
import type { Recipe } from './recipe.js';

/** The learning rate of each step, counted from 1: linear warm-up, then half a cosine, or constant. */
export function scheduleOf({ optimizer, training }: Recipe): Schedule {
  const { learningRate: base, minLearningRate: min, warmupSteps, schedule } = optimizer;
  // A run shorter than its warm-up still arrives at its peak, with its last step.
  const warmup = Math.min(warmupSteps, training.steps - 1);
  if (schedule === 'cosine') return warmupCosine({ base, min, warmup, total: training.steps });
  const flat = constant(base);
  return (step) => (step < warmup ? (base * step) / warmup : flat(step));
}

/**
 * The update rule, groups, clipping and accumulation that a recipe asks for.
 * @throws HiperceiverError where a value is out of range
 */
export function learnerOptions(recipe: Recipe, needs: ModelNeeds): LearnerOptions {
  const { optimizer, training, finetune } = recipe;
  ensure(
    Number.isFinite(optimizer.learningRate),
    () => `optimizer.learningRate is ${optimizer.learningRate}: give a finite number.`,
  );
  const freeze = recipe.task === 'finetune' ? finetune.freeze : 'none';
  const frozen: Record<typeof freeze, (name: string) => boolean> = {
    none: () => false,
    encoder: (name) => !name.startsWith('classifier/'),
    positions: isPositionTable,
  };
  const names = [...needs.parameters.keys()];
  const depth = 1 + Math.max(0, ...names.map((name) => blockOf(name) ?? 0));
  return {
    optimizer: updateRule(recipe),
    groups: parameterGroups(needs.parameters.values(), {
      weightDecay: optimizer.weightDecay,
      noDecay: optimizer.noDecay.map((word) => new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))),
      layerDecay: optimizer.layerDecay,
      layerOf: (name) => layerOf(name, depth),
      numLayers: depth + 1,
      learningRateScales: [{ match: POSITION_TABLE, scale: optimizer.positionLearningRateScale }],
    }),
    clipNorm: optimizer.clipNorm,
    emaDecay: training.emaDecay || undefined,
    accumulation: training.accumulation,
    trainable: (name) => !frozen[freeze](name),
    precision: training.precision,
  };
}

const POSITION_TABLE = /pos_emb_mae_[^/]*\/pos_embs$/;

/** Whether a parameter is a table of the inputs' positions (not of the latents' queries, which carries the same last name). */
export function isPositionTable(name: string): boolean {
  return POSITION_TABLE.test(name);
}

function updateRule({ optimizer: { name, betas, epsilon, momentum } }: Recipe): Optimizer {
  if (name === 'adamw') return adamw({ betas, epsilon });
  return name === 'lamb' ? lamb({ betas, epsilon }) : sgd({ momentum });
}

function blockOf(name: string): number | undefined {
  const block = /(?:^|\/)(?:perceiver_)?block_(\d+)\//.exec(name);
  return block ? Number(block[1]) : undefined;
}

/** Layers for layer-wise decay: 0 what embeds, i + 1 block i, the last what comes after all blocks. */
function layerOf(name: string, depth: number): number {
  const block = blockOf(name);
  if (block !== undefined) return block + 1;
  return /\/(embedder|position_encoder)(_\d+)?\//.test(name) && !name.includes('unembed') ? 0 : depth + 1;
}
