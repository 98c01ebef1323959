/** The parameters of a checkpoint folder: one `model.safetensors`, or shards with the index that Hugging Face writes. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensure, HiperceiverError } from '../errors/index.js';
import { readShardIndex } from './foreign/shards.js';
import { readSafetensors, readSafetensorsHeader } from './safetensors.js';
import type { StoredTensor } from './storedTensor.js';

/** Where the parameters are, unless they are in shards. */
export const WEIGHTS_FILE = 'model.safetensors';
const WEIGHTS_INDEX = 'model.safetensors.index.json';
/** Weights of other formats: recognised to say so. */
const PICKLES = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'model.pth'];
const UNREADABLE = ['tf_model.h5', 'flax_model.msgpack'];

/** Whether the folder holds parameters in a layout that {@link readWeights} reads. */
export function holdsWeights(folder: string): boolean {
  return existsSync(join(folder, WEIGHTS_FILE)) || existsSync(join(folder, WEIGHTS_INDEX));
}

/**
 * The file (single or index) of a folder's parameters.
 * @throws HiperceiverError where there is none.
 */
export function weightsFile(folder: string): string {
  for (const name of [WEIGHTS_FILE, WEIGHTS_INDEX]) if (existsSync(join(folder, name))) return join(folder, name);
  const pickle = PICKLES.find((name) => existsSync(join(folder, name)));
  if (pickle)
    throw new HiperceiverError(
      `${folder} holds ${pickle} but no ${WEIGHTS_FILE}: convert it with "hip import ${folder}".`,
    );
  const unreadable = UNREADABLE.find((name) => existsSync(join(folder, name)));
  if (unreadable)
    throw new HiperceiverError(
      `${folder} holds ${unreadable} but no ${WEIGHTS_FILE}: convert its weights to safetensors first.`,
    );
  throw new HiperceiverError(
    `${folder} is no checkpoint: it holds no ${WEIGHTS_FILE}; name the folder of a checkpoint or of a run.`,
  );
}

/** All tensors of a safetensors file or of the shards of an index. */
export async function readWeights(file: string): Promise<Map<string, StoredTensor>> {
  if (!isIndex(file)) return (await readSafetensors(file)).tensors;
  const tensors = new Map<string, StoredTensor>();
  for (const [shard, names] of await readShardIndex(file, ['.safetensors'])) {
    for (const [name, tensor] of (await readSafetensors(shard, { names })).tensors) tensors.set(name, tensor);
  }
  return tensors;
}

/** Checks headers and lengths alone. @throws HiperceiverError where a file is missing, cut off or damaged. */
export async function checkWeights(file: string): Promise<void> {
  if (!isIndex(file)) {
    await readSafetensorsHeader(file);
    return;
  }
  for (const [shard, names] of await readShardIndex(file, ['.safetensors'])) {
    const { tensors } = await readSafetensorsHeader(shard);
    for (const name of names)
      ensure(tensors.has(name), () => `${shard} lacks the tensor "${name}" that ${file} places there.`);
  }
}

function isIndex(file: string): boolean {
  return file.endsWith('.index.json');
}
