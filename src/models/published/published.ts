/** Models that others publish: how their checkpoints are known, and what they become here. */
import { ensure } from '../../errors/index.js';
import type { Shape } from '../../graph/index.js';
import type { Size2d } from '../../nn/index.js';
import type { Layout } from '../layouts/index.js';
import type { Modality } from '../modality.js';
import { pairOf } from './torchArguments.js';

/** Constructor arguments, fields of `config.json`. */
// biome-ignore lint/suspicious/noExplicitAny: arguments of many programs, each with defaults
export type Arguments = Record<string, any>;

/** What a checkpoint tells of itself, besides its numbers. */
export interface ForeignCheckpoint {
  /** Shapes of its tensors, by its own names. */
  shapes: ReadonlyMap<string, Shape>;
  /** `config.json`, where there is one. */
  config?: Arguments;
  /** Arguments of the program that wrote it. */
  args?: Arguments;
  /** The image's size where the user says it. */
  size?: Size2d;
}

/**
 * What of a system is there: what it is pre-trained as (decoder and all), its encoder alone, or the encoder with the published
 * head for classes of whole examples or of every element.
 */
export type Form = 'pretraining' | 'encoder' | 'classes' | 'segmentation';

/** A checkpoint as one of our models. */
export interface PublishedModel {
  config: Arguments;
  modalities: Modality[];
  form: Form;
  /** Names of the classes, where there is a head. */
  classes?: string[];
  /** Where it keeps our parameters. */
  layout: Layout;
  /** What the authors bring pixels of 0 to 1 to. */
  statistics: { mean: number[]; std: number[] };
  /** What was guessed, one sentence each. */
  remarks: string[];
}

/** One of the layouts that checkpoints of a system come in. */
export interface PublishedLayout {
  /** What users call it: `hf`, `timm`, `original`, … */
  name: string;
  /** Whose classes these are. */
  of: string;
  /** Whether a class for every pixel has a place in it. */
  segments?: true;
  /** Whether a checkpoint is of this system and in this layout. */
  recognises(checkpoint: ForeignCheckpoint): boolean;
  /** @throws HiperceiverError where something decisive cannot be told */
  read(checkpoint: ForeignCheckpoint): PublishedModel;
  /** Where it keeps the parameters of one of our models. */
  layout(config: Arguments, form: Form): Layout;
  /** Fields of `config.json` that its own program needs. */
  configOf(
    config: Arguments,
    about: { form: Form; classes?: readonly string[]; modalities: readonly Modality[] },
  ): Arguments;
}

/** Statistics of ImageNet, and those of pixels brought to -1 … 1. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
export const SYMMETRIC = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** Arguments that a checkpoint carries or `config.json` lists, under the constructor's names. */
export function toldArguments({ config, args }: ForeignCheckpoint): Arguments {
  const { input_size: inputSize, ...rest } = args ?? {};
  return { ...(inputSize === undefined ? {} : { img_size: inputSize }), ...rest, ...config?.model_args };
}

/** Whether `config.json` is of Hugging Face's model type. */
export function isHf({ config }: ForeignCheckpoint, type: string): boolean {
  return config?.model_type === type;
}

/** The shape of a tensor that has to be there. */
export function shapeOf({ shapes }: ForeignCheckpoint, name: string): Shape {
  const shape = shapes.get(name);
  ensure(shape, () => `The checkpoint has no tensor "${name}", which tells the model's size.`);
  return shape;
}

/** How many numbered modules there are: `blocks.` → one more than the largest number behind it. */
export function countOf({ shapes }: ForeignCheckpoint, prefix: string): number {
  let count = 0;
  for (const name of shapes.keys()) {
    if (!name.startsWith(prefix)) continue;
    const index = Number.parseInt(name.slice(prefix.length), 10);
    if (index >= count) count = index + 1;
  }
  return count;
}

/** Height and width of the image that a table with a row for each patch is for: as told, else a square. */
export function sizeOfTable(rows: number, patch: Size2d, told: unknown): Size2d {
  const size = told === undefined || told === null ? undefined : pairOf(told as number | number[]);
  if (size) return size;
  const side = Math.sqrt(rows);
  ensure(
    Number.isInteger(side),
    () =>
      `Positions for ${rows} patches of ${patch.join('x')} may belong to images of several sizes: say which with --input, such as image=${patch[0] * rows}x${patch[1]}x3.`,
  );
  return [side * patch[0], side * patch[1]];
}

/** The image that a model takes. */
export function imageModality(size: Size2d, channels: number): Modality[] {
  return [{ name: 'image', indexShape: [...size], channels }];
}

/** Names of classes: those of Hugging Face's `id2label`, or numbers. */
export function classNames(count: number, config?: Arguments): string[] {
  const labels = config?.id2label ?? {};
  const list = config?.label_names ?? [];
  return Array.from({ length: count }, (_, id) => String(labels[id] ?? list[id] ?? `class ${id}`));
}

/** Hugging Face's fields for names of classes. */
export function hfLabels(classes: readonly string[] | undefined): Arguments {
  if (!classes) return {};
  return {
    id2label: Object.fromEntries(classes.map((name, id) => [id, name])),
    label2id: Object.fromEntries(classes.map((name, id) => [name, id])),
  };
}

/**
 * Heads of attention, which no tensor tells: as told, else those of the named size of the same width and depth, else one for
 * every 64 channels, which is said.
 */
export function headsOf(
  told: unknown,
  { width, depth }: { width: number; depth: number },
  variants: Record<string, { width: number; depth: number; heads: number }>,
  remarks: string[],
): number {
  if (typeof told === 'number') return told;
  const known = Object.values(variants).find((variant) => variant.width === width && variant.depth === depth);
  if (known) return known.heads;
  const heads = Math.max(1, Math.round(width / 64));
  remarks.push(
    `The number of heads is told nowhere: ${heads} were taken, one for every 64 channels (--model.config.heads).`,
  );
  return heads;
}

/** Our side of an image's sizes. */
export function sizesOf(modalities: readonly Modality[]): { size: Size2d; channels: number } {
  const { indexShape, channels } = modalities[0];
  const [height, width] = indexShape.slice(-2);
  return { size: [height, width], channels };
}
