/** Which learning rate and weight decay each parameter gets. */
import { ensure, unknownName } from '../errors/index.js';

/** Matches a parameter by its exact name, or by a pattern anywhere in it. */
export type NamePattern = string | RegExp;

/** Which parameters decay, and which learn faster or slower. */
export interface ParameterGroupOptions {
  /** Decay of every parameter that is not exempt. */
  weightDecay: number;
  /** Parameters without decay besides the 1-D ones. Names that do not occur are passed over. */
  noDecay?: readonly NamePattern[];
  /** Decay 1-D parameters (biases, norms) too. Default false. */
  decay1d?: boolean;
  /** Layer-wise decay of the learning rate: scale = layerDecay^(numLayers - layer). */
  layerDecay?: number;
  /** The layer of a parameter, 0 (input) to `numLayers` (head); needed with `layerDecay`. */
  layerOf?: (name: string) => number;
  /** The head's layer, whose scale is 1. Default: the highest layer among the parameters. */
  numLayers?: number;
  /** Factors on the learning rate by name, on top of layer decay; the first match counts. */
  learningRateScales?: readonly { match: NamePattern; scale: number }[];
}

/** What the optimiser needs to know about one parameter. */
export interface ParameterGroup {
  /** Factor on the schedule's learning rate. */
  learningRateScale: number;
  weightDecay: number;
}

/**
 * The learning-rate scale and weight decay of each parameter, by name, in the order given.
 *
 * @throws HiperceiverError for values out of range, for `layerDecay` without `layerOf`, and where `learningRateScales`
 *   asks for a parameter by a name that does not exist (a pattern may match nothing).
 */
export function parameterGroups(
  parameters: Iterable<{ name: string; shape: readonly number[] }>,
  options: ParameterGroupOptions,
): Map<string, ParameterGroup> {
  const { weightDecay, noDecay = [], decay1d = false, learningRateScales = [] } = options;
  ensure(
    weightDecay >= 0 && Number.isFinite(weightDecay),
    () => `weightDecay is ${weightDecay} but must be a finite number of at least 0.`,
  );
  const all = [...parameters];
  checkScales(
    learningRateScales,
    all.map(({ name }) => name),
  );
  const layerScale = layerScales(
    all.map(({ name }) => name),
    options,
  );

  const groups = new Map<string, ParameterGroup>();
  for (const { name, shape } of all) {
    const exempt = (shape.length <= 1 && !decay1d) || noDecay.some((pattern) => matches(pattern, name));
    const scale = learningRateScales.find(({ match }) => matches(match, name))?.scale ?? 1;
    groups.set(name, { learningRateScale: layerScale(name) * scale, weightDecay: exempt ? 0 : weightDecay });
  }
  return groups;
}

/**
 * The layers of a vision transformer of `depth` blocks, by our names (`blocks/0/…`) or by timm's (`blocks.0.…`): class token,
 * positions and patch embedding are layer 0, block i is layer i + 1, all else (head, final norm) layer depth + 1.
 * Use with `numLayers: depth + 1`.
 */
export function vitLayerOf(depth: number): (name: string) => number {
  return (name) => {
    if (/^(class_token|cls_token|positions|pos_embed)$|^patch_embed/.test(name)) return 0;
    const block = /^blocks[/.](\d+)[/.]/.exec(name);
    return block ? Number(block[1]) + 1 : depth + 1;
  };
}

function layerScales(
  names: readonly string[],
  { layerDecay, layerOf, numLayers }: ParameterGroupOptions,
): (name: string) => number {
  if (layerDecay === undefined) return () => 1;
  ensure(layerDecay > 0 && layerDecay <= 1, () => `layerDecay is ${layerDecay} but must lie above 0 and at most at 1.`);
  ensure(
    layerOf,
    () => 'layerDecay needs layerOf, which tells the layer of each parameter; pass it or leave layerDecay out.',
  );
  const last = numLayers ?? names.reduce((highest, name) => Math.max(highest, layerOf(name)), 0);
  return (name) => {
    const layer = layerOf(name);
    ensure(
      Number.isInteger(layer) && layer >= 0 && layer <= last,
      () => `Parameter "${name}" is in layer ${layer}, outside 0 to ${last}; check layerOf and numLayers.`,
    );
    return layerDecay ** (last - layer);
  };
}

function checkScales(scales: readonly { match: NamePattern; scale: number }[], names: readonly string[]): void {
  for (const { match, scale } of scales) {
    ensure(
      scale >= 0 && Number.isFinite(scale),
      () => `The learning-rate scale of ${match} is ${scale} but must be a finite number of at least 0.`,
    );
    if (typeof match === 'string' && !names.includes(match)) throw unknownName('parameter', match, names);
  }
}

function matches(pattern: NamePattern, name: string): boolean {
  // search() ignores the lastIndex that test() would carry over between names for a /g pattern.
  return typeof pattern === 'string' ? pattern === name : name.search(pattern) >= 0;
}
