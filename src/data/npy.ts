/** NumPy's `.npy` format, versions 1 and 2: one array with its type and shape, rows first (C order). */
import { ensure, HiperceiverError } from '../errors/index.js';
import { joinShared, readBytes } from './bytes.js';
import { printable } from './printable.js';

/** Element types by their NumPy descriptor: the typed array that holds them. `|b1` (bool) is bytes 0 and 1. */
const ARRAYS = {
  '|b1': Uint8Array,
  '|u1': Uint8Array,
  '|i1': Int8Array,
  '<u2': Uint16Array,
  '<i2': Int16Array,
  '<u4': Uint32Array,
  '<i4': Int32Array,
  '<i8': BigInt64Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
} as const;

/** A NumPy descriptor that is read and written. */
export type NpyType = keyof typeof ARRAYS;
/** The typed arrays of those. */
export type NpyData = InstanceType<(typeof ARRAYS)[NpyType]>;

/** An n-dimensional array in C order. */
export interface NpyArray {
  dtype: NpyType;
  shape: number[];
  data: NpyData;
}

/** An intact array of elements that are not read (text, objects, other byte order). */
export class NpyUnreadable extends HiperceiverError {}

const MAGIC = '\x93NUMPY';

/**
 * Reads a `.npy` file.
 * @throws HiperceiverError where the file is not npy, in Fortran order, of another element type, or of another length
 * than its header says.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return parseNpy(await readBytes(path), path);
}

/** Reads an array from the bytes of a `.npy` file; `name` stands in error messages. Its memory is used where aligned, else copied. */
export function parseNpy(bytes: Uint8Array, name = 'npy data'): NpyArray {
  const { header, start } = readHeader(bytes, name);
  const descriptor = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sizes = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  ensure(
    sizes !== undefined && order !== undefined,
    () => `"${name}" has no valid npy header: save it again with numpy.save.`,
  );
  if (descriptor === undefined || !Object.hasOwn(ARRAYS, descriptor))
    throw new NpyUnreadable(
      `"${name}" holds elements of type ${printable(descriptor ?? 'object')}, which is not read: save it as one of ${Object.keys(ARRAYS).join(', ')}.`,
    );
  ensure(order === 'False', () => `"${name}" is stored in Fortran order: save numpy.ascontiguousarray(array) instead.`);
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  ensure(
    shape.every((size) => Number.isSafeInteger(size) && size >= 0),
    () => `"${name}" has the invalid shape (${printable(sizes)}): save it again with numpy.save.`,
  );

  const dtype = descriptor as NpyType;
  const TypedArray = ARRAYS[dtype];
  const count = shape.reduce((product, size) => product * size, 1);
  const expected = count * TypedArray.BYTES_PER_ELEMENT;
  ensure(
    bytes.length - start === expected,
    () =>
      `"${name}" holds ${bytes.length - start} bytes of data where its shape [${shape}] of ${dtype} needs ${expected}: the file is ` +
      `${bytes.length - start < expected ? 'truncated' : 'too long'}, so save it again.`,
  );
  const aligned = (bytes.byteOffset + start) % TypedArray.BYTES_PER_ELEMENT === 0;
  const content = aligned ? bytes.subarray(start) : joinShared([bytes.subarray(start)]);
  // Shared memory is as good as private memory here; the constructors' types know only the latter.
  return { dtype, shape, data: new TypedArray(content.buffer as ArrayBuffer, content.byteOffset, count) };
}

/** The bytes of a `.npy` file of version 1. `dtype` follows from the data; give `|b1` for bytes that are truth values. */
export function formatNpy({
  shape,
  data,
  dtype = typeOf(data),
}: {
  shape: readonly number[];
  data: NpyData;
  dtype?: NpyType;
}): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  ensure(count === data.length, () => `An array of ${data.length} elements does not fill the shape [${shape}].`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Data begin at a multiple of 64 bytes; the header ends in a newline.
  const start = Math.ceil((10 + text.length + 1) / 64) * 64;
  const out = new Uint8Array(start + data.byteLength);
  const header = `${MAGIC}\x01\x00..${text.padEnd(start - 11)}\n`;
  for (let i = 0; i < start; i++) out[i] = header.charCodeAt(i);
  new DataView(out.buffer).setUint16(8, start - 10, true);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return out;
}

function readHeader(bytes: Uint8Array, name: string): { header: string; start: number } {
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  ensure(
    magic === MAGIC && bytes.length >= 12,
    () => `"${name}" is not an npy file: its first bytes are not "\\x93NUMPY"; save it with numpy.save.`,
  );
  const version = bytes[6];
  ensure(
    version === 1 || version === 2,
    () => `"${name}" is npy version ${version}, and only 1 and 2 are read: save it again with numpy.save.`,
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const headerStart = version === 1 ? 10 : 12;
  const start = headerStart + length;
  ensure(start <= bytes.length, () => `"${name}" is truncated inside its header: save it again.`);
  // Decoding copies: a TextDecoder does not take shared memory.
  const header = Buffer.from(bytes.slice(headerStart, start)).toString('latin1');
  return { header, start };
}

function typeOf(data: NpyData): NpyType {
  const entry = Object.entries(ARRAYS).find(([dtype, TypedArray]) => dtype !== '|b1' && data instanceof TypedArray);
  ensure(
    entry !== undefined,
    () => `npy files hold ${Object.keys(ARRAYS).join(', ')}, not ${(data as object).constructor.name}.`,
  );
  return entry[0] as NpyType;
}
