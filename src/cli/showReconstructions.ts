/** What `hip reconstruct` and `hip visualize reconstructions` do. */
import { openFiles, withoutTargets } from '../data/index.js';
import { ensure } from '../errors/index.js';
import { type LoadedModel, loadModel, openDataOf } from '../tasks/index.js';
import { defaultRecipe, readerOf } from '../training/index.js';
import { reconstructionPictures, writeReconstructions } from '../visualize/index.js';
import { maskingTyped } from './maskRatio.js';
import { startEngine } from './modelOptions.js';
import type { Output } from './output.js';
import { shortList } from './quantities.js';

/** What was typed. */
export interface ShowReconstructions {
  /** The model. */
  path: string;
  /** Single files; without them examples of the data. */
  files: readonly string[];
  data?: string;
  split: string;
  out: string;
  /** One share, or one by modality. */
  maskRatio?: string;
  /** Values of a recipe's masking, by dotted key. */
  overrides: Record<string, string>;
  count?: number;
  seed: number;
  device: string;
}

/** Masks examples, lets the model fill them in, and writes the pictures, sounds and clips. */
export async function showReconstructions(typed: ShowReconstructions, output: Output): Promise<void> {
  const { path, files, out, count, seed } = typed;
  const loaded = await loadModel(path);
  refuseClassifier(loaded);
  const model = files.length > 0 ? fromFiles(loaded) : loaded;
  const reader = readerOf(model.description);
  const examples =
    files.length > 0
      ? openFiles(files, reader.kind)
      : await openDataOf(model, { path: typed.data, split: typed.split });
  const { masking: trained } = model.recipe ?? defaultRecipe;
  const masking = maskingTyped(trained, model.description.modalities, typed.maskRatio, typed.overrides);
  await using engine = await startEngine(typed.device);
  const made = await reconstructionPictures(model, examples, masking, engine, { count: files.length || count, seed });
  const written = await writeReconstructions(out, made);
  const losses = Object.fromEntries(Object.entries(made.modalities).map(([name, { loss }]) => [name, loss]));
  const several = Object.keys(losses).length > 1;
  output.result({ ...written, picture: written.pictures[0], loss: made.loss, losses, examples: made.size }, () =>
    [
      `mean squared error   ${made.loss.toPrecision(4)} over the masked inputs (1 is the data’s own variance)`,
      ...(several ? Object.entries(losses).map(([name, loss]) => `  ${name.padEnd(19)}${loss.toPrecision(4)}`) : []),
      `${several ? 'pictures' : 'picture '}             ${written.pictures.join(', ')}`,
      ...(written.files.length > 0 ? [`beside it            ${shortList(written.files)}`] : []),
    ].join('\n'),
  );
}

/** Refuses a model that cannot fill in anything. */
export function refuseClassifier({ path, description }: LoadedModel): void {
  ensure(
    !description.classes,
    () => `${path} is a classifier without a decoder: reconstruct with the checkpoint that it was fine-tuned from.`,
  );
}

/** The model, fed from files that say nothing of classes. */
export function fromFiles(model: LoadedModel): LoadedModel {
  const { description } = model;
  return { ...model, description: { ...description, reader: withoutTargets(readerOf(description)) } };
}
