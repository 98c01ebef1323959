/** One batch from a step's number: read, decode, augment, normalise. Runs in worker threads and, for small data, without. */
import { fold, type Key, uniform } from '../random/index.js';
import { decodeFailure } from './decode.js';
import { type BatchSlots, type ExampleSlots, exampleSlots, kindOf, type Reader, readInto } from './kinds/index.js';
import { createOrder, type OrderOptions } from './order.js';
import { type Source, sourceSize, storedExample } from './source.js';

/** All that a batch depends on besides the data: plain values, sent to worker threads as they are. */
export interface AssemblyOptions extends OrderOptions {
  reader: Reader;
}

/** A batch before labels and names are added. */
export interface AssembledBatch extends BatchSlots {
  /** By signal: how many elements of each example are real, where some have fewer than all. */
  lengths: Record<string, Int32Array>;
  /** The row that each example came from. */
  ids: Int32Array;
  /** Rows that could not be read, with the reason. */
  skipped: { row: number; reason: string }[];
  /** Rows of which a part could not be used, with what. */
  flawed: { row: number; reason: string }[];
}

/** Unreadable neighbours that one example may meet before its place stays empty. */
const ATTEMPTS = 32;
/** Examples decoded at the same time: reading overlaps with decoding in native threads. */
const LANES = 4;
/** The time in milliseconds after which the calling thread gets a turn, within a batch or over several. */
const LONGEST_TURN = 3;

/**
 * Batches by step: a pure function of the options, the step and the files. In training an unreadable example is replaced
 * by one that its key and row determine; in a single pass it is left out, so that nothing is counted twice.
 */
export function createAssembler(
  source: Source,
  options: AssemblyOptions,
): (step: number) => Promise<AssembledBatch | undefined> {
  const size = sourceSize(source);
  const order = createOrder(size, options);
  let turn = performance.now();

  return async (step) => {
    const wanted = order(step);
    if (!wanted) return undefined;
    const { rows, epochs } = wanted;
    const { batch, at } = exampleSlots(options.reader, rows.length);
    const ids = new Int32Array(rows.length).fill(-1);
    const lengths: ExampleSlots['lengths'][] = Array.from(rows, () => ({}));
    const skipped: AssembledBatch['skipped'][] = Array.from(rows, () => []);
    const flaws: (string | undefined)[] = [];

    async function place(i: number): Promise<void> {
      for (let attempt = 0; attempt < (options.shuffle ? ATTEMPTS : 1); attempt++) {
        const row = attempt === 0 ? rows[i] : replacement(options.key, rows[i], attempt, size);
        const slots = at(i);
        // What a damaged example wrote before it failed must not shine through.
        if (attempt > 0) for (const values of Object.values(slots.signals)) values.fill(0);
        const reason = await readRow(source, row, options.reader, fold(options.key, 'augment', epochs[i], row), slots);
        if (reason === undefined) {
          ids[i] = row;
          lengths[i] = slots.lengths;
          flaws[i] = slots.flaw;
          return;
        }
        skipped[i].push({ row, reason });
      }
    }

    let next = 0;
    async function lane(): Promise<void> {
      while (next < rows.length) {
        await place(next++);
        if (performance.now() - turn > LONGEST_TURN) {
          await new Promise((resume) => setImmediate(resume));
          turn = performance.now();
        }
      }
    }
    await Promise.all(Array.from({ length: isDecoded(source) ? 1 : LANES }, lane));
    return withoutGaps({
      ...batch,
      ids,
      lengths: lengthsBySignal(options.reader, lengths),
      skipped: skipped.flat(),
      flawed: Array.from(flaws, (reason, i) => ({ row: ids[i], reason })).filter(isFlaw),
    });
  };
}

function isFlaw(found: { row: number; reason?: string }): found is AssembledBatch['flawed'][number] {
  return found.reason !== undefined;
}

/** Reads one example into its places; returns why it could not be read, or undefined. */
async function readRow(
  source: Source,
  row: number,
  reader: Reader,
  key: Key,
  slots: ExampleSlots,
): Promise<string | undefined> {
  try {
    const example = await storedExample(source, row, Object.keys(kindOf(reader).parts)[0]);
    await readInto(example, reader, key, slots);
    return undefined;
  } catch (error) {
    // What is decoded already needs no reading: what fails there is a mistake, not a damaged file.
    if (isDecoded(source)) throw error;
    return decodeFailure(error);
  }
}

function isDecoded({ kind }: Source): boolean {
  return kind === 'pixels' || kind === 'rasters';
}

function replacement(key: Key, row: number, attempt: number, size: number): number {
  return Math.floor(uniform(fold(key, 'replacement', row, attempt), 1)[0] * size);
}

/** The lengths of signals of which some example has fewer elements than the signal. */
function lengthsBySignal(reader: Reader, lengths: ExampleSlots['lengths'][]): Record<string, Int32Array> {
  const found: Record<string, Int32Array> = {};
  for (const { name, indexShape } of kindOf(reader).shapes(reader)) {
    if (!lengths.some((own) => own[name] !== undefined)) continue;
    const all = indexShape.reduce((a, b) => a * b, 1);
    found[name] = Int32Array.from(lengths, (own) => own[name] ?? all);
  }
  return found;
}

/** Closes the gaps of examples that could not be read. */
function withoutGaps(batch: AssembledBatch): AssembledBatch {
  const { ids, signals, targets, lengths } = batch;
  if (!ids.includes(-1)) return batch;
  const kept = Array.from(ids.keys()).filter((i) => ids[i] >= 0);
  const dense = <T extends Float32Array | Int32Array>(values: T): T => {
    const length = values.length / ids.length;
    const out = values.slice(0, kept.length * length) as T;
    for (const [to, from] of kept.entries()) out.set(values.subarray(from * length, (from + 1) * length), to * length);
    return out;
  };
  const each = <T extends Float32Array | Int32Array>(record: Record<string, T>) =>
    Object.fromEntries(Object.entries(record).map(([name, values]) => [name, dense(values)]));
  return {
    ...batch,
    signals: each(signals),
    lengths: each(lengths),
    targets: targets && dense(targets),
    ids: Int32Array.from(kept, (i) => ids[i]),
  };
}
