/** Retrieval between modalities: whether what is heard finds what was seen at the same time, and the other way round. */
import type { Dataset, KindName, SkippedFile } from '../data/index.js';
import { createLoader, kindOf } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { keyFrom } from '../random/index.js';
import { readerOf } from '../training/signals.js';
import { features } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { type RetrievalMetrics, retrievalMetrics } from './metrics/index.js';
import { Runner } from './runner.js';
import type { Watch } from './watch.js';

/** How well the examples of one modality find their counterparts of another. */
export interface RetrievalScore {
  kind: KindName;
  /** Every ordered pair of modalities: by `query`, among `gallery`. */
  directions: ({ query: string; gallery: string } & Pick<RetrievalMetrics, 'recall' | 'medianRank'>)[];
  /** Recall of a random order, for each number of answers. */
  chance: Record<number, number>;
  /** Examples that have all modalities. */
  size: number;
  skipped: readonly SkippedFile[];
}

/** Numbers of answers among which the counterpart is looked for. */
const ANSWERS = [1, 5, 10];

/**
 * Embeds each modality of every example alone, the others missing, and looks for each embedding's own counterpart among all
 * by cosine. The mean of a modality over the set is taken off first: it tells modalities apart, not examples.
 * @throws HiperceiverError where the model has a single modality, or no example has all of them
 */
export async function evaluateRetrieval(
  model: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize = 16,
  watch?: Watch,
): Promise<RetrievalScore> {
  const names = model.description.modalities.map(({ name }) => name);
  ensure(
    names.length > 1,
    () =>
      `${model.path} has the modality ${names[0]} alone: retrieval needs a model of two, such as video with its sound.`,
  );
  const { embeddings, size, skipped } = await embedModalities(model, dataset, engine, batchSize, watch);
  ensure(size > 0, () => `No example of ${dataset.path} has all of ${names.join(', ')}: give others with --data.`);
  const directions = names.flatMap((query) =>
    names
      .filter((gallery) => gallery !== query)
      .map((gallery) => {
        const found = retrievalMetrics(embeddings[query], embeddings[gallery], size, ANSWERS);
        return { query, gallery, recall: found.recall, medianRank: found.medianRank };
      }),
  );
  const chance = Object.fromEntries(ANSWERS.map((k) => [k, Math.min(1, k / size)]));
  return { kind: dataset.kind, directions, chance, size, skipped };
}

/** Centred unit embeddings `[N, D]` by modality, of the examples that have all of them. */
async function embedModalities(
  { path, description, parameters }: TrainedModel,
  dataset: Dataset,
  engine: Engine,
  batchSize: number,
  watch?: Watch,
): Promise<{ embeddings: Record<string, Float32Array>; size: number; skipped: readonly SkippedFile[] }> {
  const names = description.modalities.map(({ name }) => name);
  // Any of them may be missing here, whatever may in the data.
  const model = { path, parameters, description: { ...description, partial: names } };
  const runner = await Runner.create(engine, model, batchSize, (scope, inputs) => ({
    features: features(model.description, scope, inputs),
  }));
  const reader = readerOf(description);
  const loader = createLoader(dataset, { reader, batchSize, shuffle: false, key: keyFrom(0) });
  const rows: Record<string, Float32Array[]> = Object.fromEntries(names.map((name) => [name, []]));
  let done = 0;
  try {
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      const { size, lengths = {} } = batch;
      const complete = Array.from({ length: size }, (_, i) => i).filter((i) =>
        names.every((name) => (lengths[name]?.[i] ?? 1) > 0),
      );
      for (const name of names) {
        const missing = names.filter((other) => other !== name).map((other) => [other, new Int32Array(size)] as const);
        const own = { ...lengths, ...Object.fromEntries(missing) };
        const { features: found } = await runner.run({ ...batch, lengths: own });
        const dim = found.length / size;
        for (const i of complete) rows[name].push(found.slice(i * dim, (i + 1) * dim));
      }
      done += size;
      watch?.(`${kindOf(dataset).noun}s of ${dataset.split}`, done, dataset.size);
    }
  } finally {
    await loader.close();
    await runner.dispose();
  }
  const embeddings = Object.fromEntries(names.map((name) => [name, centredUnits(rows[name])]));
  return { embeddings, size: rows[names[0]].length, skipped: loader.skipped };
}

/** Rows less their mean, each of length 1, side by side. */
export function centredUnits(rows: readonly Float32Array[]): Float32Array {
  const dim = rows[0]?.length ?? 0;
  const mean = new Float64Array(dim);
  for (const row of rows) for (let d = 0; d < dim; d++) mean[d] += row[d] / rows.length;
  const out = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    const centred = row.map((value, d) => value - mean[d]);
    const length = Math.hypot(...centred) || 1;
    out.set(
      centred.map((value) => value / length),
      i * dim,
    );
  });
  return out;
}
