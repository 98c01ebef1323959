/** A training checkpoint: a folder in the Hugging Face layout that holds all that is needed to go on. */

import { existsSync, statSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensure, HiperceiverError } from '../errors/index.js';
import { standingFolder, writeFolderAtomic } from './atomic.js';
import { encodeJson, readJson } from './jsonFile.js';
import { isRunFolder, latestCheckpoint } from './runFolder.js';
import { readSafetensors, streamSafetensors } from './safetensors.js';
import type { LazyTensor, StoredTensor } from './storedTensor.js';
import { checkWeights, holdsWeights, readWeights, WEIGHTS_FILE, weightsFile } from './weights.js';

/** All that a checkpoint can hold. */
export interface Checkpoint<T extends StoredTensor | LazyTensor = StoredTensor> {
  /** `config.json`: model type, architecture, recipe. */
  config: Record<string, unknown>;
  /** `model.safetensors`: encoder, decoder, heads, under the reference's names. */
  parameters: Map<string, T>;
  /** `optimizer.safetensors`: moments and the like. */
  optimizer?: Map<string, T>;
  /** `ema.safetensors`: the exponential moving average of the parameters. */
  ema?: Map<string, T>;
  /** `trainer.json`: step, seed, position in the data order. */
  trainer?: Record<string, unknown>;
}

/** The parts that can be left out when a checkpoint is loaded; `config` always comes. */
export type CheckpointPart = 'parameters' | 'optimizer' | 'ema' | 'trainer';

const CONFIG_FILE = 'config.json';
const OPTIMIZER_FILE = 'optimizer.safetensors';
const EMA_FILE = 'ema.safetensors';
const TRAINER_FILE = 'trainer.json';

/** The Hugging Face libraries refuse a safetensors file that does not say for which framework's layout it was made. */
const METADATA = { format: 'pt' };

/**
 * Writes a checkpoint folder, in place of one that may be there; float bits are kept exactly.
 * @throws HiperceiverError where it cannot be written; what was saved before is then untouched.
 */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint<StoredTensor | LazyTensor>): Promise<void> {
  const { config, parameters, optimizer, ema, trainer } = checkpoint;
  await writeFolderAtomic(folder, async (temporary) => {
    // Errors name the final path: the temporary one is gone when they are read.
    const json = (name: string, value: Record<string, unknown>) =>
      writeFile(join(temporary, name), encodeJson(join(folder, name), value));
    const safetensors = async (name: string, tensors: Map<string, StoredTensor | LazyTensor>) => {
      const handle = await open(join(temporary, name), 'wx');
      try {
        await streamSafetensors(handle, join(folder, name), tensors, METADATA);
      } finally {
        await handle.close();
      }
    };
    await json(CONFIG_FILE, config);
    await safetensors(WEIGHTS_FILE, parameters);
    if (optimizer) await safetensors(OPTIMIZER_FILE, optimizer);
    if (ema) await safetensors(EMA_FILE, ema);
    if (trainer) await json(TRAINER_FILE, trainer);
  });
}

/**
 * Loads a checkpoint from any of: its folder (also one downloaded from the Hugging Face hub, sharded or not), a run's
 * folder (its newest complete checkpoint), or a single `.safetensors` file, or `.index.json` of shards, beside
 * `config.json`: then its parameters alone.
 * @param options.parts what to load beside `config`, all by default. Parameters that are left out are an empty map; a
 *   part that the checkpoint does not have is undefined.
 * @throws HiperceiverError that names the file where something is missing, foreign, cut off or empty.
 */
export async function loadCheckpoint(
  folderOrFile: string,
  options: { parts?: readonly CheckpointPart[] } = {},
): Promise<Checkpoint> {
  const { folder, weights, isSingleFile } = await locate(folderOrFile);
  const wants = (part: CheckpointPart) => options.parts?.includes(part) ?? true;
  // The weights come first: of an empty or foreign file the user should hear that, and not that config.json is missing.
  if (!wants('parameters')) await checkWeights(weights);
  const parameters = wants('parameters') ? await readWeights(weights) : new Map<string, StoredTensor>();
  const configPath = join(folder, CONFIG_FILE);
  ensure(existsSync(configPath), () => `${folder} is no checkpoint: config.json, which names the model, is missing.`);
  const checkpoint: Checkpoint = { config: await readJson(configPath), parameters };
  if (isSingleFile) return checkpoint;
  const part = (name: string) => (existsSync(join(folder, name)) ? join(folder, name) : undefined);
  const optimizer = wants('optimizer') && part(OPTIMIZER_FILE);
  if (optimizer) checkpoint.optimizer = (await readSafetensors(optimizer)).tensors;
  const ema = wants('ema') && part(EMA_FILE);
  if (ema) checkpoint.ema = (await readSafetensors(ema)).tensors;
  const trainer = wants('trainer') && part(TRAINER_FILE);
  if (trainer) checkpoint.trainer = await readJson(trainer);
  return checkpoint;
}

/** The folder of the checkpoint that a user's path means, and the file of its parameters. */
async function locate(path: string): Promise<{ folder: string; weights: string; isSingleFile: boolean }> {
  const standing = standingFolder(path);
  ensure(
    existsSync(standing),
    () => `${path} does not exist: name a checkpoint folder, a run folder or a .safetensors file.`,
  );
  if (!statSync(standing).isDirectory()) return { folder: dirname(path), weights: path, isSingleFile: true };
  const inFolder = (folder: string) => ({ folder, weights: weightsFile(folder), isSingleFile: false });
  if (holdsWeights(standing) || !isRunFolder(standing)) return inFolder(standing);
  const damaged: string[] = [];
  const latest = await latestCheckpoint(standing, { onDamaged: (_, reason) => damaged.push(reason) });
  if (latest === undefined) {
    const reason = damaged.length > 0 ? `the newest is unusable: ${damaged[0]}` : 'the run has not saved yet.';
    throw new HiperceiverError(`${path} holds no complete checkpoint; ${reason}`);
  }
  for (const reason of damaged) process.emitWarning(`A newer checkpoint is skipped: ${reason}`);
  return inFolder(latest);
}
