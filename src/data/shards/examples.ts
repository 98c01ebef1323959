/** The examples of any data set as samples for shards: bytes as they are stored, or pictures made to fit. */
import { basename, extname } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { fold, keyFrom, permutation } from '../../random/index.js';
import type { Dataset } from '../dataset.js';
import { decodeFailure, decodeImage, imageHeader } from '../decode.js';
import { formatNpy, type NpyData } from '../npy.js';
import { type EncodedSource, encodedBytes, exampleName, type RawImage, type Source, storedImage } from '../source.js';
import { readMember } from './readMember.js';
import { presentPart } from './shardIndex.js';
import type { SampleStream, ShardSample, UnreadableSample } from './write.js';

/** How examples become samples. */
export interface ExampleOptions {
  /** Pictures larger than this on their shorter side are made to have it, as JPEG. Without it bytes stay as they are. */
  imageSize?: number;
  /** JPEG quality of pictures that are made smaller, 1 … 100. Default 90. */
  quality?: number;
  /** Write them in a random order, always the same, for sets that lie sorted by class. Default: as they are stored. */
  shuffle?: boolean;
  /** Examples read and encoded side by side. Never changes the samples. Default 4. */
  workers?: number;
}

/** Pictures, which can be made to fit, and whose damage is found by decoding them. */
const PICTURE = /^(jpe?g|png|webp|gif|tiff?|avif|bmp)$/;
/** To know that a picture can be read to its end it is decoded to this size: JPEG decodes small sizes in less time. */
const CHECKED_SIZE = 32;

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkExampleOptions({ imageSize, quality = 90, workers = 4 }: ExampleOptions): void {
  const isWhole = (value: number) => Number.isInteger(value) && value >= 1;
  ensure(
    imageSize === undefined || isWhole(imageSize),
    () => `imageSize is ${imageSize}: give a whole number of pixels.`,
  );
  ensure(isWhole(quality) && quality <= 100, () => `quality is ${quality}: give a whole number from 1 to 100.`);
  ensure(isWhole(workers), () => `workers is ${workers}: give a whole number from 1 up.`);
}

/**
 * The encoded files of one example by extension, as they are stored. Stored pixels become PNG where PNG can hold them, else
 * npy. Of examples of several files the first keeps its plain extension (`jpg`), others have their part's name in front
 * (`labels.png`).
 * @throws where a file cannot be read
 */
export async function storedParts(source: Source, row: number): Promise<Record<string, Uint8Array>> {
  switch (source.kind) {
    case 'pixels':
      return pixelPart(storedImage(source, row));
    case 'parts': {
      const read = Object.entries(source.parts).map(async ([name, part], i) => {
        const extension = extensionOf(part, row);
        return [i === 0 ? extension : `${name}.${extension}`, await encodedBytes(part, row)] as const;
      });
      return Object.fromEntries(await Promise.all(read));
    }
    case 'files':
    case 'packed':
      return { [extensionOf(source, row)]: await encodedBytes(source, row) };
    case 'shards': {
      const { index, parts } = source;
      const present = Object.values(parts).map((own) => presentPart(index, own, row) as string);
      const read = present.map(async (part) => [part, await readMember(index, part, row)] as const);
      return Object.fromEntries(await Promise.all(read));
    }
    case 'rasters':
      throw new HiperceiverError('tiles of rasters have no encoded bytes');
  }
}

/**
 * The examples of a data set, numbered in the order in which they are written, each as `000123_name.jpg`, with its class in `000123_name.cls` or its tags in
 * `000123_name.json`. Images are decoded once, so that damaged ones are found now and not in training.
 * @throws HiperceiverError for options that make no sense, and for tiles of rasters
 */
