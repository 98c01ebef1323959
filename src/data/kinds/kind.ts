/** What the house needs to know of a kind of signal: what its files are called, what a model sees of them, how they are read. */
import type { Key } from '../../random/index.js';
import type { StoredExample } from '../source.js';

/** A signal of an example, as a model sees it: `[I, C]`, I the product of the index shape. */
export interface SignalShape {
  name: string;
  /** [height, width], [samples], [frames, height, width], [points]. */
  indexShape: number[];
  channels: number;
}

/** Mean and standard deviation of each channel, in the units that a kind's values have before they are normalised. */
export interface ChannelStatistics {
  mean: number[];
  std: number[];
}

/** Where an example's values go: views into the batch. */
export interface ExampleSlots {
  /** By signal, `[I, C]`; zero before. */
  signals: Record<string, Float32Array>;
  /** Dense labels `[targets]`, where the kind has them; -1 = void. */
  targets?: Int32Array;
  /** Elements that are real, by signal, where fewer than all: 0 says that the signal is missing. */
  lengths: Record<string, number>;
  /** What of the example could not be used, in words, where that is a part of it. */
  flaw?: string;
}

/** A kind of signal. Its options are plain, for they travel to decoding threads. */
export interface SignalKind<Options> {
  /** Parts of an example and the endings of their files; the first part is what folders are searched for. */
  parts: Record<string, RegExp>;
  /** What one example is called in a message: "image". */
  noun: string;
  /** What a model sees, in order. */
  shapes(options: Options): SignalShape[];
  /** Dense labels of an example, where the options ask for them. */
  targets?(options: Options): number | undefined;
  /** Signals that may be shorter in some examples, or missing. */
  partial?(options: Options): string[];
  /** @throws HiperceiverError naming the option that makes no sense */
  check(options: Options): void;
  /** The same without anything random. */
  plain(options: Options): Options;
  /** What the plain options have to take over from these so that windows are cut from where training cuts them. */
  windows?(options: Options): Partial<Options>;
  /** The statistics that are subtracted and divided by. */
  statistics(options: Options): Record<string, ChannelStatistics>;
  /** The same with other statistics, by signal. */
  withStatistics(options: Options, statistics: Record<string, ChannelStatistics>): Options;
  /** Reads one example into its places: a pure function of its arguments. Throws a short reason where it is damaged. */
  read(example: StoredExample, options: Options, key: Key, slots: ExampleSlots): Promise<void>;
}
