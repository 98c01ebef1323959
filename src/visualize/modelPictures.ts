/** Pictures of a trained model and its run: what `hip` draws after training, as library functions. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createLoader, type Dataset, exampleName, spreadSample } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure, HiperceiverError, unknownName } from '../errors/index.js';
import { keyFrom } from '../random/index.js';
import type { ClassificationScore, TrainedModel } from '../tasks/index.js';
import { reconstruct } from '../tasks/index.js';
import { imageInput, isPositionTable, normalizationOf, type Recipe, readerOf, readMetrics } from '../training/index.js';
import { confusionFigure } from './confusion.js';
import { type LineChartOptions, lineChart, type Series } from './lineChart.js';
import { type Locality, locality } from './locality.js';
import { positionsFigure } from './positions.js';
import { reconstructionFigure } from './reconstruction.js';
import type { Figure } from './svg.js';

/** The learned position table of the model's image input, `[H * W, E]`, and its grid. Throws where positions are not learned. */
export function imagePositions(model: TrainedModel): { table: Float32Array; shape: [height: number, width: number] } {
  const { name, height, width } = imageInput(model.description);
  for (const [parameter, table] of model.parameters) {
    if (isPositionTable(parameter) && parameter.includes(`pos_emb_mae_${name}/`))
      return { table, shape: [height, width] };
  }
  throw new HiperceiverError(
    `${model.path} has no learned positions (model.positions is "${model.description.config.positions}"): draw a model that was trained with learned ones.`,
  );
}

/** Share of embedding-space neighbours that are neighbours in the image, beside chance: the 5 x 5 square around a position. */
export function imageLocality(model: TrainedModel): Locality {
  const { table, shape } = imagePositions(model);
  return locality(table, shape);
}

/** The position table as colours and as similarity maps, with its locality score. */
export function positionsPicture(model: TrainedModel, found?: Locality): Figure {
  const { table, shape } = imagePositions(model);
  return positionsFigure(table, shape, { found });
}

/** Pixels of the images that are reconstructed at a time: eight images of 512x512, one of 2048x2048. */
const SHOWN_PIXELS = 2 ** 21;

/** Input | visible | reconstruction | difference for images spread over a data set. */
export async function reconstructionPicture(
  model: TrainedModel,
  dataset: Dataset,
  masking: Recipe['masking'],
  engine: Engine,
  options: { count?: number; seed?: number } = {},
): Promise<{ figure: Figure; loss: number }> {
  const { name, height, width, channels } = imageInput(model.description);
  const { count = Math.min(8, Math.max(1, Math.floor(SHOWN_PIXELS / (height * width)))), seed = 0 } = options;
  const shown = spreadSample(dataset, count);
  const loader = createLoader(shown, {
    reader: readerOf(model.description),
    batchSize: shown.size,
    shuffle: false,
    key: keyFrom(seed),
  });
  const batch = await loader.next();
  await loader.close();
  ensure(batch, () => `${dataset.path} has no readable image.`);
  const { reconstruction, mask, loss } = await reconstruct(
    model,
    batch.signals[name],
    batch.size,
    masking,
    keyFrom(seed),
    engine,
  );
  const figure = reconstructionFigure({
    ...normalizationOf(model.description, name),
    input: batch.signals[name],
    mask,
    reconstruction,
    shape: [height, width, channels],
    captions: [...batch.ids].map((id, i) =>
      batch.labels ? dataset.classes[batch.labels[i]] : basename(exampleName(shown.source, id)),
    ),
    title: 'Reconstruction of masked images',
    subtitle: `${Math.round(percentMasked(mask))} % of the pixels masked, scheme "${masking.scheme}"`,
    maxSamples: count,
  });
  return { figure, loss };
}

function percentMasked(mask: Float32Array): number {
  return (100 * mask.reduce((a, b) => a + b, 0)) / mask.length;
}

/** The confusion matrix of a score. */
export function confusionPicture({ confusion, classes }: ClassificationScore, title: string): Figure {
  return confusionFigure({ counts: confusion, classNames: classes, title });
}

/** One metric of several runs over their steps; a run is the folder that holds `metrics.jsonl`. */
export async function curvesPicture(
  runs: Record<string, string>,
  metric: string,
  options: Omit<LineChartOptions, 'series'> = {},
): Promise<Figure> {
  const series: Series[] = [];
  const logged = new Set<string>();
  for (const [name, folder] of Object.entries(runs)) {
    const path = join(folder, 'metrics.jsonl');
    ensure(existsSync(path), () => `${folder} holds no metrics.jsonl: name the folder of a run.`);
    const records = await readMetrics(path);
    for (const name of records.flatMap(Object.keys)) if (name !== 'step' && name !== 'wallTime') logged.add(name);
    const points = records.filter((record) => typeof record[metric] === 'number');
    if (points.length > 0)
      series.push({ name, x: points.map((r) => r.step), y: points.map((r) => r[metric] as number), smooth: 0.05 });
  }
  ensure(logged.size > 0, () => `${Object.values(runs).join(', ')} logged nothing yet: wait for its first steps.`);
  if (series.length === 0) throw unknownName(`metric of ${Object.values(runs).join(', ')}`, metric, logged);
  return lineChart({ xLabel: 'step', yLabel: metric, ...options, series });
}
