/**
 * The calls that checkpoints of weights are made of, and what they make here: data, and never more. A global that is not in
 * this list can be named by a pickle but not called.
 */

import { PickleRefusal } from '../pickle/cursor.js';
import { damaged, PickledGlobal, type PickleHost } from '../pickle/machine.js';
import { shown } from '../shown.js';
import { PickledTensor, storageOf, viewOf } from './pickledTensor.js';

/** `spend` counts what a call copies, in bytes: one pickle can make a million calls on one long list. */
type Call = (args: unknown[], spend: (bytes: number) => void) => unknown;

/** Bytes that the calls of one pickle may copy. */
const MOST_COPIED = 2 ** 27;
const ITEM_BYTES = 16;

/** A value of which nothing but its being there matters to the reading of weights. */
export class InertValue {
  constructor(
    readonly kind: string,
    readonly args: unknown[],
  ) {}
}

const inert =
  (kind: string): Call =>
  (args) =>
    new InertValue(kind, args);

/** An object whose state is a dictionary, or which is one: its fields. */
export class PickledFields extends Map<unknown, unknown> {}

const record: Call = () => new PickledFields();

const text: Call = ([value]) => {
  if (typeof value !== 'string') throw damaged();
  return value;
};

/** A tensor with elements that are kept as they are; those that are kept negated occur in no weights. */
function rebuild(storage: unknown, offset: unknown, shape: unknown, stride: unknown, metadata: unknown, type?: string) {
  if (metadata instanceof Map && metadata.get('neg') === true) throw new PickleRefusal('has a tensor kept negated');
  return viewOf(storage, offset, shape, stride, type);
}

const pairs: Call = ([items], spend) => {
  if (items === undefined) return new Map();
  if (items instanceof Map) return items;
  if (Array.isArray(items)) spend(items.length * ITEM_BYTES);
  if (!Array.isArray(items) || !items.every((pair) => Array.isArray(pair) && pair.length === 2)) throw damaged();
  return new Map(items as [unknown, unknown][]);
};

/** Lists and tuples are shared, not copied: nothing here tells one object from two. */
const list: Call = ([items = []], spend) => {
  if (items instanceof Set) spend(items.size * ITEM_BYTES);
  if (items instanceof Set) return [...items];
  if (!Array.isArray(items)) throw damaged();
  return items;
};

const set: Call = (args, spend) => {
  const items = list(args, spend) as unknown[];
  spend(items.length * ITEM_BYTES);
  return new Set(items);
};

