/** What a file of PyTorch gives, whichever of its two formats it is in: the pickled value, and bytes of its storages. */

import { ensure, HiperceiverError } from '../../errors/index.js';
import { PickleRefusal } from '../pickle/cursor.js';
import { shown } from '../shown.js';
import { type LazyTensor, type StoredArray, type StoredDType, storedArrays } from '../storedTensor.js';
import { elementBytes, gather, isContiguous, type PickledStorage, type PickledTensor, span } from './pickledTensor.js';

/** An opened file. */
export interface TorchFile {
  path: string;
  /** Which of PyTorch's formats it is in. */
  format: 'zip' | 'legacy';
  /** What was saved; its tensors are `PickledTensor`s. */
  value: unknown;
  /** Bytes in the file. */
  bytes: number;
  /** Whether numbers are stored with their highest byte first. */
  bigEndian: boolean;
  /** Bytes of the storage of a key. @throws HiperceiverError where the file does not hold them. */
  read(key: string, begin: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A pickle is read whole before anything else is; what is larger than this is made to exhaust the memory. */
export const LARGEST_PICKLE = 2 ** 28;

/** Runs what may refuse a pickle, so that the refusal becomes a sentence that names the file. */
export function naming<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof PickleRefusal) throw new HiperceiverError(`${path} ${error.message}.`, { cause: error });
    throw error;
  }
}

/** Checks that what a storage claims to have is there. */
export function checkStorage(path: string, { key, begin, bytes }: PickledStorage, there: number | undefined): void {
  ensure(
    there !== undefined,
    () => `${path} is cut off or damaged: storage "${shown(key)}", which its tensors need, is missing.`,
  );
  ensure(
    begin + bytes <= there,
    () =>
      `${path} is cut off or damaged: storage "${shown(key)}" has ${there} bytes where ${begin + bytes} are needed.`,
  );
}

/** A tensor of the file, read when it is asked for. */
export function lazyTensor(file: TorchFile, tensor: PickledTensor, dtype: StoredDType): LazyTensor {
  return { dtype, shape: tensor.shape, load: () => loadTensor(file, tensor, dtype) };
}

async function loadTensor(file: TorchFile, tensor: PickledTensor, dtype: StoredDType): Promise<StoredArray> {
  const width = elementBytes(tensor.type);
  const { key, begin } = tensor.storage;
  const bytes = await file.read(key, begin + tensor.offset * width, span(tensor) * width);
  if (file.bigEndian) swapBytes(bytes, width);
  const elements: StoredArray = new storedArrays[dtype](bytes.buffer);
  return isContiguous(tensor) ? elements : gather(elements, tensor);
}

/** Turns each group of `width` bytes round, in place. */
function swapBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; width > 1 && at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}
