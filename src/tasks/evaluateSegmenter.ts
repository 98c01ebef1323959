/** How well the regions of a segmentation overlap with the true ones. */
import { createLoader, type Dataset, spreadSample } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { keyFrom } from '../random/index.js';
import { readerOf } from '../training/signals.js';
import type { TrainedModel } from './loadModel.js';
import { confusionMatrix, type SegmentationMetrics, segmentationMetrics } from './metrics/index.js';
import { overBatches, Runner } from './runner.js';
import { agreedClasses, type ScoredData } from './score.js';
import { segmentedModality, segmentLabels, VOID_LABEL } from './segmentation.js';
import type { Watch } from './watch.js';

/** How well a model segments a data set. */
export interface SegmentationScore extends ScoredData, SegmentationMetrics {
  task: 'segmentation';
  /** Pixels, `[classes, classes]`: rows are true classes; void ones are left out. */
  confusion: Float64Array;
  /** What calling every pixel the most frequent class of this very data set would score. */
  majority: { name: string; pixelAccuracy: number; meanIoU: number };
}

/** Mean intersection over union and pixel accuracy over all pixels of a data set that have a class. */
export async function evaluateSegmenter(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize = 8,
  watch?: Watch,
): Promise<SegmentationScore> {
  const classes = agreedClasses(model, dataset, 'segmentation');
  const confusion = new Float64Array(classes.length ** 2);
  let size = 0;
  const leftOut = await overBatches(
    model,
    dataset,
    engine,
    batchSize,
    (scope, inputs) => ({ labels: segmentLabels(model.description, scope, inputs) }),
    ({ targets, size: count }, { labels }) => {
      confusionMatrix(labels, targets!, classes.length, { ignoreIndex: VOID_LABEL, into: confusion });
      size += count;
    },
    watch,
  );
  return {
    task: 'segmentation',
    kind: dataset.kind,
    classes,
    size,
    ...leftOut,
    confusion,
    majority: majorityOf(confusion, classes),
    ...segmentationMetrics(confusion),
  };
}

/** Scores of the constant prediction of the most frequent class. */
function majorityOf(confusion: Float64Array, classes: string[]): SegmentationScore['majority'] {
  const count = classes.length;
  const pixels = classes.map((_, c) => confusion.subarray(c * count, (c + 1) * count).reduce((a, b) => a + b, 0));
  const most = pixels.indexOf(Math.max(...pixels));
  const constant = new Float64Array(count * count);
  for (const [c, n] of pixels.entries()) constant[c * count + most] = n;
  const { pixelAccuracy, meanIoU } = segmentationMetrics(constant);
  return { name: classes[most], pixelAccuracy, meanIoU };
}

/** Some examples with their true and predicted labels, to be looked at. */
export interface SegmentedExamples {
  /** Normalised, `[B, I, C]`. */
  images: Float32Array;
  /** `[height, width, channels]` */
  shape: [number, number, number];
  /** `[B, I]`, -1 = void. */
  truth?: Int32Array;
  prediction: Float32Array;
  ids: Int32Array;
}

/** Segments up to `count` examples that are spread over a data set; with their true labels where it has them. */
export async function segmentExamples(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  count = 6,
): Promise<SegmentedExamples> {
  const { description } = model;
  const shown = spreadSample(dataset, count);
  const runner = await Runner.create(engine, model, shown.size, (scope, inputs) => ({
    labels: segmentLabels(description, scope, inputs),
  }));
  const reader = readerOf(description);
  const loader = createLoader(shown, { reader, batchSize: shown.size, shuffle: false, key: keyFrom(0) });
  try {
    const batch = await loader.next();
    ensure(batch, () => `None of the examples of ${dataset.path} can be read: check the files.`);
    const { labels } = await runner.run(batch);
    const { name, indexShape, channels } = segmentedModality(description);
    const [height, width] = indexShape;
    return {
      images: batch.signals[name],
      shape: [height, width, channels],
      truth: batch.targets,
      prediction: labels,
      ids: batch.ids,
    };
  } finally {
    await loader.close();
    await runner.dispose();
  }
}
