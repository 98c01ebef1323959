/** What a model says of single files: classes with their probabilities, tags, or a class for every element. */
import { readFile } from 'node:fs/promises';
import { decodeFailure } from '../data/decode.js';
import { type Batch, kindOf, type Reader, readExample, type SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { indexDim } from '../models/index.js';
import { keyFrom } from '../random/index.js';
import { type ModelDescription, readerOf } from '../training/index.js';
import { classify } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { Runner } from './runner.js';
import { Mosaic, openScene, type Scene } from './scenes.js';
import { segmentLabels } from './segmentation.js';

/** A class and how likely it is. */
export interface LabelProbability {
  label: string;
  probability: number;
}

/** What a classifier says of a file: all classes, the likeliest first. */
export interface FilePrediction {
  file: string;
  classes: LabelProbability[];
}

/** What a segmentation model says of a file. */
export interface FileSegmentation {
  file: string;
  /** Class of every element, `[I]`. */
  labels: Int32Array;
  /** The file as the model saw it, normalised, `[I, C]`, by modality. */
  signals: Record<string, Float32Array>;
  /** Height and width of a scene that is larger than the model's input; else those of its first modality. */
  shape?: readonly [number, number];
  /** Share of the elements of each class that occurs, the largest first. */
  shares: { label: string; share: number }[];
}

/** Files as a batch, and those that could not be read. */
export interface FileBatch {
  files: string[];
  batch: Pick<Batch, 'signals' | 'lengths' | 'size'>;
  unreadable: SkippedFile[];
}

/** Files that are held at a time. */
const BATCH = 8;

/**
 * Reads files as a model takes them, without anything random, a few at a time. What cannot be read is named with the
 * reason and left out.
 * @param reader of the model, for examples without labels
 */
export async function* fileBatches(files: readonly string[], reader: Reader, size = BATCH): AsyncGenerator<FileBatch> {
  const kind = kindOf(reader);
  const [part] = Object.keys(kind.parts);
  const shapes = kind.shapes(reader);
  for (let at = 0; at < files.length; at += size) {
    const read: { file: string; slots: Awaited<ReturnType<typeof readExample>> }[] = [];
    const unreadable: SkippedFile[] = [];
    for (const file of files.slice(at, at + size)) {
      try {
        const bytes = await readFile(file);
        read.push({ file, slots: await readExample({ parts: { [part]: bytes } }, reader, keyFrom(0)) });
      } catch (error) {
        unreadable.push({ file, reason: fileFailure(error, kind.noun) });
      }
    }
    const signals = Object.fromEntries(
      shapes.map(({ name, channels, indexShape }) => {
        const length = indexDim({ indexShape }) * channels;
        const values = new Float32Array(read.length * length);
        for (const [i, { slots }] of read.entries()) values.set(slots.signals[name], i * length);
        return [name, values];
      }),
    );
    const lengths = Object.fromEntries(
      shapes.map(({ name, indexShape }) => [
        name,
        Int32Array.from(read, ({ slots }) => slots.lengths[name] ?? indexDim({ indexShape })),
      ]),
    );
    yield { files: read.map(({ file }) => file), batch: { signals, lengths, size: read.length }, unreadable };
  }
}

/** Why a file is no example, in a few words. */
function fileFailure(error: unknown, noun: string): string {
  const { code } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: `it is a folder, where files of ${noun}s are wanted`,
    EACCES: 'it may not be read',
  };
  return known[code ?? ''] ?? decodeFailure(error);
}

/**
 * Classes of files with their probabilities: of a classifier they sum to 1, of a tagging model each stands for itself.
 * @returns the predictions batch by batch, in the order of the files, with those files that could not be read
 * @throws HiperceiverError where the model has no classes
 */
