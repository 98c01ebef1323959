/**
 * Mixed precision (Micikevicius et al. 2018, arXiv 1710.03740): of a graph in f32 the products, and what lies between them,
 * are computed and kept in halves; sums, means, exponentials, quotients and the statistics of norms stay f32. Inputs and
 * outputs stay f32, so weights are rounded once in every run and gradients come out in f32.
 */
import { Graph } from '../graph.js';
import { cast, matmul, reshape, sum } from '../ops/index.js';
import { constantOperator, type DType, inputOperator, isFloat, Node, type Tensor } from '../tensor.js';

/** Computed in halves. Softmax and norms are kernels that store halves but sum in f32; the statistics of norms are f32. */
const IN_HALVES = new Set(['matmul', 'conv', 'convTranspose', 'softmax', 'normalize', 'layerNorm']);
const KEPT_STATISTICS = new Set(['normalize', 'layerNorm']);

/** Take the precision of what they read; where halves meet floats they compute in f32. */
const LAYOUT = ['reshape', 'transpose', 'expand', 'concat', 'split', 'slice', 'pad', 'gather', 'stopGradient'];
const ARITHMETIC = ['add', 'sub', 'mul', 'neg', 'abs', 'maximum', 'minimum', 'where'];
const ACTIVATIONS = ['relu', 'squaredRelu', 'tanh', 'sigmoid', 'erf', 'gelu'];
const COMPARISONS = ['equal', 'less', 'greater', 'lessEqual', 'greaterEqual'];
const ADAPTING = new Set([...LAYOUT, ...ARITHMETIC, ...ACTIVATIONS, ...COMPARISONS]);

/**
 * Terms that one product may sum in halves. GPU kernels accumulate in the type that they store: 4096 ones make 2048 there,
 * and small terms vanish beside a large sum.
 */
const LONGEST_SUM = 1024;
/** Parts of a longer sum that would be shorter than this are not worth a product of their own. */
const SHORTEST_PART = 64;

/**
 * Converts an optimised graph.
 * @param yields whether an input takes the precision of what it meets, as weights and random draws do; others (signals, and
 *   with them the loss) are f32 wherever they meet halves
 * @param inFull operators that are to stay in f32 although kernels of halves sum in f32: a file does not know its device
 */
export function halfPrecision(
  graph: Graph,
  yields: (inputName: string) => boolean,
  inFull: readonly string[] = [],
): Graph {
  return new Conversion(graph, yields, (name) => IN_HALVES.has(name) && !inFull.includes(name)).run();
}

class Conversion {
  /** The new tensor of each old one, in the precision in which it is computed. */
  private readonly made = new Map<Tensor, Tensor>();
  private readonly halves = new Map<Tensor, Tensor>();
  /** New tensors in f32 that do not force f32 on what they meet. */
  private readonly yielding = new Set<Tensor>();
  private readonly onlyReadInFull: Set<Node>;

  constructor(
    private readonly graph: Graph,
    private readonly yields: (inputName: string) => boolean,
    private readonly inHalves: (operatorName: string) => boolean,
  ) {
    this.onlyReadInFull = readInFullAlone(graph, inHalves);
  }

  run(): Graph {
    for (const node of this.graph.nodes) this.convert(node);
    return new Graph(new Map([...this.graph.outputs].map(([name, t]) => [name, this.full(this.made.get(t)!)])));
  }

  private convert(node: Node): void {
    if (node.operator === inputOperator || node.operator === constantOperator) {
      const [leaf] = node.outputs;
      this.made.set(leaf, leaf);
      if (node.operator === constantOperator || this.yields(node.attributes.name as string)) this.yielding.add(leaf);
      return;
    }
    const inputs = node.inputs.map((t) => this.made.get(t)!);
    const { name } = node.operator;
    if (name === 'matmul' && innerSize(node) > LONGEST_SUM) {
      this.made.set(node.outputs[0], this.longProduct(node, inputs));
      return;
    }
    const dtype = this.dtypeOf(node, inputs);
    const outputs = this.apply(node, inputs, dtype);
    outputs.forEach((t, i) => this.made.set(node.outputs[i], t));
    // A truth value as a number is exact in any precision.
    const yieldsOn = ADAPTING.has(name) ? this.areYielding(inputs) : name === 'cast' && inputs[0].dtype === 'bool';
    if (yieldsOn && dtype === 'f32') for (const t of outputs) this.yielding.add(t);
  }

