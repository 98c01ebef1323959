/** Models by the names that people type. */
import { nearest, unknownName } from '../errors/index.js';
import { systemByName, systems } from './registry.js';

/** A row of a system's variant table. */
export interface ModelName {
  system: string;
  variant: string;
}

/** Every model there is, systems in the registry's order. */
export function modelNames(): ModelName[] {
  return Object.values(systems).flatMap(({ name, variants }) =>
    Object.keys(variants).map((variant) => ({ system: name, variant })),
  );
}

/**
 * Finds a model by `hip/16`, `hip-16`, `16` or `Mini`; case and punctuation do not matter. A system alone means its first
 * variant; a variant that several systems have means the first system's.
 * @throws HiperceiverError with the nearest name where there is none
 */
export function parseModelName(name: string): ModelName {
  const wanted = plain(name);
  const all = modelNames();
  const found =
    all.find(({ system, variant }) => plain(system + variant) === wanted) ??
    all.find(({ variant }) => plain(variant) === wanted) ??
    all.find(({ system }) => plain(system) === wanted);
  if (found) return found;
  const [system, variant] = name.split('/');
  if (variant !== undefined && Object.hasOwn(systems, system)) {
    throw unknownName(`${system} variant`, variant, Object.keys(systemByName(system).variants));
  }
  const full = all.map(({ system, variant }) => `${system}/${variant}`);
  const near = nearest(name, [...full, ...all.map(({ variant }) => variant), ...Object.keys(systems)]);
  throw unknownName('model', name, near === undefined ? full : [near]);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
