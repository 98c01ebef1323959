/** Our parameters under another program's names: the way back of `matchNames`. */

import { ensure } from '../../errors/index.js';
import { writeSafetensors } from '../safetensors.js';
import type { LazyTensor, StoredTensor } from '../storedTensor.js';
import type { NameTable } from './matchNames.js';

/**
 * Tensors under the names that a table gives them, in their order; the same tensors, not copies.
 * @throws HiperceiverError where the table has no name for one of them, or the same for two
 */
export function renamed<T extends StoredTensor | LazyTensor>(
  tensors: ReadonlyMap<string, T>,
  table: NameTable,
): Map<string, T> {
  const ours = new Map<string, string>();
  const result = new Map<string, T>();
  for (const [name, tensor] of tensors) {
    const theirs = table(name);
    ensure(theirs !== undefined, () => `The parameter "${name}" has no name in the layout that was asked for.`);
    ensure(
      !result.has(theirs),
      () => `The parameters "${ours.get(theirs)}" and "${name}" would both be called "${theirs}".`,
    );
    ours.set(theirs, name);
    result.set(theirs, tensor);
  }
  return result;
}

/** What the Hugging Face libraries ask every safetensors file to say. */
export const HF_METADATA = { format: 'pt' };

/** Writes parameters under another program's names as safetensors, atomically and bit by bit. */
export async function writeRenamed(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor | LazyTensor>,
  table: NameTable,
): Promise<void> {
  await writeSafetensors(path, renamed(tensors, table), HF_METADATA);
}