  private dtypeOf(node: Node, inputs: readonly Tensor[]): DType {
    if (this.inHalves(node.operator.name)) return 'f16';
    if (!ADAPTING.has(node.operator.name) || this.onlyReadInFull.has(node)) return 'f32';
    const deciding = inputs.filter((t) => isFloat(t.dtype) && !this.yielding.has(t));
    return deciding.length > 0 && deciding.every((t) => t.dtype === 'f16') ? 'f16' : 'f32';
  }

  private areYielding(inputs: readonly Tensor[]): boolean {
    return inputs.every((t) => !isFloat(t.dtype) || this.yielding.has(t));
  }

  /** The node on inputs of a precision. */
  private apply(node: Node, inputs: readonly Tensor[], dtype: DType): readonly Tensor[] {
    const converted = inputs.map((t) => (isFloat(t.dtype) ? (dtype === 'f16' ? this.half(t) : this.full(t)) : t));
    const types = node.outputs.map(({ shape, dtype: before }, i) => {
      const isStatistic = i > 0 && KEPT_STATISTICS.has(node.operator.name);
      return { shape, dtype: isFloat(before) && !isStatistic ? dtype : before };
    });
    const unchanged =
      converted.every((t, i) => t === node.inputs[i]) && types.every((type, i) => type.dtype === node.outputs[i].dtype);
    return unchanged ? node.outputs : new Node(node.operator, converted, node.attributes, types).outputs;
  }

  /** A product of long sums: in parts that are added in f32 where both matrices are cut along their rows, else in f32. */
  private longProduct(node: Node, [a, b]: readonly Tensor[]): Tensor {
    const { transA, transB, alpha } = node.attributes as { transA: boolean; transB: boolean; alpha: number };
    const rows = a.shape[0];
    const part = largestDivisor(rows, LONGEST_SUM);
    const isCut = a.rank === 2 && b.rank === 2 && transA && !transB && part >= SHORTEST_PART;
    if (!isCut) return this.apply(node, [a, b], 'f32')[0];
    const cut = (t: Tensor) => reshape(this.half(t), [rows / part, part, t.shape[1]]);
    return sum(cast(matmul(cut(a), cut(b), { transA, alpha }), 'f32'), 0);
  }

  /** The tensor in halves. Of weights that are only moved or repeated the weights themselves are rounded. */
  private half(t: Tensor): Tensor {
    if (t.dtype === 'f16') return t;
    let half = this.halves.get(t);
    if (!half) {
      const { node } = t;
      const [source] = node.inputs;
      const isRepeated = node.operator.name === 'expand' || node.operator.name === 'reshape';
      half =
        isRepeated && this.yielding.has(source)
          ? new Node(node.operator, [this.half(source)], node.attributes, [{ shape: t.shape, dtype: 'f16' }]).outputs[0]
          : cast(t, 'f16');
      this.halves.set(t, half);
    }
    return half;
  }

  /**
   * The tensor in f32, made anew for each reader: shared by the forward and the backward pass it would stay in memory
   * between them, at twice the size of the half.
   */
  private full(t: Tensor): Tensor {
    if (t.dtype !== 'f16') return t;
    const { operator, attributes } = cast(t, 'f32').node;
    // The mark keeps the copies from being merged again.
    const mark = { ...attributes, recomputed: this.copies++ };
    return new Node(operator, [t], mark, [{ shape: t.shape, dtype: 'f32' }]).outputs[0];
  }

  private copies = 0;
}

/** Nodes that could be either, and whose results are read by operators in f32 alone. */
function readInFullAlone(graph: Graph, inHalves: (operatorName: string) => boolean): Set<Node> {
  const readers = new Map<Node, Node[]>();
  for (const node of graph.nodes)
    for (const t of node.inputs) readers.set(t.node, [...(readers.get(t.node) ?? []), node]);
  const found = new Set<Node>();
  const isInFull = (node: Node) =>
    found.has(node) || !(inHalves(node.operator.name) || ADAPTING.has(node.operator.name));
  for (const node of [...graph.nodes].reverse()) {
    if (ADAPTING.has(node.operator.name) && (readers.get(node) ?? []).every(isInFull)) found.add(node);
  }
  return found;
}

function innerSize({ inputs: [a], attributes }: Node): number {
  return a.shape[a.rank - (attributes.transA ? 2 : 1)];
}

function largestDivisor(n: number, limit: number): number {
  for (let d = Math.min(n, limit); d > 1; d--) if (n % d === 0) return d;
  return 1;
}
