/** Tensors as they lie in a file: an element type, a shape and one typed array, known to no engine. */

import { ensure } from '../errors/index.js';

/** The element types of safetensors that are read and written. */
export type StoredDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** A typed array of a stored tensor. F16 and BF16 are kept as their 16 bits; BOOL as bytes 0 and 1. */
export type StoredArray =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** A tensor as stored: `data` holds the product of `shape` elements in row-major order; a scalar has shape []. */
export interface StoredTensor {
  dtype: StoredDType;
  shape: number[];
  data: StoredArray;
}

/** A tensor that is to be written, and whose data are fetched when their turn comes: never all of a file's at once. */
export interface LazyTensor {
  dtype: StoredDType;
  shape: number[];
  load(): Promise<StoredArray>;
}

/** The typed array that holds each element type. */
export const storedArrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const satisfies Record<StoredDType, unknown>;

/** Whether an element type is one that is read and written. */
export function isStoredDType(name: unknown): name is StoredDType {
  return typeof name === 'string' && Object.hasOwn(storedArrays, name);
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, extent) => count * extent, 1);
}

/** Bytes of a tensor as it is stored. */
export function storedBytes({ dtype, shape }: { dtype: StoredDType; shape: readonly number[] }): number {
  return elementCount(shape) * storedArrays[dtype].BYTES_PER_ELEMENT;
}

/**
 * The elements as float32, whatever their type; F32 data itself is returned, not a copy. Wider types are rounded to the
 * nearest float32.
 */
export function toFloat32(tensor: StoredTensor): Float32Array {
  const { dtype, data } = tensor;
  if (data instanceof Float32Array) return data;
  if (dtype === 'F16') return halfToFloat32(data as Uint16Array);
  if (dtype === 'BF16') return brainFloatToFloat32(data as Uint16Array);
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  return Float32Array.from(data);
}

/** Checks that the array is of the dtype's kind and as long as the shape says. `label` names the tensor in the error. */
export function checkTensor(label: string, tensor: StoredTensor): void {
  const { dtype, shape, data } = tensor;
  ensure(isStoredDType(dtype), () => `${label} has the element type ${String(dtype)}, which cannot be stored.`);
  const expected = storedArrays[dtype];
  ensure(
    data instanceof expected,
    () => `${label} has the element type ${dtype} but its data is a ${data.constructor.name}, not a ${expected.name}.`,
  );
  ensure(
    shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) && data.length === elementCount(shape),
    () => `${label} has ${data.length} elements, which do not fill the shape [${shape.join(', ')}].`,
  );
}

/** The 65,536 half-precision values, made on first use. */
let halfValues: Float32Array | undefined;

function halfToFloat32(bits: Uint16Array): Float32Array {
  halfValues ??= Float32Array.from({ length: 65536 }, (_, half) => halfValue(half));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = halfValues[bits[i]];
  return values;
}

/** One IEEE 754 binary16 value: 1 sign bit, 5 exponent bits, 10 fraction bits. */
function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function brainFloatToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] * 65536;
  return new Float32Array(words.buffer);
}