export function exampleStream(dataset: Dataset, options: ExampleOptions = {}): SampleStream {
  checkExampleOptions(options);
  const { workers = 4, imageSize, shuffle = false } = options;
  ensure(
    dataset.kind === 'image' || imageSize === undefined,
    () => `"${dataset.path}" holds ${dataset.kind}, and only images can be made smaller: leave imageSize out.`,
  );
  ensure(
    dataset.source.kind !== 'rasters',
    () => `"${dataset.path}" is cut into tiles in memory, where shards gain nothing: train on it as it is.`,
  );
  const order = shuffle ? permutation(fold(keyFrom(0), 'shards'), dataset.size) : undefined;
  return async function* (start) {
    const ahead: Promise<ShardSample | UnreadableSample>[] = [];
    for (let place = start; place < dataset.size || ahead.length > 0; ) {
      while (place < dataset.size && ahead.length < workers) {
        const sample = sampleOf(dataset, order?.[place] ?? place, place, options);
        place++;
        // Whoever takes it gets the failure; nobody may come to take it.
        sample.catch(() => undefined);
        ahead.push(sample);
      }
      yield await (ahead.shift() as Promise<ShardSample | UnreadableSample>);
    }
  };
}

async function sampleOf(
  dataset: Dataset,
  row: number,
  place: number,
  options: ExampleOptions,
): Promise<ShardSample | UnreadableSample> {
  const { kind, source, size, labels } = dataset;
  const file = exampleName(source, row);
  // What was just encoded from stored pixels is whole.
  const arePictures = kind === 'image' && (source.kind !== 'pixels' || options.imageSize !== undefined);
  try {
    const parts: Record<string, Uint8Array> = {};
    for (const [extension, bytes] of Object.entries(await storedParts(source, row))) {
      if (bytes.length === 0) return { file, reason: 'file is empty' };
      const content =
        arePictures && PICTURE.test(extension) ? await fitted(bytes, extension, options) : { extension, bytes };
      parts[content.extension] = content.bytes;
    }
    if (labels) parts['cls'] = Buffer.from(String(labels[row]));
    const tags = tagsOf(dataset, row);
    if (tags) parts['json'] = Buffer.from(JSON.stringify({ labels: tags }));
    const digits = Math.max(6, String(size - 1).length);
    const stem = source.kind === 'pixels' ? '' : `_${nameInKey(file)}`;
    return { key: String(place).padStart(digits, '0') + stem, parts };
  } catch (error) {
    return { file, reason: decodeFailure(error) };
  }
}

/** The names of the classes that apply to an example, where several may. */
function tagsOf({ tags, classes }: Dataset, row: number): string[] | undefined {
  return tags && classes.filter((_, i) => tags[row * classes.length + i] !== 0);
}

/** The picture as it is, checked; or smaller, its shorter side `imageSize`, orientation applied, without transparency. */
async function fitted(
  bytes: Uint8Array,
  extension: string,
  { imageSize, quality = 90 }: ExampleOptions,
): Promise<{ extension: string; bytes: Uint8Array }> {
  const whole = (height: number, width: number) => ({ top: 0, left: 0, height, width });
  if (imageSize !== undefined) {
    const { height, width } = await imageHeader(bytes);
    const scale = imageSize / Math.min(height, width);
    if (scale < 1) {
      const image = await decodeImage(bytes, [Math.round(height * scale), Math.round(width * scale)], whole);
      return { extension: 'jpg', bytes: await raw(image).jpeg({ quality }).toBuffer() };
    }
  }
  await decodeImage(bytes, [CHECKED_SIZE, CHECKED_SIZE], whole);
  return { extension, bytes };
}

async function pixelPart(image: RawImage): Promise<Record<string, Uint8Array>> {
  const { data, height, width, channels } = image;
  if (data instanceof Uint8Array && channels <= 4) return { png: await raw(image).png().toBuffer() };
  return { npy: formatNpy({ shape: [height, width, channels], data: data as NpyData }) };
}

function raw({ data, height, width, channels }: RawImage): Sharp {
  // A copy: native code does not take shared memory.
  const image = sharp(Uint8Array.from(data), { raw: { height, width, channels: channels as 1 | 2 | 3 | 4 } });
  return channels <= 2 ? image.toColourspace('b-w') : image;
}

function extensionOf({ files }: EncodedSource, row: number): string {
  return extname(files[row]).slice(1).toLowerCase() || 'bin';
}

/** A file's name without endings, as far as it is harmless in any file system. */
function nameInKey(name: string): string {
  const stem = basename(name.slice(name.lastIndexOf(':') + 1)).replace(/\..*$/, '');
  return stem.replace(/[^\p{L}\p{N}_-]+/gu, '_').slice(0, 60);
}
