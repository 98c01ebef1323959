/** Finding the weights in what was saved: a state dict by itself, or one among a training run's other belongings. */

import { ensure, unknownName } from '../../errors/index.js';
import { shown } from '../shown.js';
import { PickledTensor } from './pickledTensor.js';

/** A dictionary with tensors in it. */
export interface StateDict {
  /** Where it is: keys joined by dots; empty for what was saved as a whole. */
  path: string;
  tensors: Map<string, PickledTensor>;
  /** Its other entries. */
  others: number;
}

/** How deep state dicts are looked for, and in how many dictionaries: optimisers have one for each parameter. */
const DEEPEST = 4;
const MOST_LOOKED_AT = 10_000;

/** Of several with equally many tensors, the usual names of a model come first; averages and teachers later. */
const PREFERRED = ['', 'model', 'state_dict', 'model_state_dict', 'module', 'net', 'encoder', 'teacher', 'weights'];

/**
 * The state dict that holds the model, and the paths of others that are as large.
 * @param part the path of the one that is wanted, such as `model_ema`; by default that with the most tensors
 * @throws HiperceiverError where there is none
 */
export function findStateDict(file: string, value: unknown, part?: string): { found: StateDict; rivals: string[] } {
  ensure(
    !(value instanceof PickledTensor),
    () => `${file} holds a single tensor and no state dict: save model.state_dict().`,
  );
  const all = stateDicts(value);
  ensure(all.length > 0, () => `${file} holds no tensors under names: save model.state_dict() with torch.save.`);
  if (part !== undefined) {
    const found = all.find(({ path }) => path === part);
    if (!found) throw unknownName(`part of ${file}`, part, all.map(({ path }) => path || '(the whole)').slice(0, 20));
    return { found, rivals: [] };
  }
  const preference = ({ path }: StateDict) => {
    const at = PREFERRED.indexOf(path);
    return at < 0 ? PREFERRED.length : at;
  };
  const [found, ...rest] = all.sort((a, b) => b.tensors.size - a.tensors.size || preference(a) - preference(b));
  const rivals = rest.filter(({ tensors, path }) => 2 * tensors.size >= found.tensors.size && !isOptimizer(path));
  return { found, rivals: rivals.map(({ path }) => path) };
}

/** Every dictionary with tensors directly in it, outermost first. */
function stateDicts(root: unknown): StateDict[] {
  const found: StateDict[] = [];
  const seen = new Set<unknown>();
  let level: { path: string; value: unknown }[] = [{ path: '', value: root }];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const next: typeof level = [];
    for (const { path, value } of level) {
      if (seen.has(value) || seen.size >= MOST_LOOKED_AT) continue;
      seen.add(value);
      const tensors = new Map<string, PickledTensor>();
      let others = 0;
      for (const [key, item] of entriesOf(value)) {
        if (item instanceof PickledTensor) tensors.set(key, item);
        else others++;
        if (item instanceof Map || Array.isArray(item)) next.push({ path: path ? `${path}.${key}` : key, value: item });
      }
      if (tensors.size > 0) found.push({ path, tensors, others });
    }
    level = next;
  }
  return found;
}

/** Entries under names; those of short lists under their places. */
function* entriesOf(value: unknown): Generator<[string, unknown]> {
  if (value instanceof Map) {
    for (const [key, item] of value) if (typeof key === 'string') yield [key, item];
  } else if (Array.isArray(value) && value.length <= 16) {
    for (const [i, item] of value.entries()) if (!(item instanceof PickledTensor)) yield [String(i), item];
  }
}

function isOptimizer(path: string): boolean {
  return /optim|(^|\.)state(\.|$)/.test(path);
}

/** Prefixes that wrappers put before every name: data-parallel training, compilation. */
const WRAPPERS = ['module.', '_orig_mod.'];

/** The tensors without the prefixes of wrappers that all of them bear, and which these were. */
export function unwrapped<T>(tensors: ReadonlyMap<string, T>): { tensors: Map<string, T>; prefix: string } {
  let prefix = '';
  for (;;) {
    // An average of weights counts its updates beside them.
    const names = [...tensors.keys()].filter((name) => name !== 'n_averaged');
    const more = WRAPPERS.find((wrapper) => names.every((name) => name.startsWith(prefix + wrapper)));
    if (more === undefined || names.length === 0) break;
    prefix += more;
  }
  const strip = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  return { tensors: new Map([...tensors].map(([name, tensor]) => [strip(name), tensor])), prefix };
}

/** How a part is called in sentences. */
export function partName(path: string): string {
  return path === '' ? 'the whole file' : `"${shown(path)}"`;
}
