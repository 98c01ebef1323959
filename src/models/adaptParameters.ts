/**
 * Carrying a checkpoint over to other modalities: another size of the grid, more or fewer channels, signals that are new or
 * no longer there. Plain typed arrays in and out.
 */
import { ensure } from '../errors/index.js';
import { input, type Shape, sizeOf } from '../graph/index.js';
import { type InterpolationMode, resizePositions, Scope } from '../nn/index.js';
import { adaptTables } from './adaptTables.js';
import { indexDim, type Modality } from './modality.js';
import {
  blockName,
  embedderName,
  embedName,
  fourierName,
  labelHeadName,
  positionEncoderName,
  projectionName,
  signalHeadName,
  tableName,
  unembedName,
} from './partNames.js';
import { resizeChannels } from './resizeChannels.js';
import type { System } from './system.js';

/** How what a checkpoint does not hold is made up for. */
export interface AdaptOptions {
  /** Weights of channels that are new: 0, so that they change nothing at first (default), or the mean of those there are. */
  newChannels?: 'zero' | 'mean';
  /** How position tables are resized; default `cubic`. */
  positions?: InterpolationMode;
}

/** A checkpoint as the new modalities need it. */
export interface AdaptedParameters {
  /** Values by name; those that stay as they were are shared with the checkpoint, not copied. */
  parameters: Map<string, Float32Array>;
  /** Names of parameters for which the checkpoint has nothing: they are to be initialised. */
  missing: string[];
  /** What was done, one sentence each. */
  remarks: string[];
}

/**
 * The parameters of a model that takes `to` from those of the same model that took `from` (modalities of the same name are
 * the same). Position tables are resized to the new grid (half-pixel centres); embeddings and read-outs keep the channels
 * that both have, in order; parameters that belong to no modality stay, and so do those that the model does not know (heads
 * of tasks).
 *
 * @throws HiperceiverError where the parameters are not those of a model that takes `from`
 */
export function adaptParameters(
  parameters: ReadonlyMap<string, Float32Array>,
  from: readonly Modality[],
  to: readonly Modality[],
  system: System,
  config: unknown,
  options: AdaptOptions = {},
): AdaptedParameters {
  if (!system.masksElements) return adaptTables(parameters, from, to, system, config);
  const had = shapesOf(system, config, from);
  for (const [name, shape] of had) {
    const values = parameters.get(name);
    ensure(
      !values || values.length === sizeOf(shape),
      () =>
        `Parameter "${name}" has ${values?.length} values, but a model of ${listed(from)} has [${shape.join(', ')}]: name the modalities that the checkpoint was made with.`,
    );
  }
  const [old, next] = [roles(from, config), roles(to, config)];
  const sources = new Map([...old].map(([name, role]) => [roleKey(role), { name, ...role }]));
  const result: AdaptedParameters = {
    parameters: new Map(),
    missing: [],
    remarks: remarksOn(from, to, system, config),
  };
  const trunk = renamedTrunk(from, to, config);
  let absent = 0;
  for (const name of shapesOf(system, config, to).keys()) {
    const role = next.get(name);
    const source = role ? sources.get(roleKey(role)) : undefined;
    const values = parameters.get(role ? (source?.name ?? '') : trunk(name));
    const adapted = values && role && source ? adapt(values, role, source.modality, options, result.remarks) : values;
    if (adapted) result.parameters.set(name, adapted);
    else result.missing.push(name);
    if (!values && (source || !role)) absent++;
  }
  for (const [name, values] of parameters) if (!had.has(name)) result.parameters.set(name, values);
  if (absent > 0)
    result.remarks.push(`The checkpoint has nothing for ${absent} parameters of no new modality, which begin anew.`);
  return result;
}

type Part =
  | 'embed'
  | 'embed bias'
  | 'unembed'
  | 'unembed bias'
  | 'positions'
  | 'projection'
  | 'fourier'
  | 'fourier bias';

/** What a parameter is to its modality. */
interface Role {
  part: Part;
  modality: Modality;
}

const roleKey = (role: Role | undefined) => (role ? `${role.part} of ${role.modality.name}` : '');

/** The parameters that belong to one modality each, by name. */
function roles(modalities: readonly Modality[], config: unknown): Map<string, Role> {
  const isLabel = labelTest(config);
  const all = new Map<string, Role>();
  for (const kind of [false, true]) {
    const group = modalities.filter((m) => isLabel(m) === kind);
    group.forEach((modality, i) => {
      const { name } = modality;
      const label = kind ? i : undefined;
      const embedder = `perceiver/${embedderName(label)}`;
      const encoder = `perceiver/${positionEncoderName(label)}`;
      const names: [Part, string][] = [
        ['embed', `${embedder}/${embedName(name)}/w`],
        ['embed bias', `${embedder}/${embedName(name)}/b`],
        ['unembed', `${embedder}/${unembedName(name)}/w`],
        ['unembed bias', `${embedder}/${unembedName(name)}/b`],
        ['positions', `${encoder}/${tableName(name)}/pos_embs`],
        ['projection', `${encoder}/${projectionName(i)}/w`],
        ['fourier', `${encoder}/${fourierName(name)}/w`],
        ['fourier bias', `${encoder}/${fourierName(name)}/b`],
      ];
      for (const [part, full] of names) all.set(full, { part, modality });
    });
  }
  return all;
}

