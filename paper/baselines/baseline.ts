/** The classical baseline of a data set: ridge regression on hand-made features, on the same split. */
import {
  createLoader,
  type Dataset,
  kindOf,
  plainReader,
  type Reader,
  readerWithStatistics,
} from '../../src/data/index.js';
import type { Modality } from '../../src/models/index.js';
import { keyFrom } from '../../src/random/index.js';
import { segmentationMetrics } from '../../src/tasks/metrics/index.js';
import { openSplit, prepareSignals, type Recipe } from '../../src/training/index.js';
import { featureMakers } from './features.js';
import { fitClassifier } from './ridge.js';

/** What the baseline is, what it scores, and what chance would. */
export interface Baseline {
  name: string;
  score: number;
  /** Of always answering the most frequent class of the training data. */
  chance: number;
}

/** Pixels of each label map that a pixel classifier learns from: neighbours tell little new. */
const PIXELS = 300;

/** Scores the baseline of a recipe's data: accuracy, or mean intersection over union where every pixel has a class. */
export async function scoreBaseline(recipe: Recipe): Promise<Baseline> {
  const { dataset, reader: trained } = await prepareSignals(recipe);
  const plain = asSamples(plainReader(trained));
  const raw = readerWithStatistics(
    plain,
    Object.fromEntries(
      kindOf(plain)
        .shapes(plain)
        .map(({ name }) => [name, { mean: [0], std: [1] }]),
    ),
  );
  const held = await openSplit(recipe, 'test');
  return dataset.dense ? pixelBaseline(dataset, held, raw) : wholeBaseline(dataset, held, raw);
}

async function wholeBaseline(train: Dataset, test: Dataset, reader: Reader): Promise<Baseline> {
  const modalities: Modality[] = kindOf(reader).shapes(reader);
  const rate = reader.kind === 'audio' ? reader.rate : reader.kind === 'video' ? (reader.sound?.rate ?? 0) : 0;
  const featuresOf = async (dataset: Dataset) => {
    const rows: Float32Array[] = [];
    const labels: number[] = [];
    await overExamples(dataset, reader, ({ signals, label }) => {
      const parts = modalities.map((m) => featureMakers[m.name].make(signals[m.name], m, rate));
      rows.push(Float32Array.from(parts.flatMap((part) => [...part])));
      labels.push(label);
    });
    return { rows, labels };
  };
  const [known, asked] = [await featuresOf(train), await featuresOf(test)];
  const model = fitClassifier(known.rows, known.labels, train.classes.length);
  const right = asked.rows.filter((row, i) => model.predict(row) === asked.labels[i]).length;
  const frequent = mostFrequent(known.labels, train.classes.length);
  return {
    name: `ridge regression on ${modalities.map((m) => featureMakers[m.name].name).join(' and ')}`,
    score: right / asked.rows.length,
    chance: asked.labels.filter((label) => label === frequent).length / asked.labels.length,
  };
}

/** Sound as the samples that it is, in whatever form a model gets it. */
function asSamples(reader: Reader): Reader {
  const raw = { patch: 1, melBins: 0, mean: [0], std: [1] };
  if (reader.kind === 'audio') return { ...reader, ...raw };
  return reader.kind === 'video' && reader.sound ? { ...reader, sound: { ...reader.sound, ...raw } } : reader;
}

async function pixelBaseline(train: Dataset, test: Dataset, reader: Reader): Promise<Baseline> {
  const [{ name, indexShape, channels }] = kindOf(reader).shapes(reader);
  const [height, width] = indexShape;
  const pixel = (values: Float32Array, i: number) => {
    const [y, x] = [Math.floor(i / width) / height, (i % width) / width];
    const own = values.subarray(i * channels, (i + 1) * channels);
    return Float32Array.from([...own, ...own.map((v) => v * v), y, x, y * y, x * x, x * y]);
  };
  const rows: Float32Array[] = [];
  const labels: number[] = [];
  await overExamples(train, reader, ({ signals, targets }) => {
    const step = Math.max(1, Math.floor(targets.length / PIXELS));
    for (let i = rows.length % step; i < targets.length; i += step) {
      if (targets[i] < 0) continue;
      rows.push(pixel(signals[name], i));
      labels.push(targets[i]);
    }
  });
  const classes = train.classes.length;
  const model = fitClassifier(rows, labels, classes);
  const frequent = mostFrequent(labels, classes);
  // Rows are true classes.
  const found = new Float64Array(classes * classes);
  const always = new Float64Array(classes * classes);
  await overExamples(test, reader, ({ signals, targets }) => {
    for (let i = 0; i < targets.length; i++) {
      if (targets[i] < 0) continue;
      found[targets[i] * classes + model.predict(pixel(signals[name], i))]++;
      always[targets[i] * classes + frequent]++;
    }
  });
  return {
    name: 'ridge regression for each pixel on its values, their squares, and its place',
    score: segmentationMetrics(found).meanIoU,
    chance: segmentationMetrics(always).meanIoU,
  };
}

function mostFrequent(labels: readonly number[], classes: number): number {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]++;
  return counts.indexOf(Math.max(...counts));
}

interface Example {
  signals: Record<string, Float32Array>;
  label: number;
  targets: Int32Array;
}

async function overExamples(dataset: Dataset, reader: Reader, take: (example: Example) => void): Promise<void> {
  const loader = createLoader(dataset, { reader, batchSize: 16, shuffle: false, key: keyFrom(0) });
  try {
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      const { size, signals, labels, targets } = batch;
      for (let i = 0; i < size; i++) {
        const part = <T extends Float32Array | Int32Array>(values: T) =>
          values.subarray((i * values.length) / size, ((i + 1) * values.length) / size) as T;
        take({
          signals: Object.fromEntries(Object.entries(signals).map(([name, values]) => [name, part(values)])),
          label: labels?.[i] ?? -1,
          targets: targets ? part(targets) : new Int32Array(0),
        });
      }
    }
  } finally {
    await loader.close();
  }
}
