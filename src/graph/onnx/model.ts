/** The messages of onnx.proto that a model of plain tensors needs, written field by field. */
import type { ProtoWriter } from '../../protobuf/index.js';
import type { Attribute } from '../emitter.js';
import type { DType, TensorType, Values } from '../tensor.js';

/** TensorProto.DataType. */
export const ELEMENT_TYPES: Record<DType | 'i8' | 'i64', number> = {
  f32: 1,
  i8: 3,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
};

/** AttributeProto.AttributeType. */
const ATTRIBUTE = { FLOAT: 1, INT: 2, STRING: 3, INTS: 7 };

/** TensorProto.DataLocation. */
const EXTERNAL = 1;

/** NodeProto. */
export interface OnnxNode {
  type: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
  domain: string;
}

/** TensorProto; `data` in row-major order, half-precision floats as their bits. */
export interface OnnxTensor {
  name: string;
  shape: readonly number[];
  elementType: number;
  data: Values | BigInt64Array | Uint16Array | Int8Array;
}

/** GraphProto: a lowered graph before it becomes bytes. Nodes stand after those whose results they read. */
export interface OnnxGraph {
  nodes: OnnxNode[];
  initializers: OnnxTensor[];
  inputs: [name: string, type: TensorType][];
  outputs: [name: string, type: TensorType][];
}

/** Writes a NodeProto. */
export function writeNode(to: ProtoWriter, node: OnnxNode): void {
  for (const name of node.inputs) to.string(1, name);
  for (const name of node.outputs) to.string(2, name);
  to.string(4, node.type);
  for (const [name, value] of Object.entries(node.attributes))
    to.message(5, (attribute) => writeAttribute(attribute, name, value));
  if (node.domain) to.string(7, node.domain);
}

function writeAttribute(to: ProtoWriter, name: string, value: Attribute): void {
  to.string(1, name);
  if (typeof value === 'number') to.int64(3, value).uint(20, ATTRIBUTE.INT);
  else if (typeof value === 'string') to.bytes(4, new TextEncoder().encode(value)).uint(20, ATTRIBUTE.STRING);
  else if (Array.isArray(value)) {
    for (const n of value) to.int64(8, n);
    to.uint(20, ATTRIBUTE.INTS);
  } else to.float(2, value.float).uint(20, ATTRIBUTE.FLOAT);
}

/** Writes a TensorProto that holds its data. */
export function writeTensor(to: ProtoWriter, { name, shape, elementType, data }: OnnxTensor): void {
  for (const n of shape) to.int64(1, n);
  to.uint(2, elementType).string(8, name);
  to.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** A tensor whose data lies in another file, `length` bytes from `offset` on (TensorProto.external_data). */
export function writeExternalTensor(
  to: ProtoWriter,
  { name, shape, elementType, data }: OnnxTensor,
  { location, offset }: { location: string; offset: number },
): void {
  for (const n of shape) to.int64(1, n);
  to.uint(2, elementType).string(8, name);
  for (const [key, value] of Object.entries({ location, offset, length: data.byteLength })) {
    to.message(13, (entry) => entry.string(1, key).string(2, String(value)));
  }
  to.uint(14, EXTERNAL);
}

/** Writes a ValueInfoProto: name and type of an input or output. */
export function writeValueInfo(to: ProtoWriter, name: string, shape: readonly number[], elementType: number): void {
  to.string(1, name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.uint(1, elementType).message(2, (dims) => {
        for (const n of shape) dims.message(1, (dim) => dim.int64(1, n));
      }),
    ),
  );
}

/** A sequence of tensors of any shape. */
export function writeSequenceInfo(to: ProtoWriter, name: string, elementType: number): void {
  to.string(1, name).message(2, (type) =>
    type.message(4, (sequence) =>
      sequence.message(1, (element) => element.message(1, (tensor) => tensor.uint(1, elementType))),
    ),
  );
}
