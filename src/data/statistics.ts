/** What a data set's images are like, from a sample: sizes, channel means and deviations, and defaults that follow from them. */
import { HiperceiverError } from '../errors/index.js';
import { fold, keyFrom, subset } from '../random/index.js';
import type { Dataset } from './dataset.js';
import { decodeFailure, decodeImage, imageHeader } from './decode.js';
import { kindOf, type Reader, readExample, readerWithStatistics, windowedReader } from './kinds/index.js';
import type { ChannelStatistics } from './kinds/kind.js';
import { encodedParts, exampleName, type ImageShape, type RawImage, storedExample, storedImage } from './source.js';
import { type TransformOptions, writeInput } from './transform.js';

export type { ChannelStatistics };

/** Means and deviations of ImageNet's training images, which most published models of photographs are trained with. */
export const IMAGENET_STATISTICS: ChannelStatistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Images up to this size are taken for small ones (digits, CIFAR), larger ones for photographs. */
const SMALL = 96;
/** Photographs are measured at this size, which changes their mean not at all and their deviation by a few hundredths. */
const MEASURED = 128;
/** Pixels that are enough to know both to a few hundredths: those of 128 photographs. A run starts a second earlier. */
const ENOUGH_PIXELS = 128 * MEASURED ** 2;
/** Images decoded side by side. */
const LANES = 8;
/** A channel that never changes still needs a divisor. */
const LEAST_STD = 1e-3;

/**
 * Channel statistics over all pixels of up to `sample` images, fewer where they are large; the same ones at each call.
 * Unreadable files do not count.
 * @throws HiperceiverError where none of the sample can be read
 */
export async function channelStatistics(
  dataset: Dataset,
  sample = 512,
  channels = dataset.uniformShape?.channels ?? 3,
): Promise<ChannelStatistics> {
  const moments = new Moments(channels);
  await overSample(
    dataset,
    sample,
    async (row) => pixelsOf(await measuredImage(dataset, row), channels),
    (values) => {
      moments.add(values);
      return moments.count >= ENOUGH_PIXELS;
    },
  );
  return moments.statistics();
}

/** An image's values in 0 … 1, `[H * W, C]`. */
function pixelsOf(image: RawImage, channels: number): Float32Array {
  const { height, width } = image;
  const values = new Float32Array(height * width * channels);
  const asStored = { imageSize: [height, width], channels, mean: [0], std: [1], crop: 'none', flip: false } as const;
  writeInput(image, { shiftY: 0, shiftX: 0, flip: false }, asStored, values, 0);
  return values;
}

/** The shape of every image where all are alike (from the layout, or from a sample of files), else undefined. */
export async function commonShape(dataset: Dataset, sample = 32): Promise<ImageShape | undefined> {
  if (dataset.uniformShape) return dataset.uniformShape;
  const { source } = dataset;
  if (source.kind === 'pixels') return source.shape;
  if (source.kind === 'rasters') return undefined;
  const seen = new Map<string, ImageShape>();
  await overSample(
    dataset,
    sample,
    async (row) => imageHeader(await firstFile(source, row)),
    ({ height, width, channels }) => {
      const size = `${height}x${width}`;
      seen.set(size, { height, width, channels: Math.max(channels, seen.get(size)?.channels ?? 1) });
      return false;
    },
  );
  return seen.size === 1 ? [...seen.values()][0] : undefined;
}

/**
 * A sound way of feeding this data set, to be overridden at will. Small colour images: own size, pad-and-crop and mirroring;
 * small grey ones (digits, letters: not the same when mirrored): as they are; photographs: 224 x 224, random resized crops
 * of 20 … 100 % of the area and mirroring, ImageNet's statistics. Without `training` nothing is random.
 */
export async function defaultTransform(dataset: Dataset, { training = true } = {}): Promise<TransformOptions> {
  const shape = await commonShape(dataset);
  if (shape && Math.max(shape.height, shape.width) <= SMALL) {
    const { height, width, channels } = shape;
    const colour = channels >= 3;
    const statistics = await channelStatistics(dataset, 512, channels);
    return {
      imageSize: [height, width],
      channels,
      crop: training && colour ? 'random' : 'none',
      flip: training && colour,
      ...statistics,
    };
  }
  return {
    imageSize: [224, 224],
    channels: 3,
    crop: training ? 'randomResized' : 'center',
    cropScale: [0.2, 1],
    flip: training,
    ...IMAGENET_STATISTICS,
  };
}

