/** What the first examples of a data set are like, for sizes that a user leaves open. */
import { HiperceiverError } from '../errors/index.js';
import { keyFrom, subset } from '../random/index.js';
import { decodeSound } from './audio/index.js';
import { type BandStack, decodeBands } from './bands/index.js';
import type { Dataset } from './dataset.js';
import { decodeFailure } from './decode.js';
import { kindOf } from './kinds/index.js';
import { mediaHeader } from './media/index.js';
import { decodePoints, pointCount } from './points/index.js';
import { exampleName, type StoredExample, storedExample } from './source.js';
import { isStoredClip, storedClipHeader } from './video/index.js';

/** What is told of one example, by what is asked. */
interface Told {
  sound: { rate: number; channels: number; seconds: number };
  /** A rate of 0: no sound. */
  video: { rate: number };
  points: { count: number; channels: number };
  raster: Pick<BandStack, 'bands' | 'dates' | 'height' | 'width'>;
}

const tellers: { [Q in keyof Told]: { sample: number; tell(example: StoredExample): Promise<Told[Q]> } } = {
  sound: {
    sample: 100,
    async tell({ parts }) {
      const { rate, channels, samples } = await decodeSound(parts?.audio as Uint8Array);
      return { rate, channels, seconds: samples.length / channels / rate };
    },
  },
  video: {
    sample: 4,
    async tell({ parts }) {
      const bytes = parts?.video as Uint8Array;
      const { soundRate = 0 } = isStoredClip(bytes) ? storedClipHeader(bytes) : await mediaHeader(bytes);
      return { rate: soundRate };
    },
  },
  points: {
    sample: 1,
    async tell({ parts }) {
      const set = await decodePoints(parts?.points as Uint8Array, 'points');
      return { count: pointCount(set), channels: set.channels };
    },
  },
  raster: {
    sample: 1,
    tell: async ({ raster, parts }) => raster?.stack ?? decodeBands(parts?.bands as Uint8Array, 'raster'),
  },
};

/** Unreadable examples that are passed over before the set is given up. */
const PATIENCE = 32;

/**
 * Looks at a few examples, the same ones at each call; what cannot be read is passed over.
 * @returns at least one answer
 * @throws HiperceiverError where none of the first examples can be read
 */
export async function sampleOf<Q extends keyof Told>(dataset: Dataset, question: Q): Promise<Told[Q][]> {
  const { sample, tell } = tellers[question];
  const [part] = Object.keys(kindOf(dataset).parts);
  const told: Told[Q][] = [];
  let failure: string | undefined;
  let tried = 0;
  for (const row of subset(keyFrom(0), dataset.size, Math.min(dataset.size, sample + PATIENCE))) {
    if (told.length === sample) break;
    tried++;
    try {
      told.push(await tell(await storedExample(dataset.source, row, part)));
    } catch (error) {
      if (error instanceof HiperceiverError && /needs the package/.test(error.message)) throw error;
      failure ??= `"${exampleName(dataset.source, row)}": ${decodeFailure(error)}`;
    }
  }
  if (told.length > 0) return told;
  throw new HiperceiverError(
    `None of ${tried} ${kindOf(dataset).noun}s of "${dataset.path}" can be read (first: ${failure}): check the files.`,
  );
}
