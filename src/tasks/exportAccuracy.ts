/** What an exported file costs in accuracy: the model and the file side by side on real examples. */
import {
  createLoader,
  type Dataset,
  kindOf,
  type Reader,
  readerWithStatistics,
  type SkippedFile,
} from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { optimize, type Values } from '../graph/index.js';
import { PARAMETER } from '../nn/index.js';
import { keyFrom } from '../random/index.js';
import { validityFeeds } from '../training/description.js';
import { readerOf } from '../training/signals.js';
import { type ExportGraphOptions, exportGraph } from './exportGraph.js';
import { exampleFeeds, typedFeeds } from './exportProof.js';
import type { LoadedModel } from './loadModel.js';
import { topKAccuracy } from './metrics/index.js';
import { OnnxFile } from './onnxFile.js';
import { compileModel } from './runner.js';
import type { Watch } from './watch.js';

/** How the file's results differ from the model's own: logits, features or reconstructions. */
export interface ExportAccuracy {
  images: number;
  /** Shares of the images whose largest logit is the true class; where the images carry the model's classes. */
  top1?: { model: number; file: number };
  /** Share of the images that both put into the same class. */
  agreement?: number;
  /** Root of the summed squared differences over the root of the summed squares. */
  relativeError: number;
  /** Mean over the images of the cosine between both results. */
  cosine: number;
  largestDifference: number;
  skipped: readonly SkippedFile[];
}

/** Runs the model in fp32 and the exported file on every image of `dataset`. `options` are those of the export. */
export async function exportAccuracy(
  model: LoadedModel,
  path: string,
  engine: Engine,
  dataset: Dataset,
  options: Omit<ExportGraphOptions, 'masking'> = {},
  watch?: Watch,
): Promise<ExportAccuracy> {
  const { description } = model;
  const { batchSize = 1 } = options;
  const exported = exportGraph(description, { ...options, masking: model.recipe?.masking });
  const graph = optimize(exported.graph);
  const inputs = [...graph.inputs].filter(([name]) => !name.startsWith(PARAMETER));
  const results = { classify: 'logits', segment: 'logits', features: 'features', reconstruct: 'reconstruction' };
  const [result] = [...graph.outputs.keys()].filter((name) => name.startsWith(results[exported.task]));
  const loader = createLoader(dataset, {
    reader: options.embedNormalization ? unnormalized(readerOf(description)) : readerOf(description),
    batchSize,
    shuffle: false,
    key: keyFrom(0),
  });
  const program = await compileModel(engine, graph, model);
  const sums = new Comparison();
  const outputs: [Float32Array[], Float32Array[]] = [[], []];
  const labels: number[] = [];
  try {
    await using file = await OnnxFile.open(path);
    const feeds: Record<string, Values> = exampleFeeds(inputs, exported);
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      const told = validityFeeds(description, batchSize, batch.lengths).feeds;
      for (const [name, values] of Object.entries({ ...batch.signals, ...told }))
        if (feeds[name]) (feeds[name] as Float32Array).fill(0).set(values);
      const both = await Promise.all([program.run(feeds), file.run(typedFeeds(inputs, feeds))]);
      const [own, theirs] = both.map((outcome) => outcome[result] as Float32Array);
      const width = own.length / batchSize;
      for (let i = 0; i < batch.size; i++) {
        const rows = [own, theirs].map((values) => values.slice(i * width, (i + 1) * width));
        sums.add(rows[0], rows[1]);
        if (exported.task === 'classify') rows.forEach((row, k) => outputs[k].push(row));
      }
      labels.push(...(batch.labels ?? []));
      watch?.(`${kindOf(dataset).noun}s compared`, sums.images, dataset.size);
    }
  } finally {
    await loader.close();
    await program.dispose();
  }
  const accuracy = { ...sums.summary(), skipped: loader.skipped };
  // Several tags may apply, so that the largest logit says nothing.
  if (exported.task !== 'classify' || description.task === 'tagging') return accuracy;
  const [own, theirs] = outputs.map(joined);
  const share = (logits: Float32Array, classes: number[]) => topKAccuracy(logits, Int32Array.from(classes), 1);
  const isLabelled = dataset.labels && dataset.classes.join() === description.classes!.join();
  return {
    ...accuracy,
    ...(isLabelled ? { top1: { model: share(own, labels), file: share(theirs, labels) } } : {}),
    agreement: share(theirs, outputs[0].map(largest)),
  };
}

/** The reader without mean and deviation, for a file that takes values as they are read. */
function unnormalized(reader: Reader): Reader {
  const none = { mean: [0], std: [1] };
  const names = kindOf(reader)
    .shapes(reader)
    .map(({ name }) => [name, none]);
  return readerWithStatistics(reader, Object.fromEntries(names));
}

/** Gathers how far two results are apart, image by image. */
class Comparison {
  images = 0;
  private squares = 0;
  private squaredDifferences = 0;
  private cosines = 0;
  private largestDifference = 0;

  add(expected: Float32Array, found: Float32Array): void {
    let [ee, ff, ef, dd] = [0, 0, 0, 0];
    for (let i = 0; i < expected.length; i++) {
      const difference = found[i] - expected[i];
      ee += expected[i] ** 2;
      ff += found[i] ** 2;
      ef += expected[i] * found[i];
      dd += difference ** 2;
      this.largestDifference = Math.max(this.largestDifference, Math.abs(difference));
    }
    this.images++;
    this.squares += ee;
    this.squaredDifferences += dd;
    this.cosines += ee * ff > 0 ? ef / Math.sqrt(ee * ff) : Number(ee === ff);
  }

  summary(): Pick<ExportAccuracy, 'images' | 'relativeError' | 'cosine' | 'largestDifference'> {
    const { images, squares, squaredDifferences, cosines, largestDifference } = this;
    return {
      images,
      relativeError: squaredDifferences === 0 ? 0 : Math.sqrt(squaredDifferences / squares),
      cosine: cosines / images,
      largestDifference,
    };
  }
}

function largest(row: Float32Array): number {
  return row.indexOf(Math.max(...row));
}

function joined(rows: Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * width);
  rows.forEach((row, i) => all.set(row, i * width));
  return all;
}