/** A parameter of one modality as its new form needs it; nothing where that cannot be told from the old. */
function adapt(
  values: Float32Array,
  { part, modality: to }: Role,
  from: Modality,
  { newChannels = 'zero', positions = 'cubic' }: AdaptOptions,
  remarks: string[],
): Float32Array | undefined {
  const channels = { from: from.channels, to: to.channels, fill: newChannels };
  if (part === 'embed') return resizeChannels(values, { ...channels, outer: 1 });
  if (part === 'unembed') return resizeChannels(values, { ...channels, outer: values.length / from.channels });
  if (part === 'unembed bias') return resizeChannels(values, { ...channels, outer: 1 });
  if (!['positions', 'fourier', 'fourier bias'].includes(part) || sameGrid(from, to)) return values;
  const [before, after] = [from, to].map(({ indexShape }) => indexShape.join(' x '));
  if (part === 'fourier')
    remarks.push(`"${to.name}": Fourier features of ${after} are not those of ${before}: what reads them begins anew.`);
  if (part !== 'positions') return undefined;
  if (from.indexShape.length !== to.indexShape.length) {
    remarks.push(`"${to.name}" has positions on ${before}, which cannot be resized to ${after}: they begin anew.`);
    return undefined;
  }
  remarks.push(`"${to.name}": positions were resized from ${before} to ${after}.`);
  return resizePositions(values, from.indexShape, to.indexShape, positions);
}

const sameGrid = (a: Modality, b: Modality) => a.indexShape.join() === b.indexShape.join();

/** Where a parameter that belongs to no modality was: labels change the names of blocks and heads. */
function renamedTrunk(from: readonly Modality[], to: readonly Modality[], config: unknown): (name: string) => string {
  const [had, has] = [from, to].map((modalities) => modalities.some(labelTest(config)));
  if (had === has) return (name) => name;
  return (name) => {
    const [root, part, ...rest] = name.split('/');
    // The labels' own head is nothing that a model without labels has.
    if (has && part === labelHeadName) return '';
    const block = part.match(/^(?:perceiver_)?block_(\d+)$/);
    const before = block ? blockName(Number(block[1]), had) : part === signalHeadName(has) ? signalHeadName(had) : part;
    return [root, before, ...rest].join('/');
  };
}

/** What can be said before any value is looked at. */
function remarksOn(from: readonly Modality[], to: readonly Modality[], system: System, config: unknown): string[] {
  const remarks: string[] = [];
  for (const { name } of from)
    if (!to.some((m) => m.name === name)) remarks.push(`"${name}" is no longer taken: its parameters are left out.`);
  for (const modality of to) {
    const { name, channels } = modality;
    const old = from.find((m) => m.name === name);
    if (!old) remarks.push(`"${name}" is new: its embedding, positions and read-out begin anew.`);
    else if (old.channels < channels)
      remarks.push(`"${name}" has ${channels} channels, ${channels - old.channels} more than the checkpoint.`);
    else if (old.channels > channels)
      remarks.push(
        `"${name}" has ${channels === 1 ? '1 channel' : `${channels} channels`}: of the checkpoint's ${old.channels} the first ${channels === 1 ? 'is' : 'are'} kept.`,
      );
  }
  const [before, after] = [from, to].map((modalities) =>
    system
      .grouping(config, modalities)
      .modalities.map(({ name, groups }) => `"${name}" ${groups}`)
      .join(', '),
  );
  if (before !== after)
    remarks.push(`Groups were shared out as ${before} and now are as ${after}: the first latents read other inputs.`);
  return remarks;
}

function labelTest(config: unknown): (modality: Modality) => boolean {
  const { labelModalities = [] } = config as { labelModalities?: string[] };
  return ({ name }) => labelModalities.includes(name);
}

/** Names and shapes of all parameters of a model that takes these modalities. */
function shapesOf(system: System, config: unknown, modalities: readonly Modality[]): Map<string, Shape> {
  const scope = Scope.root();
  const inputs = Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [1, indexDim(m), m.channels])]));
  system.apply(scope, config, modalities, inputs);
  return new Map([...scope.needs.parameters].map(([name, { shape }]) => [name, shape]));
}

const listed = (modalities: readonly Modality[]) =>
  modalities.map(({ name, indexShape, channels }) => `"${name}" ${indexShape.join(' x ')} x ${channels}`).join(' and ');
