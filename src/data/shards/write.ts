/** Writing sets of shards, a whole one at a time, so that an interrupted run goes on after the last. */
import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensure } from '../../errors/index.js';
import { readCard, readJson, type Settings, type SplitCard, writeClasses, writeSplitCard } from './card.js';
import { finishedBytes, memberBytes, ShardFile, writeText } from './shardFile.js';

/** One sample: its key, and the bytes of its parts by extension. */
export interface ShardSample {
  /** Without a dot in its last part; different for each sample. */
  key: string;
  parts: Record<string, Uint8Array>;
}

/** An example that could not be read: it takes its place in the count of examples, and no room. */
export interface UnreadableSample {
  file: string;
  reason: string;
}

/** Samples from the `start`-th example on: a resumed run asks for those that are still missing. */
export type SampleStream = (start: number) => AsyncIterable<ShardSample | UnreadableSample>;

/** How shards are cut and named. */
export interface WriteShardsOptions {
  /** Shards are called `PREFIX-000000.tar`; a split's name (`train`) tells readers the split. Default `data`. */
  prefix?: string;
  /** At most so many samples in a shard. Default: no limit. */
  samplesPerShard?: number;
  /** At most so many bytes in a shard, unless one sample is larger. Default 512 MB. */
  bytesPerShard?: number;
  /** What the samples are (`image`, `audio`, …), for `dataset.json`. */
  kind?: string;
  /** Class names that the numbers in `.cls` stand for, for `classes.txt`. */
  classes?: readonly string[];
  /** Whatever else the bytes depend on: a run resumes only with the same. */
  settings?: Settings;
  /** Ends the run after the shards that are whole. */
  signal?: AbortSignal;
  /** Called after each example, with the number of those done since the first run began. */
  onProgress?(examples: number): void;
}

/** What was written, over all runs. */
export interface WrittenShards {
  shards: string[];
  samples: number;
  bytes: number;
  /** Examples that could not be read. */
  skipped: UnreadableSample[];
  /** Examples that an earlier run had already done. */
  resumedAt: number;
  interrupted: boolean;
}

/** Where a run stands after its last whole shard: `PREFIX.progress.json`, removed at the end. */
interface ProgressFile {
  settings: Settings;
  /** Examples consumed, unreadable ones included. */
  examples: number;
  samples: number;
  shards: number[];
  parts: Record<string, number>;
  skipped: UnreadableSample[];
}

const DEFAULT_BYTES = 512e6;

/**
 * Writes samples as tar shards, `classes.txt` and `dataset.json` into a folder. The same samples and options give the same
 * bytes. Each shard appears when it is whole; a run that ended early goes on after the last one, and one that is done does
 * nothing.
 *
 * @throws HiperceiverError where the folder holds shards of other settings, or cannot be written
 */
