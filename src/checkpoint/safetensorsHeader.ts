/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors#format): eight bytes of length, then JSON
 * that gives for each tensor its element type, shape and byte range in the body. Nothing in it is believed unchecked.
 */

import { ensure, HiperceiverError } from '../errors/index.js';
import { elementCount, isStoredDType, type StoredDType, type StoredTensor, storedArrays } from './storedTensor.js';

/** Where a tensor lies: bytes [begin, end) of the body. */
export interface TensorEntry {
  dtype: StoredDType;
  shape: number[];
  begin: number;
  end: number;
}

/** A header that was checked. */
export interface SafetensorsHeader {
  /** In the order in which the tensors lie in the file. */
  tensors: Map<string, TensorEntry>;
  metadata: Record<string, string>;
}

/** The length field before the header. */
export const LENGTH_BYTES = 8;
/** The format's own limit: more is an attack or another format. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * The length of the JSON header from the first bytes of a file of `fileBytes` bytes.
 * @throws HiperceiverError where the file cannot be a safetensors file.
 */
export function headerLength(file: string, start: Uint8Array, fileBytes: number): number {
  ensure(fileBytes > 0, () => `${file} is empty (0 bytes): its writing was interrupted; use another checkpoint.`);
  const foreign = foreignFormat(start);
  ensure(!foreign, () => `${file} is no safetensors file but ${foreign}.`);
  ensure(start.byteLength >= LENGTH_BYTES, () => `${file} is no safetensors file: it has only ${fileBytes} bytes.`);
  const claimed = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const length = Number(claimed);
  ensure(
    length >= 2 && length <= MAX_HEADER_BYTES,
    () => `${file} is no safetensors file: its first eight bytes claim a header of ${claimed} bytes.`,
  );
  ensure(
    length <= fileBytes - LENGTH_BYTES,
    () => `${file} is cut off: its header takes ${length} bytes but only ${fileBytes - LENGTH_BYTES} follow.`,
  );
  return length;
}

/**
 * The header's content, with every byte of the body (`bodyBytes` long) claimed by exactly one tensor.
 * @throws HiperceiverError that names the file and the tensor.
 */
export function parseHeader(file: string, bytes: Uint8Array, bodyBytes: number): SafetensorsHeader {
  const { text, json } = decodeJson(file, bytes);
  const duplicate = duplicateKey(text);
  ensure(duplicate === undefined, () => `${file} is damaged: its header names the tensor "${duplicate}" twice.`);
  const entries: [string, TensorEntry][] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(file, value);
    else entries.push([name, parseEntry(file, name, value, bodyBytes)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCoverage(file, entries, bodyBytes);
  return { tensors: new Map(entries), metadata };
}

/** The header's bytes with its length field, padded with spaces so that the body begins at a multiple of eight. */
export function encodeHeader(
  tensors: readonly [string, Pick<StoredTensor, 'dtype' | 'shape'>][],
  metadata: Record<string, string>,
): Uint8Array {
  let offset = 0;
  const entries = tensors.map(([name, { dtype, shape }]) => {
    const begin = offset;
    offset += elementCount(shape) * storedArrays[dtype].BYTES_PER_ELEMENT;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, offset] })}`;
  });
  if (Object.keys(metadata).length > 0) entries.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, LENGTH_BYTES);
  return header;
}

function decodeJson(file: string, bytes: Uint8Array): { text: string; json: Record<string, unknown> } {
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch {
    throw new HiperceiverError(`${file} is no safetensors file or is damaged: its header is not JSON.`);
  }
  ensure(isRecord(json), () => `${file} is no safetensors file: its header is not a JSON object.`);
  return { text, json };
}

function parseMetadata(file: string, value: unknown): Record<string, string> {
  ensure(
    isRecord(value) && Object.values(value).every((text) => typeof text === 'string'),
    () => `${file} is damaged: the header's "__metadata__" is not a map from text to text.`,
  );
  return value as Record<string, string>;
}

function parseEntry(file: string, name: string, value: unknown, bodyBytes: number): TensorEntry {
  const damaged = (what: string) => () => `${file} is damaged: tensor "${name}" ${what}.`;
  ensure(isRecord(value), damaged('has no description'));
  const { dtype, shape, data_offsets: offsets } = value;
  ensure(
    isStoredDType(dtype),
    () =>
      `${file}: tensor "${name}" has the unknown element type ${JSON.stringify(dtype)}; known are ${Object.keys(storedArrays).join(', ')}.`,
  );
  ensure(isCountList(shape), damaged(`has the impossible shape ${JSON.stringify(shape)}`));
  ensure(
    isCountList(offsets) && offsets.length === 2 && offsets[0] <= offsets[1],
    damaged(`has the impossible byte range ${JSON.stringify(offsets)}`),
  );
  const [begin, end] = offsets;
  ensure(
    end <= bodyBytes,
    () => `${file} is cut off or damaged: tensor "${name}" ends at byte ${end} of ${bodyBytes}.`,
  );
  const expected = elementCount(shape) * storedArrays[dtype].BYTES_PER_ELEMENT;
  ensure(
    end - begin === expected,
    damaged(`of type ${dtype} and shape [${shape.join(', ')}] needs ${expected} bytes but has ${end - begin}`),
  );
  return { dtype, shape, begin, end };
}

/** No overlap, no hole, nothing after the last tensor. */
function checkCoverage(file: string, entries: readonly [string, TensorEntry][], bodyBytes: number): void {
  let covered = 0;
  let previous = '';
  for (const [name, { begin, end }] of entries) {
    ensure(begin >= covered, () => `${file} is damaged: tensor "${name}" overlaps tensor "${previous}".`);
    ensure(
      begin === covered,
      () => `${file} is damaged: ${begin - covered} bytes before tensor "${name}" belong to no tensor.`,
    );
    [covered, previous] = [end, name];
  }
  ensure(
    covered === bodyBytes,
    () => `${file} is damaged: the last ${bodyBytes - covered} bytes, after tensor "${previous}", belong to no tensor.`,
  );
}

/** The first key that the outermost object of valid JSON has twice: `JSON.parse` keeps the last one silently. */
function duplicateKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === '"') {
      const start = i;
      for (i++; json[i] !== '"'; i++) if (json[i] === '\\') i++;
      let next = i + 1;
      while (/\s/.test(json[next])) next++;
      if (depth !== 1 || json[next] !== ':') continue;
      const key = JSON.parse(json.slice(start, i + 1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/** What a file really is that people offer as a checkpoint by mistake, by its first bytes. */
function foreignFormat(start: Uint8Array): string | undefined {
  const text = String.fromCharCode(...start.subarray(0, 8));
  if (text.startsWith('PK\x03\x04')) return 'a zip archive such as PyTorch writes; convert it with "hip import"';
  if (text.startsWith('\x80\x02\x8a\n')) return 'a pickle such as PyTorch writes; convert it with "hip import"';
  if (text.startsWith('version ')) return 'a Git LFS pointer; fetch the real file with "git lfs pull"';
  if (text.startsWith('\x89HDF')) return 'an HDF5 file; convert it to safetensors first';
  if (text.startsWith('\x93NUMPY')) return 'a NumPy array; convert it to safetensors first';
  if (text.startsWith('GGUF')) return 'a GGUF file; convert it to safetensors first';
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}
