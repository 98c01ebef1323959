/** Reading and writing safetensors files, tensor by tensor: the whole file is never held a second time in memory. */

import type { FileHandle } from 'node:fs/promises';
import { ensure, unknownName } from '../errors/index.js';
import { writeFileAtomic } from './atomic.js';
import { memory, PIECE_BYTES, readInto, withFile } from './fileBytes.js';
import {
  encodeHeader,
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensorsHeader.js';
import { checkTensor, type LazyTensor, type StoredTensor, storedArrays } from './storedTensor.js';

/**
 * The tensors of a file, in the order in which they lie there, each in a buffer of its own.
 * @param options.names read these alone; an unknown name is an error.
 * @throws HiperceiverError that names the file (and tensor) where it is missing, cut off, damaged or of another format.
 */
export async function readSafetensors(
  path: string,
  options: { names?: readonly string[] } = {},
): Promise<{ tensors: Map<string, StoredTensor>; metadata: Record<string, string> }> {
  return withFile(path, async (handle) => {
    const { header, bodyStart } = await readHeader(path, handle);
    for (const name of options.names ?? []) {
      if (!header.tensors.has(name)) throw unknownName(`tensor of ${path}`, name, header.tensors.keys());
    }
    const wanted = options.names && new Set(options.names);
    const tensors = new Map<string, StoredTensor>();
    for (const [name, entry] of header.tensors) {
      if (!wanted || wanted.has(name)) tensors.set(name, await readTensor(path, handle, bodyStart, name, entry));
    }
    return { tensors, metadata: header.metadata };
  });
}

/**
 * What a file holds, without its data. The header is checked against the file's length, so a file that passes is whole.
 * @throws HiperceiverError as {@link readSafetensors} does.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, async (handle) => (await readHeader(path, handle)).header);
}

/**
 * The tensors of a file, each read when it is asked for. The header is checked against the file's length.
 * @throws HiperceiverError as {@link readSafetensors} does.
 */
export async function openSafetensors(path: string): Promise<Map<string, LazyTensor>> {
  const { header, bodyStart } = await withFile(path, (handle) => readHeader(path, handle));
  return new Map(
    [...header.tensors].map(([name, entry]) => {
      const load = async () =>
        (await withFile(path, (handle) => readTensor(path, handle, bodyStart, name, entry))).data;
      return [name, { dtype: entry.dtype, shape: entry.shape, load }];
    }),
  );
}

/**
 * Writes a file atomically, straight from the tensors' arrays.
 * @param metadata free text by key; `{ format: 'pt' }` is what the Hugging Face libraries ask for.
 * @throws HiperceiverError for a tensor whose data does not fit its type and shape, and where the file cannot be written.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<[string, StoredTensor | LazyTensor]>,
  metadata: Record<string, string> = {},
): Promise<void> {
  await writeFileAtomic(path, (handle) => streamSafetensors(handle, path, tensors, metadata));
}

/** Writes the content of a safetensors file to an open, empty file; `path` is what errors call it. */
export async function streamSafetensors(
  handle: FileHandle,
  path: string,
  tensors: Iterable<[string, StoredTensor | LazyTensor]>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const ordered = fileOrder(path, tensors);
  await writeAll(handle, encodeHeader(ordered, metadata));
  for (const [name, tensor] of ordered) {
    const { dtype, shape } = tensor;
    const data = 'load' in tensor ? await tensor.load() : tensor.data;
    if ('load' in tensor) checkTensor(label(path, name), { dtype, shape, data });
    await writeAll(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
}

function label(path: string, name: string): string {
  return `Tensor "${name}" for ${path}`;
}

/** The tensors, checked; widest elements first, so that each begins at a multiple of its element size. */
function fileOrder<T extends StoredTensor | LazyTensor>(path: string, tensors: Iterable<[string, T]>): [string, T][] {
  const list = [...tensors];
  const names = new Set<string>();
  for (const [name, tensor] of list) {
    ensure(!names.has(name), () => `${path} cannot hold two tensors named "${name}".`);
    ensure(
      name !== '__metadata__',
      () => `${path} cannot hold a tensor named "__metadata__": the format reserves the name.`,
    );
    if ('data' in tensor) checkTensor(label(path, name), tensor);
    names.add(name);
  }
  const width = ({ dtype }: T) => storedArrays[dtype].BYTES_PER_ELEMENT;
  return list.sort(([, a], [, b]) => width(b) - width(a));
}

/** A write may take fewer bytes than offered: go on until all are written or an error says why not. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; ) {
    const piece = Math.min(PIECE_BYTES, bytes.byteLength - offset);
    offset += (await handle.write(bytes, offset, piece)).bytesWritten;
  }
}

async function readHeader(path: string, handle: FileHandle): Promise<{ header: SafetensorsHeader; bodyStart: number }> {
  const stat = await handle.stat();
  ensure(!stat.isDirectory(), () => `${path} is a folder where a safetensors file was expected: name the file in it.`);
  const start = new Uint8Array(Math.min(LENGTH_BYTES, stat.size));
  await readInto(path, handle, start, 0);
  const length = headerLength(path, start, stat.size);
  const bytes = new Uint8Array(length);
  await readInto(path, handle, bytes, LENGTH_BYTES);
  const bodyStart = LENGTH_BYTES + length;
  return { header: parseHeader(path, bytes, stat.size - bodyStart), bodyStart };
}

async function readTensor(
  path: string,
  handle: FileHandle,
  bodyStart: number,
  name: string,
  entry: TensorEntry,
): Promise<StoredTensor> {
  const { dtype, shape, begin, end } = entry;
  const buffer = memory(end - begin, `Tensor "${name}" of ${path}`);
  await readInto(path, handle, new Uint8Array(buffer), bodyStart + begin);
  return { dtype, shape, data: new storedArrays[dtype](buffer) };
}
