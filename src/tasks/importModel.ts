/** Checkpoints that others publish, as models of ours: recognised by their config or by the names of their tensors. */
import { type ForeignWeights, type LazyTensor, nonFiniteCount, readFloat32, shown } from '../checkpoint/index.js';
import type { Reader } from '../data/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import {
  adaptParameters,
  type ForeignCheckpoint,
  fromLayout,
  type Layout,
  type LayoutTensor,
  type Modality,
  type PublishedLayout,
  type PublishedModel,
  type System,
  storedAs,
  systemByName,
  systems,
} from '../models/index.js';
import { initialize, type ParameterSpec } from '../nn/index.js';
import { keyFrom } from '../random/index.js';
import type { ModelDescription } from '../training/description.js';
import { encoderNames, type FormedModel, parametersOfForm } from './forms.js';
import { publishedReader } from './publishedReader.js';

/** What is wanted of an import. */
export interface ImportOptions {
  /** The system that it is to become; by default any that recognises it. */
  system?: string;
  /** The input that the model is to take; by default that of the checkpoint. */
  modalities?: readonly Modality[];
  /** Fields of the configuration that the checkpoint does not tell. */
  config?: Record<string, unknown>;
  /** `preprocessor_config.json`. */
  preprocessor?: Record<string, unknown>;
}

/** A model of ours with a stranger's weights. */
export interface ImportedModel {
  description: ModelDescription;
  parameters: Map<string, Float32Array>;
  shapes: ReadonlyMap<string, ParameterSpec>;
  /** Whose classes wrote the checkpoint. */
  of: string;
  /** Parameters taken from it. */
  taken: number;
  /** What was resized, converted, missing, not used or guessed, one sentence each. */
  remarks: string[];
}

/** The key of `config.json` under which our own description travels with weights in another layout. */
export const OWN_KEY = 'hiperceiver';

/** A layout that knows the weights, with its system; undefined where none does. */
export function recognise(
  weights: ForeignWeights,
  { system: asked, modalities }: Pick<ImportOptions, 'system' | 'modalities'> = {},
): { system: System; published: PublishedLayout; checkpoint: ForeignCheckpoint } | undefined {
  const shape = modalities?.[0]?.indexShape.slice(-2);
  const checkpoint: ForeignCheckpoint = {
    shapes: new Map([...weights.tensors].map(([name, t]) => [name, t.shape])),
    config: weights.config,
    args: weights.args,
    size: shape?.length === 2 ? [shape[0], shape[1]] : undefined,
  };
  const own = weights.config?.[OWN_KEY] as { system?: string; layout?: string } | undefined;
  for (const system of asked ? [systemByName(asked)] : Object.values(systems)) {
    if (own && own.system !== system.name) continue;
    const published = system.published?.find((layout) =>
      own ? layout.name === own.layout : layout.recognises(checkpoint),
    );
    if (published) return { system, published, checkpoint };
  }
  return undefined;
}

/**
 * Makes a model of ours of a checkpoint.
 * @param where the checkpoint's path, for messages
 * @throws HiperceiverError, one sentence, where it is of no system that is known, or not a whole one
 */
export async function importModel(
  where: string,
  weights: ForeignWeights,
  options: ImportOptions = {},
): Promise<ImportedModel> {
  const found = recognise(weights, options);
  if (!found) throw unrecognised(where, weights, options);
  const { system, published } = found;
  const read = readPublished(found, weights, where);
  const config = stored({ ...read.config, ...options.config });
  const model: FormedModel = {
    system,
    config,
    modalities: read.modalities,
    form: read.form,
    classes: read.classes?.length,
  };
  const shapes = parametersOfForm(model);
  const remarks = [...read.remarks];
  const { values, missing } = await take(where, weights, read.layout, shapes, remarks);
  const vital = [...encoderNames(model)].filter((name) => shapes.has(name) && !values.has(name));
  ensure(
    vital.length === 0,
    () =>
      `${where} lacks ${listed(missing, 'tensor')}, without which there is no ${system.name} encoder: download it again.`,
  );
  if (missing.length > 0) remarks.push(`Not in the checkpoint and begun anew: ${listed(missing, 'tensor')}.`);
  const taken = values.size;
  const wanted = options.modalities?.length ? [...options.modalities] : read.modalities;
  const parameters = resized(values, { ...model, modalities: read.modalities }, wanted, remarks);
  const needed = parametersOfForm({ ...model, modalities: wanted });
  const anew = new Map([...needed].filter(([name]) => !parameters.has(name)));
  for (const [name, data] of initialize(anew, keyFrom(0))) parameters.set(name, data);
  const description = describe(system, config, read, wanted, options);
  return { description, parameters, shapes: needed, of: published.of, taken, remarks };
}

/** What the layout makes of the checkpoint, or our own description of it. */
function readPublished(
  { published, checkpoint }: NonNullable<ReturnType<typeof recognise>>,
  weights: ForeignWeights,
  where: string,
): PublishedModel & { reader?: Reader } {
  const own = weights.config?.[OWN_KEY] as (PublishedModel & { reader?: Reader }) | undefined;
  if (own) return { ...own, layout: published.layout(own.config, own.form), remarks: [] };
  try {
    return published.read(checkpoint);
  } catch (error) {
    if (error instanceof HiperceiverError) throw new HiperceiverError(`${where}: ${error.message}`);
    throw error;
  }
}

