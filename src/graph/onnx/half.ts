/**
 * A lowered graph in half precision. Products and what lies between them are computed in float16; norms, softmax, reductions
 * and functions in float32, where float16 overflows or loses digits. Inputs and outputs stay float32.
 */
import { toHalfBits } from '../half.js';
import { ELEMENT_TYPES, type OnnxGraph, type OnnxNode, type OnnxTensor } from './model.js';

/** Above it halves are infinite. */
const LARGEST_HALF = 65504;

type Precision = 'half' | 'full';

/** Computed in half precision whatever they are given. */
const PRODUCTS = new Set(['MatMul', 'Conv', 'ConvTranspose']);

/** Computed in the precision of what they are given, so that values are not converted to and fro for their sake. */
const FOLLOWING = new Set([
  ...['Add', 'Sub', 'Mul', 'Neg', 'Abs', 'Relu', 'Max', 'Min', 'Where', 'Identity'],
  ...['Reshape', 'Transpose', 'Expand', 'Slice', 'Split', 'Concat', 'Gather', 'Pad'],
]);

const LOGICAL = new Set(['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'And', 'Or', 'Not']);

/** The same graph with weights and activations in float16. Takes portable graphs: standard operators alone. */
export function toHalf(graph: OnnxGraph): OnnxGraph {
  return new HalfPrecision(graph).run();
}

class HalfPrecision {
  /** Initialisers of floats. */
  private readonly constants = new Map<string, OnnxTensor>();
  /** In which precision each float value is computed. Constants have none; what is not here is no float. */
  private readonly computed = new Map<string, Precision>();
  /** The name under which a value exists in a precision. */
  private readonly names = { half: new Map<string, string>(), full: new Map<string, string>() };
  private readonly nodes: OnnxNode[] = [];

  constructor(private readonly graph: OnnxGraph) {}

  run(): OnnxGraph {
    const { inputs, outputs, initializers } = this.graph;
    for (const tensor of initializers) {
      if (tensor.elementType === ELEMENT_TYPES.f32) this.constants.set(tensor.name, tensor);
    }
    for (const [name, { dtype }] of inputs) if (dtype === 'f32') this.exists(name, 'full', name);
    const results = new Set(outputs.map(([name]) => name));
    for (const node of this.graph.nodes) this.add(node, results);
    return { inputs, outputs, nodes: this.nodes, initializers: initializers.flatMap((tensor) => this.stored(tensor)) };
  }

  private add(node: OnnxNode, results: Set<string>): void {
    const precision = this.precisionOf(node);
    const inputs = node.inputs.map((name) => this.as(name, precision));
    const outputs = node.outputs.map((name, i) => {
      if (!this.givesFloat(node, i)) return name;
      const own = precision === 'half' && results.has(name) ? `${name}.half` : name;
      this.exists(name, precision, own);
      return own;
    });
    this.nodes.push({ ...node, inputs, outputs });
    for (const name of node.outputs) if (results.has(name)) this.as(name, 'full');
  }

  private precisionOf(node: OnnxNode): Precision {
    const tooLarge = node.inputs.some((name) => this.constants.has(name) && !fits(this.constants.get(name)!));
    if (tooLarge) return 'full';
    if (PRODUCTS.has(node.type)) return 'half';
    if (!FOLLOWING.has(node.type)) return 'full';
    const given = node.inputs.map((name) => this.computed.get(name)).filter((p) => p !== undefined);
    return given.length === 0 || given.includes('half') ? 'half' : 'full';
  }

  private isFloat(name: string): boolean {
    return this.constants.has(name) || this.computed.has(name);
  }

  private givesFloat(node: OnnxNode, output: number): boolean {
    if (node.type === 'Cast') return node.attributes.to === ELEMENT_TYPES.f32;
    if (LOGICAL.has(node.type) || (node.type === 'TopK' && output === 1)) return false;
    return node.inputs.some((name) => this.isFloat(name));
  }

  private exists(value: string, precision: Precision, name: string): void {
    this.computed.set(value, precision);
    this.names[precision].set(value, name);
  }

  /** The name of a value in that precision; it is converted once, when first asked for. */
  private as(value: string, precision: Precision): string {
    if (!this.isFloat(value)) return value;
    const known = this.names[precision].get(value);
    if (known !== undefined) return known;
    const from = this.names[precision === 'half' ? 'full' : 'half'].get(value);
    // A constant keeps its name in the first precision that is asked for; an output of the graph has it in float32.
    const isFree = this.constants.has(value) ? from === undefined : precision === 'full' && from !== value;
    const name = isFree ? value : `${value}.${precision}`;
    this.names[precision].set(value, name);
    if (!this.constants.has(value)) {
      const to = precision === 'half' ? ELEMENT_TYPES.f16 : ELEMENT_TYPES.f32;
      this.nodes.push({ type: 'Cast', inputs: [from!], outputs: [name], attributes: { to }, domain: '' });
    }
    return name;
  }

  /** A constant in each precision that was asked for. */
  private stored(tensor: OnnxTensor): OnnxTensor[] {
    if (!this.constants.has(tensor.name)) return [tensor];
    const [half, full] = [this.names.half.get(tensor.name), this.names.full.get(tensor.name)];
    return [
      ...(half ? [{ ...tensor, name: half, elementType: ELEMENT_TYPES.f16, data: toHalfBits(numbers(tensor)) }] : []),
      ...(full ? [{ ...tensor, name: full }] : []),
    ];
  }
}

function fits(tensor: OnnxTensor): boolean {
  return numbers(tensor).every((v) => Math.abs(v) <= LARGEST_HALF || !Number.isFinite(v));
}

function numbers({ data }: OnnxTensor): Float32Array {
  return data as Float32Array;
}
