/** Every system by name, and the configuration of a variant. */
import { ensure, unknownName } from '../errors/index.js';
import type { System } from './system.js';
import { beitSystem } from './systems/beit.js';
import { discreteVaeSystem } from './systems/discreteVae.js';
import { fastMimSystem } from './systems/fastmim.js';
import { hipClassBottleneckSystem, hipSystem } from './systems/hip.js';
import { maeSystem } from './systems/mae.js';
import { mlpMixerSystem } from './systems/mlpMixer.js';
import { perceiverSystem } from './systems/perceiver.js';
import { perceiverIoSystem } from './systems/perceiverIo.js';
import { satMaeSystem } from './systems/satmae.js';
import { swinSystem } from './systems/swin.js';
import { vitSystem } from './systems/vit.js';

/** All systems, in the order in which they are listed: one line each. */
const registry = {
  hip: hipSystem,
  hip_class_bottleneck: hipClassBottleneckSystem,
  perceiver_io: perceiverIoSystem,
  perceiver: perceiverSystem,
  vit: vitSystem,
  mlp_mixer: mlpMixerSystem,
  swin: swinSystem,
  mae: maeSystem,
  beit: beitSystem,
  dvae: discreteVaeSystem,
  satmae: satMaeSystem,
  fastmim: fastMimSystem,
};

/** What systems are called. */
export type SystemName = keyof typeof registry;

/** All systems by name. */
export const systems: Record<string, System> = registry;

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