/** Reads what the model needs, checks it, and tells what is left over. */
async function take(
  where: string,
  { tensors }: ForeignWeights,
  layout: Layout,
  shapes: ReadonlyMap<string, ParameterSpec>,
  remarks: string[],
): Promise<{ values: Map<string, Float32Array>; missing: string[] }> {
  const used = new Set([...shapes.values()].map((spec) => storedAs(layout, spec)?.name));
  const loaded = new Map<string, LayoutTensor>();
  const bad: string[] = [];
  for (const [name, tensor] of tensors) {
    const data = used.has(name) ? await readFloat32(tensor) : new Float32Array();
    const count = nonFiniteCount(data);
    if (count > 0) bad.push(`${shown(name)} (${count} of ${data.length} values)`);
    loaded.set(name, { shape: tensor.shape, data });
  }
  ensure(
    bad.length === 0,
    () => `${where} holds NaN or infinite values in ${listed(bad, 'tensor')}: use another checkpoint.`,
  );
  const converted = typesOf([...tensors.values()].filter((_, i) => used.has([...tensors.keys()][i])));
  if (converted) remarks.push(converted);
  try {
    const { values, missing, unexpected } = fromLayout(layout, shapes.values(), loaded);
    if (unexpected.length > 0)
      remarks.push(`In the checkpoint and not used: ${listed(unexpected.map(shown), 'tensor')}.`);
    return { values, missing };
  } catch (error) {
    if (error instanceof HiperceiverError) throw new HiperceiverError(`${where}: ${error.message}`);
    throw error;
  }
}

/** Says what was stored in other types than float32. */
function typesOf(tensors: readonly LazyTensor[]): string | undefined {
  const others = [...new Set(tensors.map(({ dtype }) => dtype))].filter((dtype) => dtype !== 'F32');
  return others.length > 0 ? `Stored as ${others.join(' and ')}, and kept as F32 here.` : undefined;
}

/** The parameters for the input that is asked for. */
function resized(
  values: Map<string, Float32Array>,
  { system, config, modalities }: FormedModel,
  wanted: Modality[],
  remarks: string[],
): Map<string, Float32Array> {
  const shape = (all: readonly Modality[]) =>
    all.map(({ indexShape, channels }) => [...indexShape, channels].join('x')).join();
  if (shape(wanted) === shape(modalities)) return values;
  const adapted = adaptParameters(values, modalities, wanted, system, config);
  remarks.push(...adapted.remarks);
  return adapted.parameters;
}

function describe(
  system: System,
  config: Record<string, unknown>,
  { form, classes, statistics, reader: own }: PublishedModel & { reader?: Reader },
  modalities: Modality[],
  { preprocessor }: ImportOptions,
): ModelDescription {
  const hasHead = form === 'classes' || form === 'segmentation';
  return {
    system: system.name,
    variant: variantLike(system, config),
    config,
    modalities,
    reader: own ?? publishedReader(modalities, { form, statistics, classes: classes?.length, preprocessor }),
    ...(hasHead && { classes, task: form === 'classes' ? 'classification' : 'segmentation' }),
    ...(form === 'classes' && { head: 'own' as const }),
  };
}

/** The named variant that shares most fields, among those whose fields the configuration has all. */
function variantLike({ variants }: System, config: Record<string, unknown>): string {
  const shared = (name: string) =>
    Object.entries(variants[name]).filter(([key, value]) => JSON.stringify(config[key]) === JSON.stringify(value))
      .length;
  const whole = Object.keys(variants).filter((name) =>
    Object.entries(variants[name]).every(([key, value]) => value === undefined || config[key] !== undefined),
  );
  const candidates = whole.length > 0 ? whole : Object.keys(variants);
  return candidates.reduce((best, name) => (shared(name) > shared(best) ? name : best));
}

function unrecognised(where: string, { config, tensors }: ForeignWeights, { system }: ImportOptions): HiperceiverError {
  const type = typeof config?.model_type === 'string' ? ` (config.json calls it "${shown(config.model_type)}")` : '';
  const known = Object.values(systems).flatMap(({ name, published = [] }) =>
    published.map((layout) => `${name} (${layout.name})`),
  );
  const [first] = tensors.keys();
  return new HiperceiverError(
    system
      ? `${where}${type} is no ${system} in a layout that is known: ${
          systemByName(system)
            .published?.map(({ of }) => of)
            .join(', ') || 'none'
        }.`
      : `${where}${type} is of no model that is known by its tensors, such as "${shown(first ?? '')}" (known are ${known.join(', ')}): convert it as it is with --raw.`,
  );
}

/** As `config.json` will hold it. */
function stored(config: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(config));
}

const MOST_LISTED = 6;

function listed(names: readonly string[], thing: string): string {
  if (names.length === 1) return `the ${thing} ${names[0]}`;
  const rest = names.length - MOST_LISTED;
  return `${names.length} ${thing}s (${names.slice(0, MOST_LISTED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''})`;
}
