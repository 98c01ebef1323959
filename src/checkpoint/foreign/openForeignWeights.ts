/** Weights of others, whatever they come in: a safetensors file, a file of PyTorch, shards with an index, or a folder of these. */

import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { withFile } from '../fileBytes.js';
import { readJson } from '../jsonFile.js';
import { openSafetensors } from '../safetensors.js';
import { shown } from '../shown.js';
import type { LazyTensor } from '../storedTensor.js';
import { firstBytes, looksPickled, openPickledWeights } from '../torch/readPickledWeights.js';
import { readShardIndex, WEIGHT_ENDINGS } from './shards.js';

/** What weights come in. */
export type ForeignFormat = 'safetensors' | 'PyTorch zip' | 'PyTorch legacy';

/** Weights of another program; numbers are read tensor by tensor, when they are asked for. */
export interface ForeignWeights {
  /** By the other program's names. */
  tensors: Map<string, LazyTensor>;
  /** `config.json` beside them, in a folder as Hugging Face has it. */
  config?: Record<string, unknown>;
  /** Arguments of the program that made them, which PyTorch's training checkpoints often carry. */
  args?: Record<string, unknown>;
  format: ForeignFormat;
  /** The files that they are in. */
  files: string[];
  /** What was chosen, left out or renamed, one sentence each. */
  remarks: string[];
}

/** What a folder's weights are called, in the order in which they are looked for. */
const USUAL_NAMES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
];
const CONFIG = 'config.json';

/**
 * Opens weights of another program: a file, an `.index.json` of shards, or a folder.
 * @param options.part which of several state dicts in a file of PyTorch, such as `model_ema`; by default the largest
 * @throws HiperceiverError, one sentence that names the file, where there are none, several, or they cannot be read
 */
export async function openForeignWeights(path: string, options: { part?: string } = {}): Promise<ForeignWeights> {
  ensure(existsSync(path), () => `${path} does not exist: name a file of weights or a folder with one.`);
  const file = statSync(path).isDirectory() ? await weightsIn(path) : path;
  const weights = await (file.endsWith('.index.json') ? openShards(file, options) : openFile(file, options));
  const config = join(dirname(file), CONFIG);
  // Beside a file of any other name, config.json may be anybody's.
  const isOwn = file !== path || USUAL_NAMES.includes(basename(file));
  return isOwn && existsSync(config) ? { ...weights, config: await readJson(config) } : weights;
}

/** The file, or index, of a folder's weights. */
async function weightsIn(folder: string): Promise<string> {
  const usual = USUAL_NAMES.find((name) => existsSync(join(folder, name)));
  if (usual) return join(folder, usual);
  const names = (await readdir(folder)).sort();
  const indices = names.filter((name) => name.endsWith('.index.json'));
  const weights =
    indices.length > 0 ? indices : names.filter((name) => WEIGHT_ENDINGS.some((end) => name.endsWith(end)));
  ensure(
    weights.length > 0,
    () => `${folder} holds no weights: neither ${USUAL_NAMES.join(', ')} nor any file in ${WEIGHT_ENDINGS.join(', ')}.`,
  );
  ensure(
    weights.length === 1,
    () => `${folder} holds several files of weights (${weights.slice(0, 4).map(shown).join(', ')}): name one of them.`,
  );
  return join(folder, weights[0]);
}

async function openFile(file: string, options: { part?: string }): Promise<ForeignWeights> {
  if (looksPickled(await withFile(file, firstBytes))) {
    const { tensors, format, args, remarks } = await openPickledWeights(file, options);
    return { tensors, args, format: format === 'zip' ? 'PyTorch zip' : 'PyTorch legacy', files: [file], remarks };
  }
  ensure(
    options.part === undefined,
    () => `${file} has no parts, so there is no "${shown(options.part ?? '')}" in it: leave --part out.`,
  );
  return { tensors: await openSafetensors(file), format: 'safetensors', files: [file], remarks: [] };
}

async function openShards(index: string, options: { part?: string }): Promise<ForeignWeights> {
  const shards = await readShardIndex(index);
  ensure(shards.size > 0, () => `${index} names no tensors: download it again.`);
  const tensors = new Map<string, LazyTensor>();
  const remarks: string[] = [];
  let format: ForeignFormat = 'safetensors';
  for (const [shard, names] of shards) {
    const opened = await openFile(shard, options);
    format = opened.format;
    for (const name of names) {
      const tensor = opened.tensors.get(name);
      if (!tensor) throw new HiperceiverError(`${shard} lacks the tensor "${shown(name)}" that ${index} places there.`);
      tensors.set(name, tensor);
    }
    const unlisted = opened.tensors.size - names.length;
    if (unlisted > 0) remarks.push(`${basename(shard)} holds ${unlisted} more tensors, which the index does not name.`);
    remarks.push(...opened.remarks.map((remark) => `${basename(shard)}: ${remark}`));
  }
  return { tensors, format, files: [index, ...shards.keys()], remarks };
}
