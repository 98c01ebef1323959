/** Every system by name: its variants, and one way to apply and configure it. */
import { ensure, unknownName } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import type { Scope } from '../nn/index.js';
import type { Grouping } from './grouping.js';
import { type HipConfig, hip, hipGrouping, type PerceiverOutputs } from './hip.js';
import type { RowSelection } from './inputStage.js';
import { indexDim, type Modality } from './modality.js';
import { type PerceiverIoConfig, perceiverIo } from './perceiverIo.js';
import { hipVariants, perceiverIoVariants } from './variants.js';

export interface ApplyOptions {
  encoderOnly?: boolean;
  selections?: Record<string, RowSelection>;
}

/** What the rest of the house needs to know of a system. */
// biome-ignore lint/suspicious/noExplicitAny: each system has a configuration of its own
export interface System<Config = any> {
  name: string;
  summary: string;
  paper: string;
  variants: Record<string, Config>;
  apply(
    scope: Scope,
    config: Config,
    modalities: readonly Modality[],
    inputs: Record<string, Tensor>,
    options?: ApplyOptions,
  ): PerceiverOutputs;
  /** How inputs are cut into groups: masks are drawn by group. */
  grouping(config: Config, modalities: readonly Modality[]): Grouping;
}

const hipSystem: System<HipConfig> = {
  name: 'hip',
  summary: 'Hierarchical Perceiver: raw inputs in groups, positions learned',
  paper: 'arXiv 2202.10890',
  variants: hipVariants,
  apply: hip,
  grouping: hipGrouping,
};

export const systems: Record<string, System> = {
  hip: hipSystem,
  hip_class_bottleneck: {
    ...hipSystem,
    name: 'hip_class_bottleneck',
    summary: 'HiP whose label modalities enter and leave at the processor',
  },
  perceiver_io: {
    name: 'perceiver_io',
    summary: 'Perceiver IO: all inputs in one group, for comparison',
    paper: 'arXiv 2107.14795',
    variants: perceiverIoVariants,
    apply: perceiverIo,
    grouping: (_: PerceiverIoConfig, modalities) => ({
      indexDimPerGroup: Math.max(...modalities.map(indexDim)),
      modalities: modalities.map((m) => ({
        name: m.name,
        indexDim: indexDim(m),
        groups: 1,
        finalPadding: 0,
        groupPadding: 0,
      })),
    }),
  },
};

/** A system by name. Throws with the nearest name where there is none. */
export function systemByName(name: string): System {
  const system = systems[name];
  if (!system) throw unknownName('model', name, Object.keys(systems));
  return system;
}

/** A variant's configuration with some fields replaced. Throws on unknown variants and fields. */
export function configOf(
  system: System,
  variant: string,
  overrides: Record<string, unknown> = {},
): Record<string, unknown> {
  const base = system.variants[variant] as Record<string, unknown> | undefined;
  if (!base) throw unknownName(`${system.name} variant`, variant, Object.keys(system.variants));
  const known = new Set([
    ...Object.keys(base),
    'processorIndexDimTrain',
    'processorIndexDimEval',
    'labelModalities',
    'zIndexDimTrain',
    'zIndexDimEval',
  ]);
  for (const key of Object.keys(overrides))
    if (!known.has(key)) throw unknownName(`${system.name} setting`, key, known);
  const merged = { ...base, ...overrides };
  ensure(
    Number.isInteger(merged.numEmbeddingChannels),
    () => `${system.name}: numEmbeddingChannels must be a whole number.`,
  );
  return merged;
}
