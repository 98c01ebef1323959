/**
 * Optimised session graphs on disk: a graph that was compiled before is loaded as ONNX Runtime left it then, which saves two
 * thirds of the time that a training step's session takes to make. Node and its CPU provider alone.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { arch, cpus, homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';
import type { InferenceSession } from 'onnxruntime-common';
import { lastToFirst } from './runOrder.js';
import type { OrtModule } from './worker/host.js';

/** Smaller graphs are optimised faster than they are found; larger ones hold weights, and take longer to hash than to optimise. */
const CACHED_BYTES = { least: 1 << 19, most: 1 << 25 };
/** The folder's size in bytes; beyond it, what was not used for longest goes. */
const LARGEST_CACHE = 1 << 29;
/** Temporary files of a process that was killed are removed after so many milliseconds. */
const STALE = 3_600_000;
const DIGEST_BYTES = 32;
/** Of what an entry holds: the optimised graph, its nodes last to first. */
const FORMAT = 2;

/** Where the cache lies and how large it may become. */
export interface SessionCacheOptions {
  /** Default: {@link cacheFolder}; `undefined` there means no cache. */
  folder?: string;
  /** Bytes of all entries together. */
  largest?: number;
  /** Bytes of the smallest model that gets an entry. */
  least?: number;
  /** Version of ONNX Runtime: another one may optimise otherwise. */
  version: string;
}

/**
 * The same runtime, whose CPU sessions begin from a cached graph where there is one. A missing, damaged or unwritable entry
 * costs a new session as without a cache, and never an error.
 */
export function withSessionCache(
  runtime: OrtModule,
  { folder = cacheFolder(), largest = LARGEST_CACHE, least = CACHED_BYTES.least, version }: SessionCacheOptions,
): OrtModule {
  if (folder === undefined) return runtime;
  const plain = (model: Uint8Array, options?: InferenceSession.SessionOptions) =>
    runtime.InferenceSession.create(model, options);
  const create = async (model: Uint8Array, options: InferenceSession.SessionOptions = {}) => {
    if (model.byteLength < least || !isCacheable(model, options)) return plain(model, options);
    const entry = join(folder, `${keyOf(model, options, version)}.onnx`);
    const known = await readEntry(entry);
    if (known) {
      try {
        return await plain(known, { ...options, graphOptimizationLevel: 'disabled' });
      } catch {
        // Written by a build that calls itself the same and is not: made anew below.
      }
    }
    const temporary = join(folder, `${randomBytes(8).toString('hex')}.tmp`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const session = await plain(model, { ...options, optimizedModelFilePath: temporary });
      await keep(temporary, entry, largest).catch(() => rm(temporary, { force: true }).catch(() => undefined));
      return session;
    } catch {
      // A folder that cannot be written; or the model itself is at fault, and its own error follows.
      return plain(model, options);
    }
  };
  return { Tensor: runtime.Tensor, InferenceSession: { create } };
}

/**
 * The user's folder for sessions: `HIP_CACHE` where it is set (`off`: none), else the platform's place for caches
 * (`XDG_CACHE_HOME`, `~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`).
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { HIP_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (HIP_CACHE) return /^(off|0|none|false)$/i.test(HIP_CACHE) ? undefined : resolve(HIP_CACHE);
  const home = homedir();
  const places: Partial<Record<NodeJS.Platform, string>> = {
    darwin: join(home, 'Library', 'Caches'),
    win32: LOCALAPPDATA ?? join(home, 'AppData', 'Local'),
  };
  return join(XDG_CACHE_HOME || places[platform()] || join(home, '.cache'), 'hiperceiver', 'sessions');
}

function isCacheable(model: Uint8Array, options: InferenceSession.SessionOptions): boolean {
  const onCpu = options.executionProviders?.length === 1 && options.executionProviders[0] === 'cpu';
  return onCpu && options.graphOptimizationLevel === 'all' && model.byteLength <= CACHED_BYTES.most;
}

/** What the optimised graph depends on: the model, the runtime, its options, and what the processor can do. */
function keyOf(model: Uint8Array, options: InferenceSession.SessionOptions, version: string): string {
  const { intraOpNumThreads: _, interOpNumThreads: __, ...deciding } = options;
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, version, deciding, processor()]))
    .update(model)
    .digest('hex');
}

let processorName: string | undefined;

function processor(): string {
  processorName ??= [platform(), arch(), cpus()[0]?.model, instructionSets()].join();
  return processorName;
}

/** Linux tells what a virtual machine's processor may do, which its name does not. */
function instructionSets(): string {
  try {
    return /^(?:flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[0] ?? '';
  } catch {
    return '';
  }
}

/** An entry's graph; `undefined` where there is none, or its digest does not fit: ONNX Runtime must not see damaged bytes. */
async function readEntry(entry: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(entry);
    const model = bytes.subarray(DIGEST_BYTES);
    if (!digest(model).equals(bytes.subarray(0, DIGEST_BYTES))) return undefined;
    const now = new Date();
    await utimes(entry, now, now);
    return model;
  } catch {
    return undefined;
  }
}

/** Puts what ONNX Runtime wrote in its place, behind its digest. */
async function keep(temporary: string, entry: string, largest: number): Promise<void> {
  const model = lastToFirst(await readFile(temporary));
  await writeFile(temporary, Buffer.concat([digest(model), model]));
  await rename(temporary, entry);
  await trim(join(entry, '..'), largest);
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Removes the entries that were not used for longest until the rest is small enough, and what killed processes left. */
async function trim(folder: string, largest: number): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
      return { path, size, used: mtimeMs };
    }),
  );
  let total = 0;
  for (const { path, size, used } of files.sort((a, b) => b.used - a.used)) {
    const isEntry = path.endsWith('.onnx');
    if (isEntry) total += size;
    const isStale = path.endsWith('.tmp') && Date.now() - used > STALE;
    if ((isEntry && total > largest) || isStale) await rm(path, { force: true });
  }
}
