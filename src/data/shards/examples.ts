/** The examples of any data set as samples for shards: bytes as they are stored, or made smaller. */
import { basename, extname } from 'node:path';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { fold, keyFrom, permutation } from '../../random/index.js';
import type { Dataset } from '../dataset.js';
import { decodeFailure } from '../decode.js';
import { formatNpy, type NpyData } from '../npy.js';
import { type EncodedSource, encodedBytes, exampleName, type RawImage, type Source, storedImage } from '../source.js';
import { readMember } from './readMember.js';
import { presentPart } from './shardIndex.js';
import { asksForLess, checkSmaller, encodable, type SmallerOptions, smaller } from './smaller.js';
import type { SampleStream, ShardSample, UnreadableSample } from './write.js';

/** How examples become samples. */
export interface ExampleOptions extends SmallerOptions {
  /** Write them in a random order, always the same, for sets that lie sorted by class. Default: as they are stored. */
  shuffle?: boolean;
  /** Examples read and encoded side by side. Never changes the samples. Default 4. */
  workers?: number;
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
  const { workers = 4, shuffle = false } = options;
  checkSmaller(dataset.kind, dataset.path, options);
  ensure(Number.isInteger(workers) && workers >= 1, () => `workers is ${workers}: give a whole number from 1 up.`);
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
  const { kind, source, size, labels, dense } = dataset;
  const file = exampleName(source, row);
  // Images are decoded in any case: damage is found now. What was just encoded from stored pixels is whole.
  const looked = asksForLess(kind, options) || (kind === 'image' && source.kind !== 'pixels');
  try {
    const stored = await storedParts(source, row);
    for (const bytes of Object.values(stored)) if (bytes.length === 0) return { file, reason: 'file is empty' };
    const isPixels = Object.hasOwn(stored, 'npy') && kind === 'image';
    const parts = looked && !isPixels ? await smaller(kind, stored, options, { colors: dense?.colors }) : { ...stored };
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

async function pixelPart(image: RawImage): Promise<Record<string, Uint8Array>> {
  const { data, height, width, channels } = image;
  if (data instanceof Uint8Array && channels <= 4) return { png: await encodable(image).png().toBuffer() };
  return { npy: formatNpy({ shape: [height, width, channels], data: data as NpyData }) };
}

function extensionOf({ files }: EncodedSource, row: number): string {
  return extname(files[row]).slice(1).toLowerCase() || 'bin';
}

/** A file's name without endings, as far as it is harmless in any file system. */
function nameInKey(name: string): string {
  const stem = basename(name.slice(name.lastIndexOf(':') + 1)).replace(/\..*$/, '');
  return stem.replace(/[^\p{L}\p{N}_-]+/gu, '_').slice(0, 60);
}
