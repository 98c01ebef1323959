/** The kinds of signals that can be read. */
import { fold, type Key, keyFrom, permutation } from '../../random/index.js';
import type { StoredExample } from '../source.js';
import { audio } from './audio.js';
import { bands } from './bands.js';
import { image } from './image.js';
import type { ExampleSlots, SignalKind } from './kind.js';
import { points } from './points.js';
import { segmentation } from './segmentation.js';
import { video } from './video.js';

export type { ChannelStatistics, ExampleSlots, SignalKind, SignalShape } from './kind.js';

/** Every kind by name. */
export const kinds = { image, audio, video, points, segmentation, bands };

/** Name of a kind of signal. */
export type KindName = keyof typeof kinds;

type OptionsOf<K> = K extends SignalKind<infer Options> ? Options : never;

/** What a reader of any kind may ask for. */
interface Reordering {
  /**
   * Shuffles the elements of every signal by one permutation, the same for all examples: a model that is told nothing of
   * where an element lies cannot tell the difference.
   */
  permutation?: number;
}

/** How examples are read: the kind of signal and its options. Plain, so that it can be sent to threads and stored. */
export type Reader = { [K in KindName]: { kind: K } & Reordering & OptionsOf<(typeof kinds)[K]> }[KindName];

/** The kind that a reader is of, ready to take its options. */
export function kindOf(reader: { kind: KindName }): SignalKind<Reader> {
  return kinds[reader.kind] as unknown as SignalKind<Reader>;
}

/** Signals that may be shorter in some examples, or missing. */
export function partialSignals(reader: Reader): string[] {
  return kindOf(reader).partial?.(reader) ?? [];
}

/** The reader without anything random: whole or centred views. */
export function plainReader(reader: Reader): Reader {
  return { ...kindOf(reader).plain(reader), ...common(reader) } as Reader;
}

/** The same, but windows are cut from where training cuts them: what statistics are measured on. */
export function windowedReader(reader: Reader): Reader {
  return { ...plainReader(reader), ...kindOf(reader).windows?.(reader) } as Reader;
}

function common({ kind, permutation }: Reader): Pick<Reader, 'kind' | 'permutation'> {
  return permutation === undefined ? { kind } : { kind, permutation };
}

/** The reader with other statistics, by signal. */
export function readerWithStatistics(reader: Reader, statistics: ReturnType<SignalKind<Reader>['statistics']>): Reader {
  return { ...kindOf(reader).withStatistics(reader, statistics), ...common(reader) } as Reader;
}

/** Empty places for `count` examples, and the places of each in them. */
export function exampleSlots(reader: Reader, count: number): { batch: BatchSlots; at(i: number): ExampleSlots } {
  const kind = kindOf(reader);
  const sizes = kind.shapes(reader).map(({ name, indexShape, channels }) => {
    return [name, indexShape.reduce((a, b) => a * b, channels)] as const;
  });
  const targets = kind.targets?.(reader);
  const batch: BatchSlots = {
    signals: Object.fromEntries(sizes.map(([name, size]) => [name, new Float32Array(count * size)])),
    targets: targets === undefined ? undefined : new Int32Array(count * targets),
  };
  return {
    batch,
    at: (i) => ({
      signals: Object.fromEntries(
        sizes.map(([name, size]) => [name, batch.signals[name].subarray(i * size, (i + 1) * size)]),
      ),
      targets: targets === undefined ? undefined : batch.targets?.subarray(i * targets, (i + 1) * targets),
      lengths: {},
    }),
  };
}

/** Values of a batch: `[B, I, C]` by signal, and dense labels `[B, targets]`. */
export interface BatchSlots {
  signals: Record<string, Float32Array>;
  targets?: Int32Array;
}

/** Reads one example into its places: a pure function of its arguments. Throws a short reason where it is damaged. */
export async function readInto(example: StoredExample, reader: Reader, key: Key, slots: ExampleSlots): Promise<void> {
  const kind = kindOf(reader);
  await kind.read(example, reader, key, slots);
  if (reader.permutation === undefined) return;
  for (const { name, channels } of kind.shapes(reader)) permute(slots.signals[name], channels, reader.permutation);
}

/** Brings the elements of `[I, C]` into another order, in place. */
function permute(values: Float32Array, channels: number, seed: number): void {
  const before = values.slice();
  const order = elementOrder(seed, values.length / channels);
  for (let i = 0; i < order.length; i++)
    values.set(before.subarray(order[i] * channels, (order[i] + 1) * channels), i * channels);
}

/** The last order, which every example of a set shares. */
let latest: { seed: number; order: Int32Array } | undefined;

/** What element i of a shuffled signal was before: the order that a reader's `permutation` gives `count` elements. */
export function elementOrder(seed: number, count: number): Int32Array {
  if (latest?.seed !== seed || latest.order.length !== count)
    latest = { seed, order: permutation(fold(keyFrom(seed), 'elements'), count) };
  return latest.order;
}

/** Reads one example by itself. Throws a short reason where it is damaged. */
export async function readExample(example: StoredExample, reader: Reader, key: Key): Promise<ExampleSlots> {
  const slots = exampleSlots(reader, 1).at(0);
  await readInto(example, reader, key, slots);
  return slots;
}
