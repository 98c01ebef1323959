/**
 * Carrying a checkpoint of a model of patches over to images of another size or with other channels: tables of positions are
 * resized, patch embeddings keep the channels that both have, and what cannot be told from the old begins anew.
 */
import { ensure } from '../errors/index.js';
import { input, type Shape, sizeOf } from '../graph/index.js';
import { resizePositions, resizeRelativePositions, Scope, type Size2d } from '../nn/index.js';
import type { AdaptedParameters } from './adaptParameters.js';
import { indexDim, type Modality } from './modality.js';
import { resizeChannels } from './resizeChannels.js';
import type { System } from './system.js';

/** Parameters whose size follows from the input's, and how each is carried over to another input. */
export interface Resizable {
  /** Which parameters, by their whole names. */
  names: RegExp;
  /** What they are, as a sentence tells of them. */
  what: 'positions' | 'relative positions' | 'patch weights';
  /** Undefined where the old values say nothing about the new input. */
  resize(values: Float32Array, from: Modality, to: Modality): Float32Array | undefined;
}

/** Rows and columns of patches; undefined where the input does not divide into them. */
function gridOf({ indexShape }: Modality, patch: Size2d): [number, number] | undefined {
  const [height, width] = indexShape.slice(-2);
  return height % patch[0] === 0 && width % patch[1] === 0 ? [height / patch[0], width / patch[1]] : undefined;
}

/** Tables `[prefix + rows·columns, D]` of absolute positions on the grid of patches, resized by bicubic interpolation. */
export function gridTables(names: RegExp, patch: Size2d, prefix: number): Resizable {
  return {
    names,
    what: 'positions',
    resize(values, from, to) {
      const [before, after] = [gridOf(from, patch), gridOf(to, patch)];
      return before && after && resizePositions(values, before, after, 'cubic', prefix);
    },
  };
}

/** BEiT's tables of relative positions with rows of the class token, resized as its authors do. */
export function offsetTables(names: RegExp, patch: Size2d): Resizable {
  return {
    names,
    what: 'relative positions',
    resize(values, from, to) {
      const [before, after] = [gridOf(from, patch), gridOf(to, patch)];
      return before && after && resizeRelativePositions(values, before, after);
    },
  };
}

/**
 * Weights `[p·q·C, D]` of a patch embedding. New channels begin at zero, so that they change nothing at first; grey gets the
 * sum of all, which answers to it as to a grey picture in colour.
 */
export function patchWeights(names: RegExp, patch: Size2d): Resizable {
  return {
    names,
    what: 'patch weights',
    resize(values, from, to) {
      const outer = patch[0] * patch[1];
      if (to.channels === 1) return summedChannels(values, outer, from.channels);
      return resizeChannels(values, { outer, from: from.channels, to: to.channels, fill: 'zero' });
    },
  };
}

/** `[outer, channels, D]` → `[outer, D]` */
function summedChannels(values: Float32Array, outer: number, channels: number): Float32Array {
  const width = values.length / outer / channels;
  const out = new Float32Array(outer * width);
  values.forEach((v, i) => (out[Math.floor(i / (channels * width)) * width + (i % width)] += v));
  return out;
}

/**
 * The parameters of a model that takes `to` from those of the same model that took `from`; the first modalities correspond.
 * Parameters that the model does not know (heads of tasks) stay as they are.
 * @throws HiperceiverError where the parameters are not those of a model that takes `from`
 */
export function adaptTables(
  parameters: ReadonlyMap<string, Float32Array>,
  from: readonly Modality[],
  to: readonly Modality[],
  system: System,
  config: unknown,
): AdaptedParameters {
  // Convolutions take images of any size.
  if (!system.resizable) return { parameters: new Map(parameters), missing: [], remarks: [] };
  const had = shapesOf(system, config, from);
  const needed = shapesOf(system, config, to);
  const rules = system.resizable(config);
  const result: AdaptedParameters = { parameters: new Map(), missing: [], remarks: [] };
  const told = new Map<string, number>();
  const anew: string[] = [];
  for (const [name, values] of parameters) {
    const [old, next] = [had.get(name), needed.get(name)];
    ensure(
      !old || values.length === sizeOf(old),
      () => `Parameter "${name}" has ${values.length} values, but a model of ${shown(from)} has [${old!.join(', ')}].`,
    );
    if (!old || !next || sizeOf(old) === sizeOf(next)) {
      result.parameters.set(name, values);
      continue;
    }
    const rule = rules.find(({ names }) => names.test(name));
    const resized = rule?.resize(values, from[0], to[0]);
    if (!rule || resized?.length !== sizeOf(next)) {
      anew.push(name);
      continue;
    }
    result.parameters.set(name, resized);
    told.set(rule.what, (told.get(rule.what) ?? 0) + 1);
  }
  result.missing = [...needed.keys()].filter((name) => !result.parameters.has(name));
  for (const [what, count] of told)
    result.remarks.push(
      `The ${what} were made for ${shown(from)} and resized for ${shown(to)}${count > 1 ? `, ${count} tables` : ''}.`,
    );
  if (anew.length > 0)
    result.remarks.push(
      `${anew.length === 1 ? `"${anew[0]}" depends` : `${anew.length} parameters (${anew[0]}, …) depend`} on the size of the image and begin${anew.length === 1 ? 's' : ''} anew.`,
    );
  return result;
}

/** Names and shapes of all parameters of a model that takes these modalities. */
function shapesOf(system: System, config: unknown, modalities: readonly Modality[]): Map<string, Shape> {
  const scope = Scope.root();
  const inputs = Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [1, indexDim(m), m.channels])]));
  system.apply(scope, config, modalities, inputs);
  return new Map([...scope.needs.parameters].map(([name, { shape }]) => [name, shape]));
}

const shown = ([{ indexShape, channels }]: readonly Modality[]) => `${indexShape.join(' x ')} x ${channels}`;
