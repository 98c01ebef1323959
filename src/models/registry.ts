/** Every system by name, and the configuration of a variant. */
import { ensure, unknownName } from '../errors/index.js';
import { type HipConfig, hip, hipGrouping } from './hip.js';
import { imageSystems } from './imageSystems.js';
import { perceiverIo, perceiverIoGrouping } from './perceiverIo.js';
import type { System } from './system.js';
import { hipVariants, perceiverIoVariants } from './variants.js';

const hipSystem: System<HipConfig> = {
  name: 'hip',
  summary: 'Hierarchical Perceiver: raw inputs in groups, positions learned',
  paper: 'arXiv 2202.10890',
  variants: hipVariants,
  masksElements: true,
  settings: ['processorIndexDimTrain', 'processorIndexDimEval', 'labelModalities'],
  apply: hip,
  grouping: hipGrouping,
};

/** All systems, in the order in which they are listed. */
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
    masksElements: true,
    settings: ['zIndexDimTrain', 'zIndexDimEval'],
    apply: perceiverIo,
    grouping: perceiverIoGrouping,
  },
  ...imageSystems,
};

/** A system by name. Throws with the nearest name where there is none. */
export function systemByName(name: string): System {
  if (!Object.hasOwn(systems, name)) throw unknownName('model', name, Object.keys(systems));
  return systems[name];
}

/** A variant's configuration with some fields replaced. Throws on unknown variants and fields. */
export function configOf(
  system: System,
  variant: string,
  overrides: Record<string, unknown> = {},
): Record<string, unknown> {
  if (!Object.hasOwn(system.variants, variant))
    throw unknownName(`${system.name} variant`, variant, Object.keys(system.variants));
  const base = system.variants[variant] as Record<string, unknown>;
  const known = new Set([...Object.keys(base), ...(system.settings ?? [])]);
  for (const key of Object.keys(overrides))
    if (!known.has(key)) throw unknownName(`${system.name} setting`, key, known);
  const merged = { ...base, ...overrides };
  ensure(
    !known.has('numEmbeddingChannels') || Number.isInteger(merged.numEmbeddingChannels),
    () => `${system.name}: numEmbeddingChannels must be a whole number.`,
  );
  return merged;
}

/** Of settings that recipes have for all systems, those that this one has. */
export function settingsOf({ variants, settings = [] }: System, all: Record<string, unknown>): Record<string, unknown> {
  const known = new Set([...Object.values(variants).flatMap((config) => Object.keys(config)), ...settings]);
  return Object.fromEntries(Object.entries(all).filter(([key]) => known.has(key)));
}