/** A path from its parts. */
const path: Call = (parts) => {
  if (!parts.every((part) => typeof part === 'string' && part.length < 4096) || parts.length > 64) throw damaged();
  return parts.join('/').replace(/^\/\//, '/');
};

function tensorIn([tensor]: unknown[]): PickledTensor {
  if (!(tensor instanceof PickledTensor)) throw damaged();
  return tensor;
}

function typeName(type: unknown): string {
  if (!(type instanceof PickledGlobal) || type.module !== 'torch') throw damaged();
  return type.name;
}

const calls: Record<string, Call> = {
  'torch._utils._rebuild_tensor': ([storage, offset, shape, stride]) => rebuild(storage, offset, shape, stride, null),
  'torch._utils._rebuild_tensor_v2': ([storage, offset, shape, stride, , , metadata]) =>
    rebuild(storage, offset, shape, stride, metadata),
  'torch._utils._rebuild_tensor_v3': ([storage, offset, shape, stride, , , type, metadata]) =>
    rebuild(storage, offset, shape, stride, metadata, typeName(type)),
  'torch._utils._rebuild_parameter': tensorIn,
  'torch._utils._rebuild_parameter_with_state': tensorIn,
  'torch.nn.parameter.Parameter': tensorIn,
  'torch.Size': ([sizes]) => sizes,
  'torch.device': inert('torch.device'),
  'torch.serialization._get_layout': text,
  'torch.torch_version.TorchVersion': text,
  'collections.OrderedDict': pairs,
  'collections.Counter': pairs,
  'collections.defaultdict': ([, items]) => items ?? new Map(),
  '_codecs.encode': ([value], spend) => {
    if (typeof value !== 'string') throw damaged();
    spend(value.length);
    return Uint8Array.from(Buffer.from(value, 'latin1'));
  },
  'argparse.Namespace': record,
  'types.SimpleNamespace': record,
  'yacs.config.CfgNode': record,
  'easydict.EasyDict': record,
  'numpy.dtype': inert('numpy.dtype'),
  'datetime.date': inert('datetime.date'),
  'datetime.datetime': inert('datetime.datetime'),
  'datetime.timedelta': inert('datetime.timedelta'),
};

for (const module of ['builtins', '__builtin__']) {
  calls[`${module}.dict`] = pairs;
  calls[`${module}.list`] = list;
  calls[`${module}.tuple`] = list;
  calls[`${module}.set`] = set;
  calls[`${module}.frozenset`] = set;
  for (const name of ['complex', 'slice', 'bytearray', 'object', 'range', 'xrange'])
    calls[`${module}.${name}`] = inert(name);
}
for (const module of ['numpy.core', 'numpy._core']) {
  calls[`${module}.multiarray.scalar`] = numpyScalar;
  calls[`${module}.multiarray._reconstruct`] = inert('numpy.ndarray');
  calls[`${module}.numeric._frombuffer`] = inert('numpy.ndarray');
}
for (const module of ['pathlib', 'pathlib._local']) {
  for (const name of ['PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath'])
    calls[`${module}.${name}`] = path;
}
for (const module of ['copyreg', 'copy_reg']) {
  // Protocols 0 and 1 make an object of a class through this.
  calls[`${module}._reconstructor`] = ([type], spend) => {
    if (!(type instanceof PickledGlobal)) throw damaged();
    return callOf(type)([], spend);
  };
}
for (const version of ['_rebuild_from_type', '_rebuild_from_type_v2']) {
  // A tensor with attributes of its own: `(function, type, arguments, state)`.
  calls[`torch._tensor.${version}`] = ([rebuilder, type, args], spend) => {
    if (!(rebuilder instanceof PickledGlobal) || rebuilder.module !== 'torch._utils' || !Array.isArray(args))
      throw damaged();
    if (!['torch.Tensor', 'torch._tensor.Tensor', 'torch.nn.parameter.Parameter'].includes(nameOf(type)))
      throw new PickleRefusal(`has a tensor of the class ${shown(nameOf(type))}`);
    return tensorIn([callOf(rebuilder)(args, spend)]);
  };
}

/** What a call of the global makes. @throws PickleRefusal, with its name, where it is not in the list. */
function callOf(global: PickledGlobal): Call {
  const name = String(global);
  if (!Object.hasOwn(calls, name)) throw refused(name);
  return calls[name];
}

function refused(name: string): PickleRefusal {
  return new PickleRefusal(
    `calls ${shown(name)}, which weights do not need, and so is not read: let torch.save write model.state_dict() alone`,
  );
}

/** Surroundings in which PyTorch's pickles are data. `onStorage` hears of each storage as it is named. */
export function torchHost(onStorage: (storage: ReturnType<typeof storageOf>) => void = () => undefined): PickleHost {
  let copied = 0;
  const spend = (bytes: number) => {
    copied += bytes;
    if (copied > MOST_COPIED) throw new PickleRefusal(`copies more than ${MOST_COPIED} bytes within its pickle`);
  };
  return {
    call: (global, args) => callOf(global)(args, spend),
    setState(object, state) {
      if (object instanceof PickledGlobal) throw refused(String(object));
      // Fields of a record; the state of an ordered dictionary or of a tensor (its attributes) says nothing of weights.
      if (object instanceof PickledFields && state instanceof Map)
        for (const [key, value] of state) object.set(key, value);
      else if (object instanceof InertValue) object.args.push(state);
    },
    persistent(id) {
      const storage = storageOf(id);
      onStorage(storage);
      return storage;
    },
  };
}

/** A global's name; anything else has none. */
function nameOf(global: unknown): string {
  return global instanceof PickledGlobal ? String(global) : 'without a name';
}

/** `(dtype, bytes)` as a number, where it is one of the usual types. */
function numpyScalar([type, bytes]: unknown[]): unknown {
  const name = type instanceof InertValue && typeof type.args[0] === 'string' ? type.args[0] : '';
  if (!(bytes instanceof Uint8Array)) return new InertValue('numpy scalar', [type, bytes]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const readers: Record<string, [number, () => number]> = {
    f8: [8, () => view.getFloat64(0, true)],
    f4: [4, () => view.getFloat32(0, true)],
    i8: [8, () => Number(view.getBigInt64(0, true))],
    i4: [4, () => view.getInt32(0, true)],
    u1: [1, () => view.getUint8(0)],
    b1: [1, () => view.getUint8(0)],
  };
  const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
  return reader && reader[0] === bytes.length ? reader[1]() : new InertValue('numpy scalar', [type, bytes]);
}
