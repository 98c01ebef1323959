/** The order of a run, kept by the file of a graph that ONNX Runtime has optimised. */
import { type ProtoField, ProtoWriter, readFields } from '../protobuf/index.js';

/** Field numbers of ONNX. */
const MODEL = { graph: 7 };
const GRAPH = { node: 1 };

/**
 * The model with its nodes last to first. ONNX Runtime writes them as it runs them, but what it reads it runs in another
 * order: depth first from the last node that nobody reads, and of a node's inputs to the one that stands last. Of a file that
 * runs backwards that makes the very order that was written, and with it the same need of memory: otherwise layers would be
 * computed again all at once, before the gradient comes down to them.
 * @param model as ONNX Runtime wrote it; the result is for ONNX Runtime alone, for ONNX wants nodes after what they read
 */
export function lastToFirst(model: Uint8Array): Uint8Array {
  const writer = new ProtoWriter();
  for (const field of readFields(model)) {
    if (field.number === MODEL.graph) writer.bytes(MODEL.graph, graphLastToFirst(field.bytes()));
    else copy(field, writer);
  }
  return writer.finish();
}

function graphLastToFirst(graph: Uint8Array): Uint8Array {
  const fields = [...readFields(graph)];
  const writer = new ProtoWriter();
  for (const node of fields.filter(({ number }) => number === GRAPH.node).reverse()) copy(node, writer);
  for (const other of fields.filter(({ number }) => number !== GRAPH.node)) copy(other, writer);
  return writer.finish();
}

const VARINT = 0;

/** Models and graphs have integers and what carries its length, and nothing else. */
function copy(field: ProtoField, writer: ProtoWriter): void {
  if (field.wireType === VARINT) writer.int64(field.number, field.bigint());
  else writer.bytes(field.number, field.bytes());
}
