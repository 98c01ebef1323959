/** What a pre-trained model makes of masked examples, as pictures, sounds and clips: one of each kind for each of its modalities. */
import { basename } from 'node:path';
import { type Batch, createLoader, type Dataset, exampleName, type Reader, spreadSample } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { indexDim } from '../models/index.js';
import { fold, type Key, keyFrom } from '../random/index.js';
import { type ModalityReconstruction, Mosaic, reconstruct, type Scene, type TrainedModel } from '../tasks/index.js';
import { type Recipe, readerOf } from '../training/index.js';
import { inPlace, type ModalityPictures, picturesOf, type ReconstructedExample } from './signals/index.js';
import { type Figure, writePng } from './svg.js';

/** What was made of one modality. */
export interface ReconstructionPicture {
  figure: Figure;
  /** Mean squared error over what was hidden and is real. */
  loss: number;
  /** Writes what is to be heard or watched into files whose names begin with `stem`. Returns their paths. */
  writeFiles(stem: string): Promise<string[]>;
}

/** What was made of a batch. */
export interface ReconstructionPictures {
  /** Mean over the modalities. */
  loss: number;
  /** Examples that were shown. */
  size: number;
  /** By modality, where any example has it. */
  modalities: Record<string, ReconstructionPicture>;
  /** Whether the model has several modalities, so that each of its pictures says which it shows. */
  several: boolean;
}

/** Elements that are reconstructed at a time: eight images of 512x512, one of 2048x2048. */
const SHOWN_ELEMENTS = 2 ** 21;

/** What the model makes of examples spread over a data set. */
export async function reconstructionPictures(
  model: TrainedModel,
  dataset: Dataset,
  masking: Recipe['masking'],
  engine: Engine,
  options: { count?: number; seed?: number } = {},
): Promise<ReconstructionPictures> {
  const { modalities } = model.description;
  const reader = readerOf(model.description);
  const elements = modalities.reduce((sum, modality) => sum + indexDim(modality), 0);
  const usual = Math.min(...picturesOf(reader, modalities).map(({ pictures }) => pictures.count));
  const { count = Math.min(usual, Math.max(1, Math.floor(SHOWN_ELEMENTS / elements))), seed = 0 } = options;
  const shown = spreadSample(dataset, count);
  const loader = createLoader(shown, { reader, batchSize: shown.size, shuffle: false, key: keyFrom(seed) });
  const batch = await loader.next();
  await loader.close();
  ensure(batch, () => `${dataset.path} has no readable example.`);
  const captions = [...batch.ids].map((id, i) =>
    batch.labels ? dataset.classes[batch.labels[i]] : basename(exampleName(shown.source, id)),
  );
  return reconstructedBatch(model, batch, captions, masking, keyFrom(seed), engine);
}

/** What the model makes of a batch that was read already. */
export async function reconstructedBatch(
  model: TrainedModel,
  batch: Pick<Batch, 'signals' | 'lengths' | 'size'>,
  captions: readonly string[],
  masking: Recipe['masking'],
  key: Key,
  engine: Engine,
): Promise<ReconstructionPictures> {
  const made = await reconstruct(model, batch, masking, key, engine);
  const modalities: ReconstructionPictures['modalities'] = {};
  const reader = readerOf(model.description);
  const all = picturesOf(reader, model.description.modalities);
  for (const one of all) {
    const { name } = one.modality;
    const examples = examplesOf(reader, one, batch, made.modalities[name], captions);
    if (examples.length === 0) continue;
    const others = all.filter((other) => other !== one).map(({ pictures }) => `the ${pictures.noun}`);
    modalities[name] = {
      loss: made.modalities[name].loss,
      figure: one.pictures.reconstructions(one.modality, examples, heading(one, examples, masking, others)),
      writeFiles: async (stem) => {
        const written = examples.map((example, i) =>
          one.pictures.writeFiles?.(examples.length > 1 ? `${stem}-${i + 1}` : stem, one.modality, example),
        );
        return (await Promise.all(written)).flatMap((files) => files ?? []);
      },
    };
  }
  return { loss: made.loss, size: batch.size, modalities, several: all.length > 1 };
}

/** Tiles of a scene that are reconstructed at a time. */
const SCENE_TILES = 32;
/** Pixels across of a scene's picture, at most; there are four. */
const MOST_WIDTH = 800;
/** Small scenes are enlarged to about this. */
const USUAL_WIDTH = 240;