export async function* predictClasses(
  model: TrainedModel,
  batches: AsyncIterable<FileBatch>,
  engine: Engine,
): AsyncGenerator<Omit<FileBatch, 'files'> & { predictions: FilePrediction[] }> {
  const { description } = model;
  const { classes } = description;
  ensure(classes, () => `${model.path} is no classifier: fine-tune it first (hip finetune).`);
  const runner = await Runner.create(engine, model, BATCH, (scope, inputs) => {
    const logits = classify(description, scope, inputs);
    return { probabilities: description.task === 'tagging' ? logits.sigmoid() : logits.softmax(-1) };
  });
  try {
    for await (const { files, batch, unreadable } of batches) {
      const { probabilities } = files.length > 0 ? await runner.run(batch) : { probabilities: new Float32Array() };
      const predictions = files.map((file, i) => ({
        file,
        classes: ranked(classes, probabilities.subarray(i * classes.length, (i + 1) * classes.length)),
      }));
      yield { predictions, batch, unreadable };
    }
  } finally {
    await runner.dispose();
  }
}

/**
 * The most likely class of every element of files. Rasters that are larger than the model's input come first, each as one
 * scene whose tiles overlap by half.
 */
export async function* predictSegments(
  model: TrainedModel,
  files: readonly string[],
  engine: Engine,
): AsyncGenerator<{ segmentations: FileSegmentation[]; unreadable: SkippedFile[] }> {
  const { description } = model;
  const { classes = [] } = description;
  const reader = readerOf(description);
  const runner = await Runner.create(engine, model, BATCH, (scope, inputs) => ({
    labels: segmentLabels(description, scope, inputs),
  }));
  const examples: string[] = [];
  try {
    for (const file of files) {
      const scene = await openScene(file, reader, 0.5);
      if (scene) yield { segmentations: [await segmentScene(scene, runner, classes)], unreadable: [] };
      else examples.push(file);
    }
    for await (const { files, batch, unreadable } of fileBatches(examples, reader)) {
      const { labels } = files.length > 0 ? await runner.run(batch) : { labels: new Float32Array() };
      const segmentations = files.map((file, i) => {
        const own = Int32Array.from(partOf(labels, i, files.length));
        return {
          file,
          labels: own,
          signals: Object.fromEntries(
            Object.entries(batch.signals).map(([name, values]) => [name, partOf(values, i, files.length)]),
          ),
          shares: sharesOf(own, classes),
        };
      });
      yield { segmentations, unreadable };
    }
  } finally {
    await runner.dispose();
  }
}

async function segmentScene(scene: Scene, runner: Runner, classes: readonly string[]): Promise<FileSegmentation> {
  const { file, height, width } = scene;
  const labels = new Mosaic(scene, 1);
  let seen: Mosaic | undefined;
  for await (const { tiles, batch } of scene.batches(BATCH)) {
    const results = await runner.run(batch);
    const { bands } = batch.signals;
    seen ??= new Mosaic(scene, bands.length / results.labels.length);
    for (const [i, tile] of tiles.entries()) {
      labels.place(tile, partOf(results.labels, i, tiles.length));
      seen.place(tile, partOf(bands, i, tiles.length));
    }
  }
  const own = Int32Array.from(labels.values);
  const signals: Record<string, Float32Array> = seen ? { bands: seen.values } : {};
  return { file, labels: own, signals, shape: [height, width], shares: sharesOf(own, classes) };
}

/** Share of the elements of each class that occurs, the largest first. */
function sharesOf(labels: Int32Array, classes: readonly string[]): FileSegmentation['shares'] {
  const counts = new Float64Array(classes.length);
  for (const label of labels) counts[label]++;
  return ranked(
    classes,
    counts.map((count) => count / labels.length),
  )
    .filter(({ probability }) => probability > 0)
    .map(({ label, probability }) => ({ label, share: probability }));
}

/** What a model answers for files. */
export type Answer = 'classes' | 'segments' | 'reconstruction';

/** What a model can say of a file. */
export function answerOf({ classes, task }: Pick<ModelDescription, 'classes' | 'task'>): Answer {
  if (task === 'segmentation') return 'segments';
  return classes ? 'classes' : 'reconstruction';
}

function partOf(values: Float32Array, i: number, count: number): Float32Array {
  const length = values.length / count;
  return values.subarray(i * length, (i + 1) * length);
}

function ranked(classes: readonly string[], probabilities: Float32Array | Float64Array): LabelProbability[] {
  return classes
    .map((label, i) => ({ label, probability: probabilities[i] }))
    .sort((a, b) => b.probability - a.probability);
}
