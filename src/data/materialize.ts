/** A whole data set in memory, for probes, nearest neighbours and baselines on raw pixels. */
import { ensure } from '../errors/index.js';
import { keyFrom } from '../random/index.js';
import type { Dataset } from './dataset.js';
import { kindOf, type Reader } from './kinds/index.js';
import { createLoader, type SkippedFile } from './loader.js';

/** Examples as they are in memory, in stored order. */
export interface Materialized {
  /** Examples that could be read. */
  size: number;
  /** `[N, I * C]` of each signal, side by side. */
  values: Float32Array;
  labels?: Int32Array;
  /** Rows of the data set. */
  ids: Int32Array;
  skipped: readonly SkippedFile[];
}

/** More bytes than this belong into batches. */
const LARGEST = 4 * 2 ** 30;

/**
 * Every example once, in stored order, with its signals side by side.
 * @throws HiperceiverError where the result would exceed 4 GiB
 */
export async function materialize(
  dataset: Dataset,
  { reader, workers }: { reader: Reader; workers?: number },
): Promise<Materialized> {
  const shapes = kindOf(reader).shapes(reader);
  const lengths = shapes.map(({ indexShape, channels }) => indexShape.reduce((a, b) => a * b, channels));
  const length = lengths.reduce((a, b) => a + b);
  ensure(
    dataset.size * length * 4 <= LARGEST,
    () =>
      `${dataset.size} examples of ${length} values do not fit in 4 GiB: open the set with a limit of ${Math.floor(LARGEST / length / 4)}.`,
  );
  const values = new Float32Array(dataset.size * length);
  const ids = new Int32Array(dataset.size);
  const loader = createLoader(dataset, {
    reader,
    workers,
    batchSize: Math.min(64, dataset.size),
    shuffle: false,
    key: keyFrom(0),
  });
  let size = 0;
  try {
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      ids.set(batch.ids, size);
      for (let i = 0; i < batch.size; i++, size++) {
        let at = size * length;
        for (const [s, { name }] of shapes.entries()) {
          values.set(batch.signals[name].subarray(i * lengths[s], (i + 1) * lengths[s]), at);
          at += lengths[s];
        }
      }
    }
  } finally {
    await loader.close();
  }
  const { labels } = dataset;
  const kept = ids.subarray(0, size);
  return {
    size,
    values: values.subarray(0, size * length),
    ids: kept,
    labels: labels && Int32Array.from(kept, (row) => labels[row]),
    skipped: loader.skipped,
  };
}
