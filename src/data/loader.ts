/** Batches for training and evaluation, made ahead of need. */
import { availableParallelism } from 'node:os';
import { ensure, HiperceiverError } from '../errors/index.js';
import type { Key } from '../random/index.js';
import { type AssembledBatch, type AssemblyOptions, createAssembler } from './assemble.js';
import { type Dataset, selectTags } from './dataset.js';
import { kindOf, type Reader } from './kinds/index.js';
import { stepsPerEpoch } from './order.js';
import { createPool } from './pool.js';
import { exampleName } from './source.js';
import { channelRule } from './transform.js';

/** Examples as a model takes them. */
export interface Batch {
  /** Examples in this batch: `batchSize`, or fewer at the end of a single pass and where files could not be read. */
  size: number;
  /** Rows of the data set. */
  ids: Int32Array;
  /** By modality `[B, I, C]`: `image` is `[B, H * W, C]`, row-major, channel last. */
  signals: Record<string, Float32Array>;
  /** By modality: how many elements of each example are real, 0 where it is missing; absent where all are. */
  lengths?: Record<string, Int32Array>;
  /** Class index of each example. */
  labels?: Int32Array;
  /** What applies to each example, `[B, classes]` of 0 and 1. */
  tags?: Float32Array;
  /** Dense labels `[B, targets]`; -1 = void. */
  targets?: Int32Array;
}

/** What batches are made of, in which order, and where. */
export interface LoaderOptions {
  /** How examples are read. */
  reader: Reader;
  batchSize: number;
  /** Endless and in a new order each epoch (training), or one pass in stored order (evaluation). */
  shuffle: boolean;
  /** Determines order and augmentation. */
  key: Key;
  /** Leave out the examples at an epoch's end that do not fill a batch. Default: shuffled batches run on into the next epoch. */
  dropLast?: boolean;
  /** Decoding threads. Default: none for small images in memory, else one per spare core up to 4. Never changes the batches. */
  workers?: number;
  /** Batches made ahead. Default: one more than there are workers. */
  prefetch?: number;
  /** The first step to deliver: where a resumed run goes on. */
  startStep?: number;
}

/** A file that was left out because it could not be read, or of which a part was. */
export interface SkippedFile {
  file: string;
  reason: string;
}

/** What was left out of a data set so far, each file once. */
export interface LeftOut {
  /** Files that could not be read. */
  skipped: readonly SkippedFile[];
  /** Files that were read, but for what is said of each. */
  flawed: readonly SkippedFile[];
}

/** Batches, one after the other. */
export interface Loader extends Readonly<LeftOut> {
  /**
   * The next batch; undefined after the end of a single pass or after `close`.
   * @throws HiperceiverError where most files cannot be read or a decoding thread failed
   */
  next(): Promise<Batch | undefined>;
  /** Steps in which every example is seen once. */
  readonly stepsPerEpoch: number;
  /** Seconds that `next` has kept its callers waiting. */
  readonly waitSeconds: number;
  /** Ends the decoding threads; `next` gives nothing from then on. */
  close(): Promise<void>;
}

/** Numbers per image up to which stored pixels are transformed on the calling thread: cheaper than sending them. */
const INLINE_LENGTH = 96 * 96 * 3;
/** Distinct images to have tried before half of them being unreadable ends the run. */
const TELLING_SAMPLE = 64;

/**
 * Starts making batches of a data set.
 * @throws HiperceiverError where an option makes no sense or the images cannot get the wanted number of channels
 */
