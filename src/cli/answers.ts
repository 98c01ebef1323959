/** What `hip predict` says and draws, by what a model can answer. */
import { basename, extname, join } from 'node:path';
import type { SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { keyFrom } from '../random/index.js';
import {
  type Answer,
  fileBatches,
  type LoadedModel,
  openScene,
  predictClasses,
  predictSegments,
} from '../tasks/index.js';
import { defaultRecipe, readerOf } from '../training/index.js';
import {
  type GalleryItem,
  predictedItems,
  predictionsFigure,
  reconstructedBatch,
  reconstructedScene,
  segmentedFigure,
  writePng,
  writeReconstructions,
} from '../visualize/index.js';
import { formatShare } from './quantities.js';
import { formatTable } from './table.js';

/** What was asked. */
interface Question {
  model: LoadedModel;
  files: readonly string[];
  engine: Engine;
  /** Classes to name of each file. */
  top: number;
  /** Folder of the pictures. */
  out?: string;
}

/** What is answered: for programs, for people, and the pictures that were written. */
interface Answered {
  results: object[];
  lines: string[];
  pictures: string[];
  unreadable: SkippedFile[];
}

/** Files that one picture of predictions shows at most. */
const MOST_SHOWN = 60;

/** How each kind of answer is given. */
export const answers: Record<Answer, (question: Question) => Promise<Answered>> = {
  async classes({ model, files, engine, top, out }) {
    const answered: Answered = { results: [], lines: [], pictures: [], unreadable: [] };
    const rows: string[][] = [];
    const items: GalleryItem[] = [];
    const batches = fileBatches(files, readerOf(model.description));
    for await (const { batch, predictions, unreadable } of predictClasses(model, batches, engine)) {
      for (const { file, classes } of predictions) {
        const named = classes.slice(0, top);
        answered.results.push({ file, predictions: named });
        rows.push(
          ...labelRows(
            file,
            named.map(({ label, probability }) => [label, probability]),
          ),
        );
      }
      if (out && items.length < MOST_SHOWN) items.push(...predictedItems(model, { batch }, predictions));
      answered.unreadable.push(...unreadable);
    }
    if (rows.length > 0) answered.lines.push(formatTable(rows, ['file', 'class', 'probability', '']));
    if (out && items.length > 0) {
      answered.pictures.push(join(out, 'predictions.png'));
      await writePng(answered.pictures[0], predictionsFigure(items.slice(0, MOST_SHOWN)));
    }
    return answered;
  },

  async segments({ model, files, engine, top, out = '' }) {
    const answered: Answered = { results: [], lines: [], pictures: [], unreadable: [] };
    const rows: string[][] = [];
    const stemOf = stems();
    for await (const { segmentations, unreadable } of predictSegments(model, files, engine)) {
      for (const segmentation of segmentations) {
        const { file, shares } = segmentation;
        const picture = join(out, `${stemOf(file)}-segments.png`);
        await writePng(picture, segmentedFigure(model, segmentation));
        answered.pictures.push(picture);
        answered.results.push({ file, picture, shares });
        rows.push(
          ...labelRows(
            file,
            shares.slice(0, top).map(({ label, share }) => [label, share]),
          ),
        );
      }
      answered.unreadable.push(...unreadable);
    }
    if (rows.length > 0) answered.lines.push(formatTable(rows, ['file', 'class', 'share', '']));
    return answered;
  },

  async reconstruction({ model, files, engine, out = '' }) {
    const answered: Answered = { results: [], lines: [], pictures: [], unreadable: [] };
    const masking = model.recipe?.masking ?? defaultRecipe.masking;
    const rows: (string | number)[][] = [];
    const stemOf = stems();
    const reader = readerOf(model.description);
    const reconstructions = async function* () {
      for (const file of files) {
        const scene = await openScene(file, reader);
        if (scene) yield { file, made: await reconstructedScene(model, scene, masking, keyFrom(0), engine) };
        else
          for await (const { files: own, batch, unreadable } of fileBatches([file], reader)) {
            answered.unreadable.push(...unreadable);
            if (own.length > 0)
              yield {
                file,
                made: await reconstructedBatch(model, batch, [basename(file)], masking, keyFrom(0), engine),
              };
          }
      }
    };
    for await (const { file, made } of reconstructions()) {
      const written = await writeReconstructions(join(out, `${stemOf(file)}-reconstruction.png`), made);
      const losses = Object.fromEntries(Object.entries(made.modalities).map(([name, { loss }]) => [name, loss]));
      answered.results.push({ file, loss: made.loss, losses, ...written });
      answered.pictures.push(...written.pictures, ...written.files);
      rows.push([file, Number(made.loss.toPrecision(4))]);
    }
    if (rows.length > 0) answered.lines.push(formatTable(rows, ['file', 'mean squared error']));
    return answered;
  },
};

const BAR = 24;

/** A row for each class, the file's name in the first. */
function labelRows(file: string, named: readonly (readonly [label: string, share: number])[]): string[][] {
  return named.map(([label, share], i) => [
    i === 0 ? file : '',
    label,
    formatShare(share),
    '█'.repeat(Math.round(BAR * share)),
  ]);
}

/** Names for what is written of each file: its own without folder and ending; with the ending, then a number, where it comes again. */
function stems(): (file: string) => string {
  const used = new Set<string>();
  return (file) => {
    const ending = extname(file);
    const plain = basename(file, ending);
    let stem = plain;
    for (let again = 1; used.has(stem); again++)
      stem = [plain, ending.slice(1), again > 1 && again].filter(Boolean).join('-');
    used.add(stem);
    return stem;
  };
}