/** Width at which a scene is drawn: pixel for pixel, or a whole multiple of that, as far as there is room. */
export function sceneWidth(width: number, most: number): number {
  return Math.min(most, width * Math.max(1, Math.round(USUAL_WIDTH / width)));
}

/** What the model makes of a scene, every tile of it masked by itself. */
export async function reconstructedScene(
  model: TrainedModel,
  scene: Scene,
  masking: Recipe['masking'],
  key: Key,
  engine: Engine,
): Promise<ReconstructionPictures> {
  const [one] = picturesOf(readerOf(model.description), model.description.modalities);
  const { name, channels } = one.modality;
  const { height, width } = scene;
  const [values, predicted, mask] = [channels, channels, 1].map((own) => new Mosaic(scene, own));
  const losses: number[] = [];
  for await (const { tiles, batch } of scene.batches(SCENE_TILES)) {
    const made = await reconstruct(model, batch, masking, fold(key, 'tiles', losses.length), engine);
    const { wanted = batch.signals[name], reconstruction, mask: hidden, loss } = made.modalities[name];
    const part = (all: Float32Array, i: number, count = tiles.length) =>
      all.subarray((i * all.length) / count, ((i + 1) * all.length) / count);
    for (const [i, tile] of tiles.entries()) {
      values.place(tile, part(wanted, i));
      predicted.place(tile, part(reconstruction, i));
      mask.place(tile, hidden.length * channels === wanted.length ? part(hidden, i) : hidden);
      losses.push(loss);
    }
  }
  const example = {
    ...{ values: values.values, predicted: predicted.values, mask: mask.values },
    length: height * width,
    caption: basename(scene.file),
  };
  const figure = one.pictures.reconstructions({ ...one.modality, indexShape: [height, width] }, [example], {
    ...heading(one, [example], masking, []),
    cellSize: sceneWidth(width, MOST_WIDTH),
  });
  const loss = losses.reduce((a, b) => a + b, 0) / losses.length;
  return { loss, size: 1, modalities: { [name]: { figure, loss, writeFiles: async () => [] } }, several: false };
}

/**
 * Writes the pictures and the files beside them; with several modalities each picture has its own in its name.
 * @param path of the PNG of a model with one modality
 * @returns the paths of the pictures, and of the files
 */
export async function writeReconstructions(
  path: string,
  { modalities, several }: ReconstructionPictures,
): Promise<{ pictures: string[]; files: string[] }> {
  const stem = path.replace(/\.png$/i, '');
  const pictures: string[] = [];
  const files: string[] = [];
  for (const [name, { figure, writeFiles }] of Object.entries(modalities)) {
    const own = several ? `${stem}-${name}` : stem;
    const picture = own === stem ? path : `${own}.png`;
    await writePng(picture, figure);
    pictures.push(picture);
    files.push(...(await writeFiles(own)));
  }
  return { pictures, files };
}

/** The examples that have the modality, one by one. */
function examplesOf(
  reader: Reader,
  { modality: { name, indexShape, channels } }: ModalityPictures,
  { signals, lengths, size }: Pick<Batch, 'signals' | 'lengths' | 'size'>,
  { reconstruction, wanted, mask }: Pick<ModalityReconstruction, 'reconstruction' | 'wanted' | 'mask'>,
  captions: readonly string[],
): ReconstructedExample[] {
  const elements = indexDim({ indexShape });
  const part = (values: Float32Array, i: number, width: number) =>
    inPlace(reader, values.subarray(i * elements * width, (i + 1) * elements * width), width);
  return Array.from({ length: size }, (_, i) => ({
    values: part(wanted ?? signals[name], i, channels),
    predicted: part(reconstruction, i, channels),
    mask: part(mask, mask.length === elements ? 0 : i, 1),
    length: lengths?.[name]?.[i] ?? elements,
    caption: captions[i],
  })).filter(({ length }) => length > 0);
}

function heading(
  { pictures: { noun, element } }: ModalityPictures,
  examples: readonly ReconstructedExample[],
  masking: Recipe['masking'],
  others: readonly string[],
) {
  const masks = examples.flatMap(({ mask }) => mask.reduce((a, b) => a + b, 0) / mask.length);
  const share = masks.reduce((a, b) => a + b, 0) / masks.length;
  return {
    title: `Reconstruction of masked ${noun}s`,
    subtitle:
      share === 1
        ? `All ${element}s masked: made from ${others.length > 0 ? others.join(' and ') : 'tokens'} alone`
        : `${Math.round(100 * share)} % of the ${element}s masked, scheme "${masking.scheme}"`,
  };
}
