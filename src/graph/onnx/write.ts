/** Lowers a graph to an ONNX model. */
import { ProtoWriter } from '../../protobuf/index.js';
import type { Attribute, Emitter, Target } from '../emitter.js';
import { deepestLast, type Graph } from '../graph.js';
import { toHalfBits } from '../half.js';
import {
  constantOperator,
  type DType,
  inputOperator,
  type Node,
  type Tensor,
  type TensorType,
  type Values,
} from '../tensor.js';
import {
  ELEMENT_TYPES,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  writeExternalTensor,
  writeNode,
  writeSequenceInfo,
  writeTensor,
  writeValueInfo,
} from './model.js';

/** Operator set: 18 has reductions with axes as inputs; all providers of ONNX Runtime implement it. */
const OPSET = 18;
const IR_VERSION = 9;

/** What goes into a file besides the graph. */
export interface OnnxFileOptions {
  /** Key-value pairs stored in the file. */
  metadata?: Record<string, string>;
  /** Initialisers that the file refers to instead of holding them: the file that does, beside it, and where each begins there. */
  external?: { location: string; offsets: ReadonlyMap<string, number> };
}

/** How a graph is lowered. */
export interface OnnxOptions extends OnnxFileOptions {
  target: Target;
  /** Values of inputs that become constants of the file: the weights of an exported model. */
  weights?: ReadonlyMap<string, Values>;
  /**
   * For runs that write all outputs into storage of the caller: `NO_RESULTS`, an empty sequence, becomes the first output.
   * onnxruntime-node copies every output into a new array even so, which costs more than many a run; at the sequence, which
   * it cannot convert, it stops, when all outputs are written and before the first copy.
   */
  withoutResults?: boolean;
}

/** Name of the output that ends a run without results. */
export const NO_RESULTS = 'hiperceiver.no_results';

/** The graph as the bytes of an ONNX file. Inputs and outputs carry the graph's names. */
export function toOnnx(graph: Graph, { target, weights, withoutResults, ...file }: OnnxOptions): Uint8Array {
  const lowered = lowerGraph(graph, target, weights);
  if (withoutResults)
    lowered.nodes.push({
      type: 'SequenceEmpty',
      inputs: [],
      outputs: [NO_RESULTS],
      attributes: { dtype: ELEMENT_TYPES.f32 },
      domain: '',
    });
  return writeOnnx(lowered, file, withoutResults);
}

/** The graph as ONNX nodes; inputs with weights are initialisers there. */
export function lowerGraph(graph: Graph, target: Target, weights: ReadonlyMap<string, Values> = new Map()): OnnxGraph {
  const { nodes, initializers } = new Lowering(graph, target).run();
  for (const [name, t] of graph.inputs) {
    const data = weights.get(name);
    if (data)
      initializers.push({ name, shape: t.shape, elementType: ELEMENT_TYPES[t.dtype], data: stored(data, t.dtype) });
  }
  const inputs = [...graph.inputs].filter(([name]) => !weights.has(name));
  return { nodes, initializers, inputs, outputs: [...graph.outputs] };
}

/** A lowered graph as the bytes of an ONNX file. */
export function writeOnnx(
  { nodes, initializers, inputs, outputs }: OnnxGraph,
  { metadata = {}, external }: OnnxFileOptions = {},
  withoutResults = false,
): Uint8Array {
  const model = new ProtoWriter();
  model.int64(1, IR_VERSION).string(2, 'hiperceiver');
  model.message(7, (to) => {
    for (const node of nodes) to.message(1, (w) => writeNode(w, node));
    to.string(2, 'hiperceiver');
    for (const initializer of initializers) {
      const offset = external?.offsets.get(initializer.name);
      to.message(5, (w) =>
        offset === undefined
          ? writeTensor(w, initializer)
          : writeExternalTensor(w, initializer, { location: external!.location, offset }),
      );
    }
    for (const [name, t] of inputs) to.message(11, (w) => writeValueInfo(w, name, t.shape, ELEMENT_TYPES[t.dtype]));
    if (withoutResults) to.message(12, (w) => writeSequenceInfo(w, NO_RESULTS, ELEMENT_TYPES.f32));
    for (const [name, t] of outputs) to.message(12, (w) => writeValueInfo(w, name, t.shape, ELEMENT_TYPES[t.dtype]));
  });
  model.message(8, (w) => w.string(1, '').int64(2, OPSET));
  if (nodes.some((node) => node.domain)) model.message(8, (w) => w.string(1, 'com.microsoft').int64(2, 1));
  for (const [key, value] of Object.entries(metadata)) model.message(14, (w) => w.string(1, key).string(2, value));
  return model.finish();
}