export function createLoader(dataset: Dataset, options: LoaderOptions): Loader {
  checkOptions(dataset, options);
  const { source, labels, tags, classes } = dataset;
  const assembly = assemblyOptions(options);
  const workers = options.workers ?? defaultWorkers(dataset, options);
  const pool = workers > 0 ? createPool(workers, source, assembly) : undefined;
  const assemble = pool ? pool.assemble : createAssembler(source, assembly);
  const ahead = options.prefetch ?? workers + 1;

  const queue: Promise<AssembledBatch | undefined>[] = [];
  const failures = new Map<number, string>();
  const flaws = new Map<number, string>();
  const tried = new Uint8Array(dataset.size);
  let triedCount = 0;
  let nextStep = options.startStep ?? 0;
  let waitSeconds = 0;
  let closed = false;

  function fill(count: number): void {
    while (queue.length < count) {
      const batch = assemble(nextStep++);
      // A failure is reported to the caller who asks for this batch, not to the process.
      batch.catch(() => undefined);
      queue.push(batch);
    }
  }

  function account({ ids, skipped, flawed }: AssembledBatch): void {
    for (const row of [...ids, ...skipped.map((skip) => skip.row)]) {
      if (tried[row] === 0) triedCount++;
      tried[row] = 1;
    }
    for (const { row, reason } of skipped) if (!failures.has(row)) failures.set(row, reason);
    for (const { row, reason } of flawed) if (!flaws.has(row)) flaws.set(row, reason);
    // Shuffled batches are a fair sample; a pass in stored order may well begin with its one bad folder.
    const judged = options.shuffle ? triedCount : dataset.size;
    const all = failures.size === judged && judged >= Math.min(dataset.size, TELLING_SAMPLE);
    const most = judged >= TELLING_SAMPLE && failures.size > judged / 2;
    if (!all && !most) return;
    const [[row, reason]] = failures;
    throw new HiperceiverError(
      `${failures.size} of ${triedCount} ${kindOf(dataset).noun}s tried of "${dataset.path}" cannot be read (first: "${exampleName(source, row)}": ${reason}): check the files.`,
    );
  }

  async function nextAssembled(): Promise<AssembledBatch | undefined> {
    for (;;) {
      fill(1);
      const batch = await queue.shift();
      if (closed || !batch) return undefined;
      fill(ahead);
      account(batch);
      if (batch.ids.length > 0) return batch;
    }
  }

  function named(reasons: Map<number, string>): SkippedFile[] {
    return Array.from(reasons, ([row, reason]) => ({ file: exampleName(source, row), reason }));
  }

  // Threads begin at once; on the calling thread nothing happens before somebody asks.
  if (pool) fill(ahead);

  return {
    stepsPerEpoch: stepsPerEpoch(dataset.size, assembly),
    get waitSeconds() {
      return waitSeconds;
    },
    get skipped() {
      return named(failures);
    },
    get flawed() {
      return named(flaws);
    },
    async next() {
      if (closed) return undefined;
      const asked = performance.now();
      const batch = await nextAssembled();
      waitSeconds += (performance.now() - asked) / 1000;
      if (!batch) return undefined;
      const { ids, signals, targets, lengths } = batch;
      return {
        size: ids.length,
        ids,
        signals,
        targets,
        lengths,
        labels: labels && Int32Array.from(ids, (row) => labels[row]),
        tags: tags && Float32Array.from(selectTags(tags, ids, classes.length)),
      };
    },
    async close() {
      closed = true;
      queue.length = 0;
      await pool?.close();
    },
  };
}

function checkOptions(dataset: Dataset, options: LoaderOptions): void {
  const { batchSize, workers = 0, prefetch = 1, startStep = 0 } = options;
  ensure(Number.isInteger(batchSize) && batchSize > 0, () => `batchSize is ${batchSize}: give a whole number above 0.`);
  for (const [name, value] of Object.entries({ workers, prefetch, startStep })) {
    ensure(Number.isInteger(value) && value >= 0, () => `${name} is ${value}: give a whole number from 0 up.`);
  }
  ensure(
    !options.dropLast || batchSize <= dataset.size,
    () =>
      `batchSize ${batchSize} is larger than the ${dataset.size} examples of "${dataset.path}" (split ${dataset.split}): choose at most ${dataset.size}, or dropLast: false.`,
  );
  const { reader } = options;
  ensure(
    reader.kind === dataset.kind,
    () =>
      `"${dataset.path}" holds ${kindOf(dataset).noun}s, and the reader is for ${kindOf(reader).noun}s: choose alike.`,
  );
  kindOf(reader).check(reader);
  if (reader.kind !== 'image') return;
  if (dataset.uniformShape) channelRule(dataset.uniformShape.channels, reader.channels, dataset.path);
  else
    ensure(
      reader.channels === 1 || reader.channels === 3,
      () =>
        `channels is ${reader.channels}, and images of "${dataset.path}" are decoded to 1 (grey) or 3 (colour): choose one of the two.`,
    );
}

/** Only what determines the batches: functions and foreign fields would not survive the way to a thread. */
function assemblyOptions(options: LoaderOptions): AssemblyOptions {
  const { batchSize, shuffle, dropLast, key, reader } = options;
  return { batchSize, shuffle, dropLast, key, reader };
}

function defaultWorkers(dataset: Dataset, { reader }: LoaderOptions): number {
  const stored = dataset.uniformShape;
  const largest = Math.max(
    ...kindOf(reader)
      .shapes(reader)
      .map(({ indexShape, channels }) => indexShape.reduce((a, b) => a * b, channels)),
    stored ? stored.height * stored.width * stored.channels : Infinity,
  );
  return largest <= INLINE_LENGTH ? 0 : Math.max(1, Math.min(4, availableParallelism() - 1));
}
