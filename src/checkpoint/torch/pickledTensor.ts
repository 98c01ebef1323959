/** Tensors as PyTorch pickles them: a view, by offset, shape and strides, of a storage that lies beside the pickle. */

import { PickleRefusal } from '../pickle/cursor.js';
import { PickledGlobal } from '../pickle/machine.js';
import { shown } from '../shown.js';
import { elementCount, type StoredArray, type StoredDType } from '../storedTensor.js';

/** Bytes of numbers that tensors are views of. */
export interface PickledStorage {
  /** Its name in the file. */
  key: string;
  /** Length in bytes. */
  bytes: number;
  /** PyTorch's name of its element type, such as `float32`; absent for bytes without any. */
  type?: string;
  /** Where it begins within the storage of that key, in bytes: old files have storages that are views of others. */
  begin: number;
}

/** A tensor whose numbers are not read yet. */
export class PickledTensor {
  constructor(
    readonly storage: PickledStorage,
    /** PyTorch's name of the element type, such as `bfloat16`. */
    readonly type: string,
    /** Elements before the first. */
    readonly offset: number,
    readonly shape: number[],
    readonly stride: number[],
  ) {}
}

/** PyTorch's element types, what they are stored as here, and how wide they are. Those without a stored type cannot be read. */
const elementTypes: Record<string, { bytes: number; stored?: StoredDType }> = {
  float64: { bytes: 8, stored: 'F64' },
  float32: { bytes: 4, stored: 'F32' },
  float16: { bytes: 2, stored: 'F16' },
  bfloat16: { bytes: 2, stored: 'BF16' },
  int64: { bytes: 8, stored: 'I64' },
  int32: { bytes: 4, stored: 'I32' },
  int16: { bytes: 2, stored: 'I16' },
  int8: { bytes: 1, stored: 'I8' },
  uint8: { bytes: 1, stored: 'U8' },
  bool: { bytes: 1, stored: 'BOOL' },
  uint16: { bytes: 2 },
  uint32: { bytes: 4 },
  uint64: { bytes: 8 },
  complex32: { bytes: 4 },
  complex64: { bytes: 8 },
  complex128: { bytes: 16 },
  qint8: { bytes: 1 },
  quint8: { bytes: 1 },
  qint32: { bytes: 4 },
  float8_e4m3fn: { bytes: 1 },
  float8_e4m3fnuz: { bytes: 1 },
  float8_e5m2: { bytes: 1 },
  float8_e5m2fnuz: { bytes: 1 },
};

/** Element types by the class of their storages, in `torch` and `torch.cuda`. */
const storageTypes: Record<string, string | undefined> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  QInt8Storage: 'qint8',
  QUInt8Storage: 'quint8',
  QInt32Storage: 'qint32',
  UntypedStorage: undefined,
};

/** What a type is stored as, or undefined where it cannot be. */
export function storedType(type: string): StoredDType | undefined {
  return Object.hasOwn(elementTypes, type) ? elementTypes[type].stored : undefined;
}

/** Bytes of one element. */
export function elementBytes(type: string): number {
  if (!Object.hasOwn(elementTypes, type))
    throw new PickleRefusal(`has a tensor of the unknown element type ${shown(type)}`);
  return elementTypes[type].bytes;
}

/** Bytes that a tensor takes once it is read. */
export function tensorBytes({ shape, type }: Pick<PickledTensor, 'shape' | 'type'>): number {
  return elementCount(shape) * elementBytes(type);
}

/**
 * The storage that a persistent identifier means: `('storage', class, key, location, elements)`, and in the old format the
 * view, `(key, offset, elements)` or nothing.
 */
export function storageOf(id: unknown): PickledStorage {
  const [what, kind, key, , elements, view] = Array.isArray(id) ? id : [];
  if (what !== 'storage' || !(kind instanceof PickledGlobal) || !isKey(key) || !isCount(elements))
    throw new PickleRefusal('is damaged: its pickle refers to something other than a storage');
  if (!/^torch(\.cuda|\.storage)?$/.test(kind.module) || !Object.hasOwn(storageTypes, kind.name))
    throw new PickleRefusal(`has a storage of the unknown class ${shown(String(kind))}`);
  const type = storageTypes[kind.name];
  const width = type === undefined ? 1 : elementBytes(type);
  const whole = { key: String(key), bytes: elements * width, type, begin: 0 };
  if (view === undefined || view === null) return whole;
  const [, offset, count] = Array.isArray(view) ? view : [];
  if (!isCount(offset) || !isCount(count) || offset + count > elements)
    throw new PickleRefusal('is damaged: a storage reaches beyond the one that it is a view of');
  return { ...whole, bytes: count * width, begin: offset * width };
}

/** More axes than PyTorch allows a tensor. */
const MOST_AXES = 64;

/**
 * A tensor as a view of a storage.
 * @throws PickleRefusal where the view reaches beyond its storage, or is none
 */
export function viewOf(
  storage: unknown,
  offset: unknown,
  shape: unknown,
  stride: unknown,
  type?: string,
): PickledTensor {
  if (!isStorage(storage)) throw new PickleRefusal('is damaged: a tensor has no storage');
  const element = type ?? storage.type;
  if (element === undefined) throw new PickleRefusal('is damaged: a tensor has no element type');
  const impossible = () =>
    new PickleRefusal(`is damaged: a tensor of storage "${shown(storage.key)}" has an impossible shape`);
  if (!isCount(offset) || !isCounts(shape) || !isCounts(stride) || shape.length !== stride.length) throw impossible();
  const count = elementCount(shape);
  if (shape.length > MOST_AXES || !Number.isSafeInteger(count)) throw impossible();
  const last = offset + shape.reduce((sum, extent, axis) => sum + (extent - 1) * stride[axis], 0);
  if (count > 0 && (last + 1) * elementBytes(element) > storage.bytes)
    throw new PickleRefusal(
      `is damaged: a tensor reaches beyond its storage "${shown(storage.key)}" of ${storage.bytes} bytes`,
    );
  return new PickledTensor(storage, element, offset, shape, stride);
}

/** Whether the elements lie one after the other, in row-major order. */
export function isContiguous({ shape, stride }: PickledTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && stride[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Elements from the first to the last that the tensor touches, both included. */
export function span({ shape, stride }: PickledTensor): number {
  if (shape.includes(0)) return 0;
  return 1 + shape.reduce((sum, extent, axis) => sum + (extent - 1) * stride[axis], 0);
}

/** The elements in row-major order. `source` begins at the tensor's first element. */
export function gather(source: StoredArray, { shape, stride }: Pick<PickledTensor, 'shape' | 'stride'>): StoredArray {
  const count = elementCount(shape);
  // Both are of one kind, which the compiler cannot know.
  const out = new (source.constructor as new (length: number) => Float32Array)(count);
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < count; i++) {
    out[i] = source[at] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += stride[axis];
      if (++index[axis] < shape[axis]) break;
      at -= shape[axis] * stride[axis];
      index[axis] = 0;
    }
  }
  return out;
}

function isStorage(value: unknown): value is PickledStorage {
  return typeof value === 'object' && value !== null && 'key' in value && 'bytes' in value && 'begin' in value;
}

function isKey(key: unknown): boolean {
  return typeof key === 'string' || isCount(key);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}
