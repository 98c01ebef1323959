/** What a model says of single files, as pictures. */
import { basename } from 'node:path';
import type { FileBatch, FilePrediction, FileSegmentation, TrainedModel } from '../tasks/index.js';
import { readerOf } from '../training/index.js';
import { type GalleryItem, galleryFigure } from './gallery.js';
import { sceneWidth } from './reconstructionPictures.js';
import { segmentationFigure } from './segmentation.js';
import { inPlace, picturesOf } from './signals/index.js';
import type { Figure } from './svg.js';

/** Files as small pictures, each with its likeliest class and how likely that is. */
export function predictedItems(
  { description }: TrainedModel,
  { batch }: Pick<FileBatch, 'batch'>,
  predictions: readonly FilePrediction[],
): GalleryItem[] {
  const reader = readerOf(description);
  const [{ modality, pictures }] = picturesOf(reader, description.modalities);
  const values = batch.signals[modality.name];
  const size = values.length / batch.size;
  const elements = size / modality.channels;
  return predictions.map(({ file, classes: [first] }, i) => {
    const example = {
      values: inPlace(reader, values.subarray(i * size, (i + 1) * size), modality.channels),
      length: batch.lengths?.[modality.name]?.[i] ?? elements,
    };
    const [image] = pictures.thumbnails(modality, [example]);
    return { image, caption: `${first.label}: ${(100 * first.probability).toFixed(0)} %`, note: basename(file) };
  });
}

/** Those pictures together. */
export function predictionsFigure(items: readonly GalleryItem[]): Figure {
  return galleryFigure({ items, title: 'Predictions', columns: Math.min(6, items.length), cellSize: 144 });
}

/** Pixels across of a scene's picture, at most. */
const MOST_WIDTH = 1600;

/** The file as the model saw it, and its classes laid over it. */
export function segmentedFigure(
  { description }: TrainedModel,
  { file, signals, labels, shape }: FileSegmentation,
): Figure {
  const reader = readerOf(description);
  const [{ modality, pictures }] = picturesOf(reader, description.modalities);
  const values = inPlace(reader, signals[modality.name], modality.channels);
  const [height, width] = shape ?? modality.indexShape;
  return segmentationFigure({
    ...(shape ? { cellSize: sceneWidth(width, MOST_WIDTH) } : {}),
    images: pictures.thumbnails({ ...modality, indexShape: [height, width] }, [{ values, length: height * width }]),
    shape: [height, width, modality.channels],
    prediction: inPlace(reader, Float32Array.from(labels), 1),
    classNames: description.classes ?? [],
    title: basename(file),
  });
}