export async function writeShards(
  folder: string,
  samples: SampleStream,
  options: WriteShardsOptions = {},
): Promise<WrittenShards> {
  const { prefix = 'data', samplesPerShard = Infinity, bytesPerShard = DEFAULT_BYTES, classes = [], signal } = options;
  ensure(/^[\p{L}\p{N}_-]+$/u.test(prefix), () => `The prefix "${prefix}" must consist of letters, digits, - and _.`);
  ensure(samplesPerShard >= 1, () => `samplesPerShard is ${samplesPerShard}: give a number from 1 up.`);
  ensure(bytesPerShard >= 1, () => `bytesPerShard is ${bytesPerShard}: give a number from 1 up.`);
  const settings: Settings = { ...options.settings };
  if (Number.isFinite(bytesPerShard)) settings.bytesPerShard = bytesPerShard;
  if (Number.isFinite(samplesPerShard)) settings.samplesPerShard = samplesPerShard;

  const progressPath = join(folder, `${prefix}.progress.json`);
  const pathOf = (shard: number) => join(folder, `${prefix}-${String(shard).padStart(6, '0')}.tar`);
  const finished = (await readCard(folder))?.splits[prefix];
  const state = finished ? progressOf(finished) : await resumeAt(progressPath, pathOf(0), settings);
  ensureSame(finished ? join(folder, 'dataset.json') : progressPath, state.settings, settings);
  await ensureShards(state.shards, pathOf);
  const resumedAt = state.examples;
  const result = (interrupted: boolean): WrittenShards => ({
    shards: state.shards.map((_, i) => pathOf(i)),
    samples: state.samples,
    bytes: state.shards.reduce((sum, bytes) => sum + bytes, 0),
    skipped: state.skipped,
    resumedAt,
    interrupted,
  });
  if (finished) return result(false);

  const saveState = () => writeText(progressPath, `${JSON.stringify(state)}\n`);
  await saveState();
  if (classes.length > 0) await writeClasses(folder, classes);

  let shard: ShardFile | undefined;
  // What belongs to the open shard, and counts only when it is whole.
  let open = emptyTally();
  let examples = state.examples;
  const finishShard = async (): Promise<void> => {
    if (shard) {
      await shard.finish();
      state.shards.push(shard.bytes);
    }
    shard = undefined;
    state.examples = examples;
    state.samples += open.samples;
    state.skipped.push(...open.skipped);
    for (const [part, count] of Object.entries(open.parts)) state.parts[part] = (state.parts[part] ?? 0) + count;
    open = emptyTally();
  };

  try {
    for await (const sample of samples(state.examples)) {
      if (signal?.aborted) return result(true);
      if ('reason' in sample) open.skipped.push(sample);
      else {
        const files = membersOf(sample);
        if (
          shard &&
          (open.samples >= samplesPerShard || finishedBytes(shard.bytes + memberBytes(files)) > bytesPerShard)
        ) {
          await finishShard();
          await saveState();
        }
        shard ??= await ShardFile.create(pathOf(state.shards.length));
        await shard.append(files);
        open.samples++;
        for (const part of Object.keys(sample.parts)) open.parts[part] = (open.parts[part] ?? 0) + 1;
      }
      examples++;
      options.onProgress?.(examples);
    }
    if (signal?.aborted) return result(true);
    await finishShard();
  } finally {
    await shard?.discard();
  }
  const { shards, parts, skipped } = state;
  if (shards.length > 0)
    await writeSplitCard(folder, options.kind, prefix, {
      samples: state.samples,
      shards,
      parts,
      skipped: skipped.length,
      settings,
    });
  await rm(progressPath, { force: true });
  return result(false);
}

interface Tally {
  samples: number;
  parts: Record<string, number>;
  skipped: UnreadableSample[];
}

function emptyTally(): Tally {
  return { samples: 0, parts: {}, skipped: [] };
}

function membersOf({ key, parts }: ShardSample): { name: string; content: Uint8Array }[] {
  ensure(
    key.split('/').every((part) => /^[^.\0]/.test(part)) && !/\.[^/]*$/.test(key),
    () =>
      `The key "${key}" cannot be stored: give names, with "/" between folders, none beginning with a dot and none in the last.`,
  );
  for (const extension of Object.keys(parts))
    ensure(
      /^[^/\0]+$/.test(extension),
      () => `The part "${extension}" of "${key}" cannot be stored: give an extension such as jpg.`,
    );
  return Object.entries(parts).map(([extension, content]) => ({ name: `${key}.${extension}`, content }));
}

/** The state of an interrupted run, or of one that begins. */
async function resumeAt(path: string, firstShard: string, settings: Settings): Promise<ProgressFile> {
  const state = (await readJson(path)) as ProgressFile | undefined;
  const isWhole = state && Array.isArray(state.shards) && Array.isArray(state.skipped) && state.examples >= 0;
  ensure(
    !state || isWhole,
    () => `"${path}" is damaged: remove it and the shards beside it, or choose another folder.`,
  );
  ensure(
    state !== undefined || !existsSync(firstShard),
    () => `"${firstShard}" is there already, and nothing tells how it was made: choose another folder.`,
  );
  return state ?? { settings, examples: 0, samples: 0, shards: [], parts: {}, skipped: [] };
}

function progressOf(card: SplitCard): ProgressFile {
  return { ...card, examples: card.samples + card.skipped, skipped: [] };
}

function ensureSame(path: string, standing: Settings, wanted: Settings): void {
  const names = [...new Set([...Object.keys(standing), ...Object.keys(wanted)])];
  const other = names.find((name) => standing[name] !== wanted[name]);
  ensure(
    other === undefined,
    () =>
      `"${path}" was begun with ${other} ${standing[other as string] ?? 'unset'}, and this run has ${wanted[other as string] ?? 'it unset'}: give the same, or choose another folder.`,
  );
}

async function ensureShards(shards: number[], pathOf: (shard: number) => string): Promise<void> {
  for (const [i, bytes] of shards.entries()) {
    const size = (await stat(pathOf(i)).catch(() => undefined))?.size;
    ensure(
      size === bytes,
      () =>
        `"${pathOf(i)}" should have ${bytes} bytes and ${size === undefined ? 'is missing' : `has ${size}`}: choose another folder.`,
    );
  }
}
