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
    encoder: (name) => !HEAD.test(name),
    positions: isPositionTable,
  };
  const names = [...needs.parameters.keys()];
  const layers = blockLayers(names);
  const depth = layers.size;
  return {
    optimizer: updateRule(recipe),
    groups: parameterGroups(needs.parameters.values(), {
      weightDecay: optimizer.weightDecay,
      noDecay: optimizer.noDecay.map((word) => new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))),
      layerDecay: optimizer.layerDecay,
      layerOf: (name) => layerOf(name, layers),
      numLayers: depth + 1,
      learningRateScales: [{ match: POSITION_TABLE, scale: optimizer.positionLearningRateScale }],
    }),
    clipNorm: optimizer.clipNorm,
    emaDecay: training.emaDecay || undefined,
    accumulation: training.accumulation,
    segments: training.segments,
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

/** What reads the classes: our heads, and the own heads of the systems. */
const HEAD = /^(classifier|(encoder\/)?head|pool_norm|decoder|decode_head|auxiliary_head|fourfold|twofold)\//;

/** A block of the encoder: HiP's and Perceiver IO's, those of vision and Swin transformers, a layer of the Perceiver. */
const BLOCK = /^(?:.*\/)?(?:(?:perceiver_)?block_\d+|(?:stages\/\d+\/)?blocks\/\d+|self_attention\/\d+\/\d+)\//;

/** What embeds the input, of any system. */
const EMBEDDING =
  /\/(embedder|position_encoder)(_\d+)?\/(?!.*unembed)|^(encoder\/)?(class_token|positions|patch_embedding|patch_norm|part_positions|class_part_position|relative_positions)(\/|$)|^preprocessor\//;

/** The blocks of the encoder in the order of their making, by the beginnings of their parameters' names: 1, 2, … */
function blockLayers(names: readonly string[]): Map<string, number> {
  const layers = new Map<string, number>();
  for (const name of names) {
    const block = BLOCK.exec(name)?.[0];
    if (block !== undefined && !HEAD.test(name) && !layers.has(block)) layers.set(block, layers.size + 1);
  }
  return layers;
}

/** Layers for layer-wise decay: 0 what embeds, i + 1 block i, the last what comes after all blocks. */
function layerOf(name: string, layers: ReadonlyMap<string, number>): number {
  const block = layers.get(BLOCK.exec(name)?.[0] ?? '');
  return block ?? (EMBEDDING.test(name) ? 0 : layers.size + 1);
}
