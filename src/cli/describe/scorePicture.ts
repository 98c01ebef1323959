/** The picture that goes with a score. */
import { basename } from 'node:path';
import { type Dataset, exampleName } from '../../data/index.js';
import type { Engine } from '../../engine/index.js';
import { type Score, segmentExamples, type TaggingScore, type TrainedModel } from '../../tasks/index.js';
import { normalizationOf } from '../../training/index.js';
import {
  bandComposite,
  bandStretch,
  barChart,
  confusionPicture,
  type Figure,
  naturalBands,
  segmentationFigure,
} from '../../visualize/index.js';
import { formatShare } from '../quantities.js';

/** What {@link scorePicture} is of: it completes "it is a picture of". */
export const pictureNames: Record<Score['task'], string> = {
  classification: 'confusion',
  tagging: 'precision',
  segmentation: 'segmentation',
};

/**
 * The confusion matrix of a classifier, the average precision of a tagger's classes, or some examples of `dataset` with
 * their true and predicted labels.
 */
export async function scorePicture(
  score: Score,
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  title: string,
): Promise<Figure> {
  if (score.task === 'classification') return confusionPicture(score, title);
  if (score.task === 'tagging') return precisionChart(score, title);
  return segmentationPicture(model, dataset, engine, {
    classNames: score.classes,
    title,
    subtitle: `Mean IoU ${formatShare(score.meanIoU)}, ${formatShare(score.pixelAccuracy)} of the pixels right.`,
  });
}

function precisionChart({ classes, averagePrecision, prevalence, mAP, chance }: TaggingScore, title: string): Figure {
  return barChart({
    title: `${title}: average precision by class`,
    subtitle: `After each bar: the share of the examples that the class applies to, which is chance (${formatShare(chance)} in the mean).`,
    bars: classes
      .map((name, c) => ({ name, value: averagePrecision[c], note: `(${formatShare(prevalence[c])})` }))
      .filter(({ value }) => Number.isFinite(value)),
    references: [{ label: 'mean', value: mAP }],
    max: 1,
    format: formatShare,
  });
}

async function segmentationPicture(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  titles: { classNames: string[]; title: string; subtitle: string },
): Promise<Figure> {
  const { images, shape, truth, prediction, ids } = await segmentExamples(model, dataset, engine);
  const [height, width, channels] = shape;
  const [modality] = model.description.modalities;
  const ofBands = () => {
    const bands = naturalBands(channels);
    const stretch = bandStretch(images, channels, bands);
    const size = height * width * channels;
    return Array.from(ids, (_, i) =>
      bandComposite(images.subarray(i * size, (i + 1) * size), shape, { bands, stretch }),
    );
  };
  return segmentationFigure({
    ...titles,
    ...normalizationOf(model.description, modality.name),
    images: dataset.kind === 'bands' ? ofBands() : images,
    shape,
    truth,
    prediction,
    captions: Array.from(ids, (id) => basename(exampleName(dataset.source, id))),
  });
}