/** The encoded image of an example; label maps come after it. */
async function firstFile(source: Parameters<typeof encodedParts>[0], row: number): Promise<Uint8Array> {
  return (await encodedParts(source, row, 'image')).image;
}

async function measuredImage({ source }: Dataset, row: number): Promise<RawImage> {
  if (source.kind === 'pixels') return storedImage(source, row);
  if (source.kind === 'rasters') throw new HiperceiverError('Tiles of rasters are no images: read them as bands.');
  const bytes = await firstFile(source, row);
  const { height, width } = await imageHeader(bytes);
  const size = [Math.min(height, MEASURED), Math.min(width, MEASURED)] as const;
  return decodeImage(bytes, size, (h, w) => ({ top: 0, left: 0, height: h, width: w }));
}

/**
 * Measures a fixed random sample of rows, several at a time, and takes the results in turn until `take` says that it has
 * enough: what is taken does not depend on who is ready first. What cannot be read is left out.
 */
async function overSample<T>(
  dataset: Dataset,
  sample: number,
  measure: (row: number) => Promise<T>,
  take: (result: T) => boolean,
): Promise<void> {
  const rows = subset(keyFrom(0), dataset.size, Math.min(sample, dataset.size));
  let taken = 0;
  let first: string | undefined;
  let enough = false;
  for (let start = 0; start < rows.length && !enough; start += LANES) {
    const lanes = Array.from(rows.subarray(start, start + LANES), async (row) => {
      try {
        return { result: await measure(row) };
      } catch (error) {
        if (error instanceof HiperceiverError) throw error;
        first ??= `"${exampleName(dataset.source, row)}": ${decodeFailure(error)}`;
        return undefined;
      }
    });
    for (const measured of await Promise.all(lanes)) {
      if (!measured || enough) continue;
      taken++;
      enough = take(measured.result);
    }
    // Stored pixels are measured without ever waiting: others must have their turn.
    await new Promise((resume) => setImmediate(resume));
  }
  if (taken === 0)
    throw new HiperceiverError(
      `None of ${rows.length} images of "${dataset.path}" can be read (first: ${first}): check the files.`,
    );
}

/** Examples that are enough to know the statistics of a signal to a few hundredths, and values that are. */
const ENOUGH_EXAMPLES = 128;

/**
 * Channel statistics of every signal that a reader makes, over up to 128 examples; elements that are no real ones do not
 * count. Long recordings and videos are measured where training cuts its windows. In the units that the values have before
 * they are normalised.
 * @throws HiperceiverError where none of the sample can be read
 */
export async function signalStatistics(dataset: Dataset, reader: Reader): Promise<Record<string, ChannelStatistics>> {
  const shapes = kindOf(reader).shapes(reader);
  const [part] = Object.keys(kindOf(reader).parts);
  const raw = readerWithStatistics(
    windowedReader(reader),
    Object.fromEntries(shapes.map(({ name }) => [name, { mean: [0], std: [1] }])),
  );
  const moments = new Map(shapes.map(({ name, channels }) => [name, new Moments(channels)]));
  await overSample(
    dataset,
    ENOUGH_EXAMPLES,
    async (row) => readExample(await storedExample(dataset.source, row, part), raw, fold(keyFrom(0), row)),
    ({ signals, lengths }) => {
      for (const { name, channels } of shapes) {
        const real = lengths[name] === undefined ? signals[name] : signals[name].subarray(0, lengths[name] * channels);
        moments.get(name)?.add(real);
      }
      return [...moments.values()].every((own) => own.count >= ENOUGH_PIXELS);
    },
  );
  return Object.fromEntries(Array.from(moments, ([name, own]) => [name, own.statistics()]));
}

/** Running sums of channels. */
class Moments {
  count = 0;
  private readonly sum: Float64Array;
  private readonly squares: Float64Array;

  constructor(private readonly channels: number) {
    this.sum = new Float64Array(channels);
    this.squares = new Float64Array(channels);
  }

  /** Takes values `[N, C]`. */
  add(values: Float32Array): void {
    for (let c = 0; c < this.channels; c++) {
      for (let at = c; at < values.length; at += this.channels) {
        this.sum[c] += values[at];
        this.squares[c] += values[at] * values[at];
      }
    }
    this.count += values.length / this.channels;
  }

  statistics(): ChannelStatistics {
    const count = Math.max(1, this.count);
    const mean = Array.from(this.sum, (total) => total / count);
    const std = Array.from(this.squares, (total, c) =>
      Math.max(LEAST_STD, Math.sqrt(Math.max(0, total / count - mean[c] ** 2))),
    );
    return { mean, std };
  }
}
