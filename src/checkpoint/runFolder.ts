/** The checkpoints of a run: `checkpoints/step-00001200` and so on, named so that they sort by step. */

import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ensure, HiperceiverError } from '../errors/index.js';
import { removeAbandoned } from './atomic.js';
import { readError } from './ioErrors.js';
import { readJson } from './jsonFile.js';
import { readSafetensorsHeader } from './safetensors.js';
import { checkWeights, weightsFile } from './weights.js';

const CHECKPOINTS = 'checkpoints';
/** A checkpoint; the second form is one that was being replaced when the process died (see `standingFolder`). */
const CHECKPOINT_NAME = /^(?:step-(\d+)|\.step-(\d+)\.replaced)$/;

/** Where the checkpoint of a step belongs: `<run>/checkpoints/step-00001200`. */
export function checkpointPath(runFolder: string, step: number): string {
  ensure(Number.isSafeInteger(step) && step >= 0, () => `A checkpoint needs a step of 0 or more, not ${step}.`);
  return join(checkpointsFolder(runFolder), `step-${String(step).padStart(8, '0')}`);
}

/** Whether a folder is that of a run, or a run's `checkpoints` itself. */
export function isRunFolder(folder: string): boolean {
  return existsSync(checkpointsFolder(folder));
}

/**
 * The folder of the newest complete checkpoint, or undefined where there is none. Temporaries are ignored; a damaged
 * checkpoint is passed over in favour of the one before.
 * @param options.onDamaged hears of each checkpoint that is passed over; a process warning by default.
 */
export async function latestCheckpoint(
  runFolder: string,
  options: { onDamaged?: (folder: string, reason: string) => void } = {},
): Promise<string | undefined> {
  const onDamaged = options.onDamaged ?? ((_, reason) => process.emitWarning(`A checkpoint is skipped: ${reason}`));
  for (const folder of await checkpointsNewestFirst(runFolder)) {
    const damage = await findDamage(folder);
    if (damage === undefined) return folder;
    onDamaged(folder, damage);
  }
  return undefined;
}

/**
 * Removes all checkpoints older than the newest `keep` complete ones, and temporaries left by processes that died.
 * @throws HiperceiverError unless `keep` is at least 1.
 */
export async function pruneCheckpoints(runFolder: string, keep: number): Promise<void> {
  ensure(Number.isSafeInteger(keep) && keep >= 1, () => `At least one checkpoint must be kept, not ${keep}.`);
  let kept = 0;
  for (const folder of await checkpointsNewestFirst(runFolder)) {
    if (kept >= keep) await rm(folder, { recursive: true, force: true });
    else if ((await findDamage(folder)) === undefined) kept++;
  }
  if (isRunFolder(runFolder)) await removeAbandoned(checkpointsFolder(runFolder));
}

function checkpointsFolder(runFolder: string): string {
  return basename(resolve(runFolder)) === CHECKPOINTS ? runFolder : join(runFolder, CHECKPOINTS);
}

async function checkpointsNewestFirst(runFolder: string): Promise<string[]> {
  if (!isRunFolder(runFolder)) return [];
  const folder = checkpointsFolder(runFolder);
  const entries = await readdir(folder).catch((error) => {
    throw readError(error, folder);
  });
  const found = entries.flatMap((name) => {
    const match = CHECKPOINT_NAME.exec(name);
    return match
      ? [{ path: join(folder, name), step: Number(match[1] ?? match[2]), replaced: match[2] !== undefined }]
      : [];
  });
  // At the same step the replacement comes before the replaced.
  found.sort((a, b) => b.step - a.step || Number(a.replaced) - Number(b.replaced));
  return found.map(({ path }) => path);
}

/** Why a checkpoint cannot be used, or undefined where its files are whole by their own headers and lengths. */
async function findDamage(folder: string): Promise<string | undefined> {
  try {
    for (const name of await readdir(folder)) {
      if (name.endsWith('.safetensors')) await readSafetensorsHeader(join(folder, name));
      else if (name.endsWith('.json')) await readJson(join(folder, name));
    }
    ensure(existsSync(join(folder, 'config.json')), () => `${folder} lacks config.json.`);
    await checkWeights(weightsFile(folder));
    return undefined;
  } catch (error) {
    const refusal = readError(error, folder);
    if (refusal instanceof HiperceiverError) return refusal.message;
    throw error;
  }
}
