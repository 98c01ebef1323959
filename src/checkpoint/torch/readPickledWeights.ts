/** Weights that PyTorch saved (`.pth`, `.pt`, `.bin`, `.ckpt`), read without running anything that is in them. */

import type { FileHandle } from 'node:fs/promises';
import { ensure } from '../../errors/index.js';
import { withFile } from '../fileBytes.js';
import { shown } from '../shown.js';
import type { LazyTensor } from '../storedTensor.js';
import { PickledFields } from './callables.js';
import { openLegacy } from './legacyFormat.js';
import { storedType, tensorBytes } from './pickledTensor.js';
import { findStateDict, partName, unwrapped } from './stateDict.js';
import { lazyTensor, type TorchFile } from './torchFile.js';
import { openZip } from './zipFormat.js';

/** The weights of a file of PyTorch. */
export interface PickledWeights {
  /** By name, in the order in which they were saved. */
  tensors: Map<string, LazyTensor>;
  /** Which of PyTorch's formats the file is in. */
  format: 'zip' | 'legacy';
  /** The arguments of the program that made it (`args`, `config`, …), as far as they are plain values. */
  args?: Record<string, unknown>;
  /** What was chosen, left out or renamed, one sentence each. */
  remarks: string[];
}

/** Tensors may be views of one storage, and so larger together than their file; ten times so is made to fill the disk. */
const LARGEST_FACTOR = 10;
const ALWAYS_ALLOWED = 2 ** 28;

/**
 * The tensors of the state dict in a file, in either of PyTorch's formats; their numbers are read when they are asked for.
 * The pickle in it is taken as data: a call of anything but what weights are made of is refused.
 * @throws HiperceiverError, one sentence that names the file, where it is foreign, damaged, hostile or without weights
 */
export async function readPickledWeights(path: string): Promise<Map<string, LazyTensor>> {
  return (await openPickledWeights(path)).tensors;
}

/** As {@link readPickledWeights}, with what else is to be told. `part` names one of several state dicts, as `model_ema`. */
export async function openPickledWeights(path: string, options: { part?: string } = {}): Promise<PickledWeights> {
  const file = await withFile(path, async (handle) => {
    const start = await firstBytes(handle);
    ensure(looksPickled(start), () => `${path} is neither a zip archive nor a pickle of PyTorch: check what it is.`);
    return isZip(start) ? openZip(path, handle) : openLegacy(path, handle);
  });
  return weightsOf(file, options.part);
}

/** Every pickle since protocol 2 begins with this instruction and its protocol. */
const PROTO = 0x80;
const NEWEST_PROTOCOL = 5;

const TELLING_BYTES = 9;

/** Whether the first bytes of a file are those of a zip archive or a pickle, and not those of a safetensors file. */
export function looksPickled(start: Uint8Array): boolean {
  if (isZip(start)) return true;
  // Protocol 1 has no mark of its own: the old format's magic number in decimal.
  if (String.fromCharCode(...start).startsWith('L11954703')) return true;
  // A safetensors file begins with a length, which may be any byte, and goes on with a JSON object.
  const isLength = start[8] === '{'.charCodeAt(0) && start.subarray(4, 8).every((byte) => byte === 0);
  return start[0] === PROTO && start[1] <= NEWEST_PROTOCOL && !isLength;
}

function isZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b;
}

/** The bytes by which a file's format is told. */
export async function firstBytes(handle: FileHandle): Promise<Uint8Array> {
  const start = new Uint8Array(TELLING_BYTES);
  const { bytesRead } = await handle.read(start, 0, TELLING_BYTES, 0);
  return start.subarray(0, bytesRead);
}

function weightsOf(file: TorchFile, part?: string): PickledWeights {
  const { path, value, format } = file;
  const { found, rivals } = findStateDict(path, value, part);
  const remarks: string[] = [];
  if (found.path !== '') remarks.push(`The weights are those under ${partName(found.path)}.`);
  if (rivals.length > 0)
    remarks.push(`There are others under ${rivals.slice(0, 5).map(partName).join(', ')}: choose with --part.`);
  const { tensors, prefix } = unwrapped(found.tensors);
  if (prefix !== '') remarks.push(`The prefix "${prefix}" was taken off every name.`);
  const readable = new Map<string, LazyTensor>();
  for (const [name, tensor] of tensors) {
    const dtype = storedType(tensor.type);
    if (dtype) readable.set(name, lazyTensor(file, tensor, dtype));
    else remarks.push(`"${shown(name)}" is left out: numbers of type ${tensor.type} are not read.`);
  }
  const bytes = [...tensors.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  ensure(
    bytes <= LARGEST_FACTOR * file.bytes + ALWAYS_ALLOWED,
    () => `${path} has ${file.bytes} bytes but its tensors claim ${bytes}, more than views of them can sensibly have.`,
  );
  return { tensors: readable, format, args: argumentsIn(value), remarks };
}

/** Names under which programs keep their arguments. */
const ARGUMENTS = ['args', 'config', 'cfg', 'hyper_parameters', 'opt'];

/** Plain values among the arguments, not those of nested objects. */
function argumentsIn(value: unknown): Record<string, unknown> | undefined {
  if (!(value instanceof Map)) return undefined;
  for (const name of ARGUMENTS) {
    const fields = value.get(name);
    if (!(fields instanceof PickledFields || fields instanceof Map)) continue;
    const plain = [...fields].filter(
      ([key, item]) => typeof key === 'string' && ['string', 'number', 'boolean'].includes(typeof item),
    );
    if (plain.length > 0) return Object.fromEntries(plain);
  }
  return undefined;
}
