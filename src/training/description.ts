/** What `config.json` of a checkpoint says: enough to build the model again and to feed it as it was trained. */
import type { Reader } from '../data/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { input, type Tensor, type Values } from '../graph/index.js';
import {
  type ApplyOptions,
  configOf,
  indexDim,
  type Modality,
  type PerceiverOutputs,
  type System,
  settingsOf,
  systemByName,
  timestampOf,
  validFeeds,
  validInputs,
} from '../models/index.js';
import type { Scope } from '../nn/index.js';
import type { Recipe } from './recipe.js';

/** What a model was fine-tuned to tell: the class of an example, all that apply to it, or the class of every element. */
export type Task = 'classification' | 'tagging' | 'segmentation';

/** How logits for a whole example are read: from the encoder's last latents, or by the `own` head of the published models. */
export type Head = 'mean' | 'latents' | 'attention' | 'own';

/** A model as a checkpoint tells of it. */
export interface ModelDescription {
  /** System and variant, as listed by `hip models`. */
  system: string;
  variant: string;
  /** The complete configuration of the architecture. */
  config: Record<string, unknown>;
  modalities: Modality[];
  /** How inputs are read from files: as in training, normalisation included, without anything random. Absent where a model is fed otherwise. */
  reader?: Reader;
  /** Modalities of which some examples have fewer elements, or none: each batch tells which are real. */
  partial?: string[];
  /** Names of the classes, where the model was fine-tuned. */
  classes?: string[];
  /** What it was fine-tuned for; `classification` where it has classes and nothing is said. */
  task?: Task;
  /** How the classes of whole examples are read; `mean` where nothing is said. */
  head?: Head;
}

/** The model that a recipe asks for, applied to these modalities. */
export function describeModel(
  recipe: Recipe,
  modalities: Modality[],
  reader?: Reader,
  partial?: string[],
): ModelDescription {
  const { name, variant, config, positions, positionInitScale } = recipe.model;
  const system = systemByName(name);
  const { dates } = recipe.bands;
  const timestamps = dates.length > 0 ? { timestamps: dates.map(timestampOf) } : {};
  const own = settingsOf(system, { positions, positionInitScale, ...timestamps });
  const complete = configOf(system, variant, { ...own, ...config });
  return { system: name, variant, config: complete, modalities, reader, ...(partial?.length ? { partial } : {}) };
}

/** Applies the described model in a scope. What is real of partial modalities is a graph input, unless it is given. */
export function applyModel(
  description: ModelDescription,
  scope: Scope,
  inputs: Record<string, Tensor>,
  options: ApplyOptions = {},
): PerceiverOutputs {
  const [batchSize] = Object.values(inputs)[0].shape;
  const valid = options.valid ?? validityInputs(description, batchSize);
  return systemOf(description).apply(scope, description.config, description.modalities, inputs, { ...options, valid });
}

/** The described model's system. Throws where there is none of that name. */
export function systemOf(description: ModelDescription): System {
  return systemByName(description.system);
}

/** `config.json` of a checkpoint: the description and the recipe that led to it. */
export function toConfig(description: ModelDescription, recipe: Recipe): Record<string, unknown> {
  return { model_type: 'hiperceiver', ...description, recipe: { ...recipe } };
}

/** Reads a description back. Throws one sentence where the file is another program's or names what does not exist. */
export function fromConfig(config: Record<string, unknown>, where: string): ModelDescription {
  if (config.model_type !== 'hiperceiver') {
    throw new HiperceiverError(
      `${where}: config.json describes a "${config.model_type ?? 'nameless'}" model, not one of Hiperceiver.`,
    );
  }
  const description = { ...config, reader: config.reader ?? imageReader(config) } as unknown as ModelDescription;
  for (const key of ['system', 'variant', 'config', 'modalities'] as const) {
    ensure(description[key] !== undefined, () => `${where}: config.json has no "${key}": use another checkpoint.`);
  }
  const { system, variant, modalities, reader, partial, classes, task, head } = description;
  // Fields that JSON cannot hold (undefined) come back as absent; unknown variants and fields are refused here.
  return {
    system,
    variant,
    config: configOf(systemByName(system), variant, description.config),
    modalities,
    reader,
    partial,
    classes,
    task: classes ? (task ?? 'classification') : undefined,
    head: classes && task !== 'segmentation' ? (head ?? 'mean') : undefined,
  };
}

/** The reader of a checkpoint that was written when all inputs were images. */
function imageReader(config: Record<string, unknown>): Reader | undefined {
  const { modalities, normalization } = config as Partial<ModelDescription> & {
    normalization?: { mean: number[]; std: number[] };
  };
  if (!normalization || !modalities) return undefined;
  const { height, width, channels } = imageInput({ modalities });
  return { kind: 'image', imageSize: [height, width], channels, crop: 'center', flip: false, ...normalization };
}

/** Height, width and channels of the described model's image input. Throws where it takes none. */
export function imageInput({ modalities }: Pick<ModelDescription, 'modalities'>): {
  name: string;
  height: number;
  width: number;
  channels: number;
} {
  const image = modalities.find((m) => m.indexShape.length === 2);
  if (!image)
    throw new HiperceiverError(`The model takes ${modalities.map((m) => `"${m.name}"`).join(', ')} and no image.`);
  const [height, width] = image.indexShape;
  return { name: image.name, height, width, channels: image.channels };
}

/** Shapes of a batch of inputs by modality, `[B, I, C]`. */
export function inputShapes(
  { modalities }: Pick<ModelDescription, 'modalities'>,
  batchSize: number,
): Record<string, number[]> {
  return Object.fromEntries(modalities.map((m) => [m.name, [batchSize, indexDim(m), m.channels]]));
}

/** Numbers in one example, all modalities together. */
export function inputSize({ modalities }: Pick<ModelDescription, 'modalities'>): number {
  return modalities.reduce((sum, modality) => sum + indexDim(modality) * modality.channels, 0);
}

/** Graph inputs that tell what is real of partial modalities: `valid/<modality>`, `[B, I]`. */
export function validityInputs(
  { modalities, partial = [] }: Pick<ModelDescription, 'modalities' | 'partial'>,
  batchSize: number,
): Record<string, Tensor> {
  return validInputs(
    modalities.filter((m) => partial.includes(m.name)),
    batchSize,
  );
}

/**
 * What {@link validityInputs} are fed.
 * @param lengths by modality: how many elements of each example are real; all where absent
 */
export function validityFeeds(
  { modalities, partial = [] }: Pick<ModelDescription, 'modalities' | 'partial'>,
  batchSize: number,
  lengths: Readonly<Record<string, Int32Array>> = {},
): { feeds: Record<string, Values>; valid: Record<string, Float32Array> } {
  const told = modalities.filter((m) => partial.includes(m.name));
  const valid: Record<string, Float32Array> = {};
  for (const modality of told) {
    const own = lengths[modality.name];
    if (!own) continue;
    const elements = indexDim(modality);
    const real = new Float32Array(batchSize * elements);
    for (const [i, length] of own.entries()) real.fill(1, i * elements, i * elements + length);
    valid[modality.name] = real;
  }
  return { feeds: validFeeds(told, batchSize, valid), valid };
}

/** Graph inputs for a batch of signals by modality, `[B, I, C]`, under the modalities' names. */
export function modelInputs(
  description: Pick<ModelDescription, 'modalities'>,
  batchSize: number,
): Record<string, Tensor> {
  const shapes = Object.entries(inputShapes(description, batchSize));
  return Object.fromEntries(shapes.map(([name, shape]) => [name, input(name, shape)]));
}
