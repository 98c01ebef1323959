/** Weights in several files: the index that Hugging Face writes beside them, for safetensors and for PyTorch's format. */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ensure } from '../../errors/index.js';
import { readJson } from '../jsonFile.js';
import { shown } from '../shown.js';

/** Endings of files that hold weights. */
export const WEIGHT_ENDINGS = ['.safetensors', '.bin', '.pth', '.pt', '.ckpt'];

/**
 * An index as path of the shard → names of the tensors in it.
 * @param endings what the shards' names may end in
 * @throws HiperceiverError where it is no index, reaches outside its folder, or names a file that is not there
 */
export async function readShardIndex(
  file: string,
  endings: readonly string[] = WEIGHT_ENDINGS,
): Promise<Map<string, string[]>> {
  const { weight_map: places } = await readJson(file);
  ensure(
    typeof places === 'object' && places !== null && !Array.isArray(places),
    () => `${file} is no index of shards: it has no "weight_map".`,
  );
  const shards = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(places)) {
    // A downloaded index must not reach outside its folder.
    ensure(
      typeof shard === 'string' && shard === basename(shard) && endings.some((ending) => shard.endsWith(ending)),
      () =>
        `${file} places the tensor "${shown(name)}" in ${shown(JSON.stringify(shard))}, which is no ${endings.length === 1 ? `${endings[0].slice(1)} file` : 'file of weights'} of its folder.`,
    );
    const path = join(dirname(file), shard);
    const names = shards.get(path);
    if (names) names.push(name);
    else shards.set(path, [name]);
  }
  const absent = [...shards.keys()].filter((path) => !existsSync(path));
  ensure(
    absent.length === 0,
    () =>
      `${absent[0]}, one of the ${shards.size} shards that ${file} names, does not exist: download ${absent.length === 1 ? 'it' : `it and the ${absent.length - 1} others that are missing`}.`,
  );
  return shards;
}
