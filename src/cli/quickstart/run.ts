/** The quickstart: pre-train, fine-tune, train the same from scratch, and draw what came out. */

import { rm, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../../engine/index.js';
import { ensure } from '../../errors/index.js';
import { type ClassificationScore, finetune, loadModel, type Score } from '../../tasks/index.js';
import {
  loadRecipe,
  openSplit,
  pretrain,
  type Recipe,
  resolveRecipe,
  type TrainingPlan,
} from '../../training/index.js';
import {
  confusionPicture,
  positionLocality,
  positionsPicture,
  reconstructionPictures,
  writePng,
  writeReconstructions,
} from '../../visualize/index.js';
import type { Output } from '../output.js';
import { quickstartReport } from './report.js';

export interface QuickstartResult {
  folder: string;
  locality: { score: number; chance: number };
  reconstructionLoss: number;
  finetuned: ClassificationScore;
  scratch: ClassificationScore;
  images: { train: number; test: number };
  recipes: { pretrain: Recipe; finetune: Recipe };
  seconds: { pretrain: number; finetune: number; scratch: number; total: number };
  machine: string;
}

export interface QuickstartOptions {
  folder: string;
  /** Overrides of the pre-training recipe, as typed. */
  overrides: Record<string, string>;
  quiet: boolean;
  signal?: AbortSignal;
  output: Output;
}

/** Runs everything into `folder`; undefined where the signal ended it before its end. */
export async function quickstart({
  folder,
  overrides,
  quiet,
  signal,
  output,
}: QuickstartOptions): Promise<QuickstartResult | undefined> {
  const began = performance.now();
  const runs = {
    pretrain: join(folder, 'pretrain'),
    finetune: join(folder, 'finetune'),
    scratch: join(folder, 'scratch'),
  };
  // Only what a quickstart makes is replaced: the folder may hold other things.
  for (const run of Object.values(runs)) await rm(run, { recursive: true, force: true });
  const shared = pick(overrides, ['training.device', 'training.threads', 'training.seed']);
  const recipe = resolveRecipe(await loadRecipe('quickstart'), { ...overrides, 'training.out': runs.pretrain });
  const fine = await loadRecipe('quickstart-finetune');
  const tuned = (from: string, out: string) =>
    resolveRecipe(fine, { ...shared, 'finetune.from': from, 'training.out': out });
  await using engine = await createEngine(recipe.training);

  output.note(
    '1/3  Pre-training: 85 % of the pixels are dropped, the model fills them in. Nothing tells it where a pixel lies.',
  );
  let trainImages = 0;
  const onPlan = (plan: TrainingPlan) => {
    trainImages = plan.images;
  };
  const learned = await pretrain(recipe, { engine, quiet, signal, onPlan, label: 'pre-train' });
  if (learned.interrupted) return undefined;
  const model = await loadModel(learned.checkpoint);
  const test = await openSplit(recipe, 'test');
  const locality = positionLocality(model);
  const made = await reconstructionPictures(model, test, recipe.masking, engine);
  await writeReconstructions(join(folder, 'reconstructions.png'), made);
  await writePng(join(folder, 'positions.png'), positionsPicture(model, { found: locality }));
  output.note(
    `     Locality of the learned positions: ${locality.score.toFixed(2)} (chance ${locality.chance.toFixed(2)}).`,
  );

  output.note('2/3  Fine-tuning the encoder to classify, from the checkpoint.');
  const finetuned = await finetune(tuned(learned.checkpoint, runs.finetune), {
    engine,
    quiet,
    signal,
    label: 'fine-tune',
  });
  if (finetuned.interrupted) return undefined;
  output.note('3/3  The same from scratch, with the same steps and batches.');
  const scratch = await finetune(tuned('', runs.scratch), { engine, quiet, signal, label: 'scratch  ' });
  if (scratch.interrupted) return undefined;
  await writePng(
    join(folder, 'confusion.png'),
    confusionPicture(ofClasses(finetuned.score), 'Fine-tuned from the pre-trained encoder'),
  );

  const result: QuickstartResult = {
    folder,
    locality,
    reconstructionLoss: made.loss,
    finetuned: ofClasses(finetuned.score),
    scratch: ofClasses(scratch.score),
    images: { train: trainImages, test: test.size },
    recipes: { pretrain: recipe, finetune: tuned(learned.checkpoint, runs.finetune) },
    seconds: {
      pretrain: learned.seconds,
      finetune: finetuned.seconds,
      scratch: scratch.seconds,
      total: (performance.now() - began) / 1000,
    },
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  };
  await writeFile(join(folder, 'report.html'), await quickstartReport(result, runs));
  return result;
}

/** The score of a classifier, which is what the quickstart shows. */
function ofClasses(score: Score): ClassificationScore {
  ensure(
    score.task === 'classification',
    () => 'The quickstart shows a classifier: give data with one class for each example.',
  );
  return score;
}

function pick(values: Record<string, string>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => keys.includes(key)));
}