/** Collects what the operators' lowerings write. */
class Lowering implements Emitter {
  private readonly names = new Map<Tensor, string>();
  private readonly onnxNodes: OnnxNode[] = [];
  private readonly initializers: OnnxTensor[] = [];
  private readonly shared = new Map<string, string>();
  private readonly used = new Set<Tensor>();
  private next = 0;

  constructor(
    private readonly graph: Graph,
    readonly target: Target,
  ) {}

  run(): { nodes: OnnxNode[]; initializers: OnnxTensor[] } {
    const { graph } = this;
    for (const node of graph.nodes) for (const t of node.inputs) this.used.add(t);
    for (const [name, t] of graph.inputs) this.names.set(t, name);
    // A computed tensor takes its output's name at once; a copy is made only where it already has another name.
    const copies: [string, Tensor][] = [];
    for (const [name, t] of graph.outputs) {
      this.used.add(t);
      const isComputed = t.node.operator !== inputOperator && t.node.operator !== constantOperator;
      if (isComputed && !this.names.has(t)) this.names.set(t, name);
      else copies.push([name, t]);
    }
    for (const node of deepestLast(graph.nodes)) node.operator.lower(this, node, node.attributes);
    for (const [name, t] of copies) this.node('Identity', [this.name(t)], {}, name);
    return { nodes: this.onnxNodes, initializers: this.initializers };
  }

  name(tensor: Tensor): string {
    let name = this.names.get(tensor);
    if (name === undefined) {
      name = this.fresh(tensor.node.operator.name);
      this.names.set(tensor, name);
    }
    return name;
  }

  nameOutput(node: Node, index: number, name: string): void {
    this.names.set(node.outputs[index], name);
  }

  isUsed(node: Node, index: number): boolean {
    return this.used.has(node.outputs[index]);
  }

  node(
    type: string,
    inputs: string[],
    attributes: Record<string, Attribute> = {},
    to = this.fresh(type),
    domain = '',
  ): string {
    this.nodes(type, inputs, [to], attributes, domain);
    return to;
  }

  nodes(
    type: string,
    inputs: string[],
    outputs: string[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): void {
    this.onnxNodes.push({ type, inputs, outputs, attributes, domain });
  }

  constant(values: Values, { shape, dtype }: TensorType): string {
    return this.initializer(stored(values, dtype), shape, ELEMENT_TYPES[dtype]);
  }

  int64(values: readonly number[]): string {
    return this.initializer(BigInt64Array.from(values, BigInt), [values.length], ELEMENT_TYPES.i64);
  }

  float(value: number, dtype: DType = 'f32'): string {
    return this.constant(Float32Array.of(value), { shape: [], dtype });
  }

  private initializer(data: OnnxTensor['data'], shape: readonly number[], elementType: number): string {
    const key = data.length <= 64 ? `${elementType}[${shape}]${data.join()}` : undefined;
    const known = key === undefined ? undefined : this.shared.get(key);
    if (known !== undefined) return known;
    const name = this.fresh('constant');
    this.initializers.push({ name, shape, elementType, data });
    if (key !== undefined) this.shared.set(key, name);
    return name;
  }

  private fresh(hint: string): string {
    return `${hint}_${this.next++}`;
  }
}

/** Values as the file holds them: doubles as f32, halves as their bits. */
function stored(values: Values, dtype: DType): OnnxTensor['data'] {
  if (dtype === 'f16') return toHalfBits(values);
  return values instanceof Float64Array ? Float32Array.from(values) : values;
}
