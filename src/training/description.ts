/** What `config.json` of a checkpoint says: enough to build the model again and to feed it as it was trained. */
import type { Reader } from '../data/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import {
  type ApplyOptions,
  configOf,
  indexDim,
  type Modality,
  type PerceiverOutputs,
  type System,
  systemByName,
} from '../models/index.js';
import type { Scope } from '../nn/index.js';
import type { Recipe } from './recipe.js';

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
  /** Names of the classes, where the model has a classifier. */
  classes?: string[];
}

/** The model that a recipe asks for, applied to these modalities. */
export function describeModel(recipe: Recipe, modalities: Modality[], reader?: Reader): ModelDescription {
  const { name, variant, config, positions, positionInitScale } = recipe.model;
  const complete = configOf(systemByName(name), variant, { positions, positionInitScale, ...config });
  return { system: name, variant, config: complete, modalities, reader };
}

/** Applies the described model in a scope. */
export function applyModel(
  description: ModelDescription,
  scope: Scope,
  inputs: Record<string, Tensor>,
  options?: ApplyOptions,
): PerceiverOutputs {
  return systemOf(description).apply(scope, description.config, description.modalities, inputs, options);
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
  const { system, variant, modalities, reader, classes } = description;
  // Fields that JSON cannot hold (undefined) come back as absent; unknown variants and fields are refused here.
  return {
    system,
    variant,
    config: configOf(systemByName(system), variant, description.config),
    modalities,
    reader,
    classes,
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

/** Graph inputs for a batch of signals by modality, `[B, I, C]`, under the modalities' names. */
export function modelInputs(
  description: Pick<ModelDescription, 'modalities'>,
  batchSize: number,
): Record<string, Tensor> {
  const shapes = Object.entries(inputShapes(description, batchSize));
  return Object.fromEntries(shapes.map(([name, shape]) => [name, input(name, shape)]));
}
