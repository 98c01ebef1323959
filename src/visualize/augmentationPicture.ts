/** What a reader's random parts do to examples: each as it is, and some draws of its augmentation beside it. */
import { basename } from 'node:path';
import {
  type Dataset,
  exampleName,
  kindOf,
  type MixOptions,
  mixBatch,
  mixes,
  plainReader,
  type Reader,
  readExample,
  spreadSample,
} from '../data/index.js';
import { storedExample } from '../data/source.js';
import { ensure } from '../errors/index.js';
import { fold, type Key, keyFrom } from '../random/index.js';
import { drawFitted } from './gallery.js';
import { drawTitles, MARGIN, titlesHeight } from './layout.js';
import type { RgbImage } from './picture.js';
import { inPlace, picturesOf, type ShownExample } from './signals/index.js';
import { Figure } from './svg.js';

/** How much is shown. */
export interface AugmentationOptions {
  /** Examples, spread over the data set; default 6. */
  count?: number;
  /** Draws of each; default 5. */
  draws?: number;
  /** Seed of the training; default 0. */
  seed?: number;
  /** Mixes the draws, each with that of the row opposite: the first with the last. */
  mix?: MixOptions;
}

/** The figure of one modality. */
export interface AugmentationPicture {
  figure: Figure;
  /** Whether any draw differs from the plain example. */
  varies: boolean;
}

/**
 * Draws examples of a data set as a reader gives them in training, for each modality that it makes.
 * @throws HiperceiverError where none of the examples can be read
 */
export async function augmentationPictures(
  dataset: Dataset,
  reader: Reader,
  { count = 6, draws = 5, seed = 0, mix = {} }: AugmentationOptions = {},
): Promise<Record<string, AugmentationPicture>> {
  const shown = spreadSample(dataset, count);
  const key = fold(keyFrom(seed), 'augmentations');
  const [part] = Object.keys(kindOf(reader).parts);
  const readers = [plainReader(reader), ...Array.from({ length: draws }, () => reader)];
  const read: { caption: string; versions: ExampleSlots[] }[] = [];
  let reason = '';
  for (let row = 0; row < shown.size; row++) {
    try {
      const stored = await storedExample(shown.source, row, part);
      const versions = readers.map((own, i) => readExample(stored, own, fold(key, i, row)));
      const label = shown.labels?.[row];
      const caption = label === undefined ? basename(exampleName(shown.source, row)) : shown.classes[label];
      read.push({ caption, versions: await Promise.all(versions) });
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  ensure(read.length > 0, () => `None of the examples of ${dataset.path} that were tried can be read: ${reason}.`);
  if (mixes(mix)) {
    for (let draw = 1; draw <= draws; draw++) {
      const column = read.map(({ versions }) => versions[draw]);
      mixColumn(column, reader, mix, fold(key, 'mix', draw)).forEach((slots, row) => {
        read[row].versions[draw] = slots;
      });
    }
  }
  const figures: Record<string, AugmentationPicture> = {};
  for (const { modality, pictures } of picturesOf(reader)) {
    const elements = modality.indexShape.reduce((a, b) => a * b, 1);
    const rows = read.map(({ caption, versions }) => ({
      caption,
      examples: versions.map(
        ({ signals, lengths }): ShownExample => ({
          values: inPlace(reader, signals[modality.name], modality.channels),
          length: lengths[modality.name] ?? elements,
        }),
      ),
    }));
    const present = rows.filter(({ examples }) => examples.every(({ length }) => length > 0));
    if (present.length === 0) continue;
    figures[modality.name] = {
      figure: tableOf(
        present.map(({ caption, examples }) => ({ caption, images: pictures.thumbnails(modality, examples) })),
        `Augmentation of ${pictures.noun}s`,
      ),
      varies: present.some(({ examples: [plain, ...drawn] }) =>
        drawn.some(({ values }) => values.some((x, i) => x !== plain.values[i])),
      ),
    };
  }
  return figures;
}

type ExampleSlots = Awaited<ReturnType<typeof readExample>>;

/** Examples mixed as a batch of them is in training. */
function mixColumn(examples: readonly ExampleSlots[], reader: Reader, mix: MixOptions, key: Key): ExampleSlots[] {
  const size = examples.length;
  const shapes = kindOf(reader).shapes(reader);
  const signals = Object.fromEntries(
    shapes.map(({ name }) => [name, Float32Array.from(examples.flatMap(({ signals }) => [...signals[name]]))]),
  );
  const lengths = Object.fromEntries(
    shapes.map(({ name, indexShape }) => {
      const elements = indexShape.reduce((a, b) => a * b, 1);
      return [name, Int32Array.from(examples, ({ lengths }) => lengths[name] ?? elements)];
    }),
  );
  const mixed = mixBatch({ size, signals, lengths }, shapes, mix, key, reader.permutation);
  return examples.map((_, i) => ({
    signals: Object.fromEntries(
      Object.entries(mixed.signals).map(([name, values]) => {
        const length = values.length / size;
        return [name, values.subarray(i * length, (i + 1) * length)];
      }),
    ),
    lengths: Object.fromEntries(Object.entries(mixed.lengths ?? {}).map(([name, own]) => [name, own[i]])),
  }));
}

const CELL = 132;
const GAP = 10;
const LABELS = 108;

/** Rows of pictures, the plain one first. */
function tableOf(rows: readonly { caption: string; images: readonly RgbImage[] }[], title: string): Figure {
  const [{ images }] = rows;
  const subtitle = `Examples as they are, and ${images.length - 1} draws of what training makes of each`;
  const height = Math.round((CELL * images[0].height) / images[0].width);
  const left = MARGIN + LABELS;
  const width = left + images.length * (CELL + GAP) - GAP + MARGIN;
  const top = titlesHeight(width, title, subtitle) + 40;
  const figure = new Figure(width, top + rows.length * (height + GAP) - GAP + MARGIN, title);
  drawTitles(figure, title, subtitle);
  images.forEach((_, column) => {
    const name = column === 0 ? 'Plain' : `Draw ${column}`;
    figure.text(name, left + column * (CELL + GAP), top - 9, { size: 12, weight: 'bold', maxWidth: CELL });
  });
  rows.forEach(({ caption, images }, row) => {
    const y = top + row * (height + GAP);
    figure.text(caption, left - 12, y + height / 2, {
      size: 12,
      anchor: 'end',
      baseline: 'middle',
      color: 'muted',
      maxWidth: LABELS - 12,
    });
    images.forEach((image, column) => {
      drawFitted(figure, image, left + column * (CELL + GAP), y, CELL, height);
    });
  });
  return figure;
}
