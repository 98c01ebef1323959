/** A whole data set in memory, for probes, nearest neighbours and baselines on raw pixels. */
import { ensure } from '../errors/index.js';
import { keyFrom } from '../random/index.js';
import type { ImageDataset } from './dataset.js';
import { createLoader, type SkippedFile } from './loader.js';
import type { TransformOptions } from './transform.js';

/** Images as they are in memory, in stored order. */
export interface MaterializedImages {
  /** Images that could be read. */
  size: number;
  /** `[N, H * W, C]` */
  images: Float32Array;
  labels?: Int32Array;
  /** Rows of the data set. */
  ids: Int32Array;
  skipped: readonly SkippedFile[];
}

/** More bytes than this belong into batches. */
const LARGEST = 4 * 2 ** 30;

/**
 * Every image once, in stored order.
 * @throws HiperceiverError where the result would exceed 4 GiB
 */
export async function materialize(
  dataset: ImageDataset,
  options: TransformOptions & { workers?: number },
): Promise<MaterializedImages> {
  const length = options.imageSize[0] * options.imageSize[1] * options.channels;
  ensure(
    dataset.size * length * 4 <= LARGEST,
    () =>
      `${dataset.size} images of ${options.imageSize.join(' x ')} x ${options.channels} do not fit in 4 GiB: open the set with a limit of ${Math.floor(LARGEST / length / 4)}.`,
  );
  const images = new Float32Array(dataset.size * length);
  const ids = new Int32Array(dataset.size);
  const loader = createLoader(dataset, {
    ...options,
    batchSize: Math.min(64, dataset.size),
    shuffle: false,
    key: keyFrom(0),
  });
  let size = 0;
  try {
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      images.set(batch.signals.image, size * length);
      ids.set(batch.ids, size);
      size += batch.size;
    }
  } finally {
    await loader.close();
  }
  const { labels } = dataset;
  const kept = ids.subarray(0, size);
  return {
    size,
    images: images.subarray(0, size * length),
    ids: kept,
    labels: labels && Int32Array.from(kept, (row) => labels[row]),
    skipped: loader.skipped,
  };
}
