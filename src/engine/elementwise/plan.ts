/**
 * Element-wise graphs over resident buffers (an optimiser's update, the accumulation of gradients) as passes over memory.
 * Operator by operator such a graph reads and writes every array a dozen times; here each is read and written once, in
 * place. Graphs that hold anything else are left to ONNX Runtime.
 */
import { constantValues, type Graph, type Node, sizeOf, type Tensor } from '../../graph/index.js';
import type { Residency } from '../types.js';
import { ARITHMETIC, type Arithmetic, type KernelSource, type Step } from './kernel.js';

/** A number of the graph: fed, constant, computed from others, or the sum of passes. */
export type ScalarSource =
  | { kind: 'fed'; name: string }
  | { kind: 'constant'; value: number }
  | { kind: 'compute'; operator: Arithmetic; scalars: number[] }
  | { kind: 'sum'; passes: number[] };

/** A kernel applied to buffers of `count` elements. */
export interface Pass {
  kernel: number;
  count: number;
  buffers: string[];
  scalars: number[];
}

/** What is run, in the order of `passes`; a scalar is computed when a pass or the caller first needs it. */
export interface ElementwisePlan {
  kernels: KernelSource[];
  scalars: ScalarSource[];
  passes: Pass[];
  /** Graph outputs that are returned → scalars. */
  returned: Record<string, number>;
  /** All buffers that are read or written, with their numbers of elements. */
  buffers: Record<string, number>;
  /** Those whose memory other programs may use between two runs. */
  consumed: readonly string[];
  /** Those that are written and not read: a run creates them. */
  created: Record<string, readonly number[]>;
}

/** An array: a buffer, or a computation on arrays and scalars. */
interface ArrayNode {
  id: number;
  count: number;
  buffer?: string;
  operator?: Arithmetic;
  operands: (ArrayNode | number)[];
}

/**
 * The value of a tensor: a scalar, or arrays end to end; `summed`: the sums over parts of them, to be added up together with
 * the scalars `totals`, sums that stand beside them.
 */
type Value = { scalar: number } | { parts: ArrayNode[]; summed: boolean; totals?: number[] };

/** Thrown inside, where the graph holds what passes cannot do. */
class Unsuited extends Error {}

const isArithmetic = (name: string): name is Arithmetic => (ARITHMETIC as readonly string[]).includes(name);

/** The plan of an optimised graph, or undefined where it is not element-wise over resident buffers. */
export function elementwisePlan(graph: Graph, residency: Residency): ElementwisePlan | undefined {
  const writes = Object.keys(residency.outputs ?? {}).length > 0;
  // A guarded program decides after its run whether what it wrote is kept: nothing may be written in place.
  if (!writes || residency.guard !== undefined) return undefined;
  try {
    return new Planner(graph, residency).plan();
  } catch (error) {
    if (error instanceof Unsuited) return undefined;
    throw error;
  }
}

class Planner {
  private readonly values = new Map<Tensor, Value>();
  private readonly arrays: ArrayNode[] = [];
  private readonly scalars: ScalarSource[] = [];
  private readonly passes: Pass[] = [];
  private readonly kernels: KernelSource[] = [];
  private readonly kernelNumbers = new Map<string, number>();

  constructor(
    private readonly graph: Graph,
    private readonly residency: Residency,
  ) {}

  plan(): ElementwisePlan {
    for (const node of this.graph.nodes) this.visit(node);
    const stores: [buffer: string, array: ArrayNode][] = [];
    const returned: Record<string, number> = {};
    const created: Record<string, readonly number[]> = {};
    const read = new Set(Object.values(this.residency.inputs ?? {}));
    for (const [name, tensor] of this.graph.outputs) {
      const value = this.values.get(tensor)!;
      const buffer = this.residency.outputs?.[name];
      if (buffer === undefined) returned[name] = scalarOf(value);
      else {
        stores.push([buffer, onlyArray(value)]);
        if (!read.has(buffer)) created[buffer] = tensor.shape;
      }
    }
    for (const component of connected(stores)) this.store(component);
    this.checkOrder();
    const buffers: Record<string, number> = {};
    for (const { buffers: names, count } of this.passes)
      for (const name of names) {
        if ((buffers[name] ??= count) !== count) throw new Unsuited();
      }
    const { kernels, scalars, passes, residency } = this;
    return { kernels, scalars, passes, returned, buffers, consumed: residency.consumes ?? [], created };
  }

  private visit(node: Node): void {
    const [output] = node.outputs;
    this.values.set(output, this.valueOf(node));
    if (node.operator.name === 'split') {
      const parts = [...arraysOf(this.values.get(node.inputs[0])!)];
      for (const t of node.outputs) {
        this.values.set(t, { parts: take(parts, t.size), summed: false });
      }
    }
  }

  private valueOf(node: Node): Value {
    const { name } = node.operator;
    const [output] = node.outputs;
    const operands = node.inputs.map((t) => this.values.get(t)!);
    if (name === 'input') return this.inputValue(node.attributes.name as string, output);
    const constant = constantValues(output);
    if (constant) {
      if (constant.length !== 1 || output.dtype !== 'f32') throw new Unsuited();
      return this.scalar({ kind: 'constant', value: constant[0] });
    }
    if (name === 'reshape') return operands[0];
    if (name === 'split') return { parts: [], summed: false };
    if (name === 'concat') return concatenated(node, operands);
    if (name === 'sum') return this.sum(node, operands[0]);
    if (!isArithmetic(name)) throw new Unsuited();
    return this.compute(name, node, operands);
  }

  private inputValue(name: string, { dtype, shape }: Tensor): Value {
    if (dtype !== 'f32') throw new Unsuited();
    const buffer = this.residency.inputs?.[name];
    if (buffer !== undefined) return { parts: [this.array(sizeOf(shape), { buffer })], summed: false };
    if (sizeOf(shape) !== 1) throw new Unsuited();
    return this.scalar({ kind: 'fed', name });
  }

  private compute(operator: Arithmetic, node: Node, operands: Value[]): Value {
    if (operands.every((v) => 'scalar' in v))
      return this.scalar({ kind: 'compute', operator, scalars: operands.map(scalarOf) });
    const size = node.outputs[0].size;
    if (node.inputs.some((t, i) => !('scalar' in operands[i]) && t.size !== size)) throw new Unsuited();
    const [first] = operands.filter((v) => !('scalar' in v)).map(arraysOf);
    const parts = first.map((like, i) => {
      const inputs = operands.map((v) => ('scalar' in v ? v.scalar : arraysOf(v)[i]));
      if (inputs.some((x) => typeof x !== 'number' && x?.count !== like.count)) throw new Unsuited();
      return this.array(like.count, { operator, operands: inputs });
    });
    return { parts, summed: false };
  }

  /** Sums along some axes are left open until all is summed: only the total is ever asked for. */
  private sum(node: Node, operand: Value): Value {
    if ('scalar' in operand) return operand;
    const { parts, totals = [] } = operand;
    if (node.outputs[0].size !== 1) return { parts, summed: true, totals };
    const passes = parts.map((part) => this.pass([part], (step) => ({ stores: [], sum: step(part) })));
    return totals.reduce<Value>(
      (sum, total) => this.scalar({ kind: 'compute', operator: 'add', scalars: [scalarOf(sum), total] }),
      this.scalar({ kind: 'sum', passes }),
    );
  }

  private store(stores: [buffer: string, array: ArrayNode][]): void {
    this.pass(
      stores.map(([, array]) => array),
      (step, array) => ({ stores: stores.map(([buffer, node]) => [step(node), array(buffer)]) }),
    );
  }

  /** Adds a pass that computes `roots`; `sinks` says what becomes of them. Returns its number. */
  private pass(
    roots: ArrayNode[],
    sinks: (
      step: (node: ArrayNode) => number,
      array: (buffer: string) => number,
    ) => Pick<KernelSource, 'stores' | 'sum'>,
  ): number {
    const buffers: string[] = [];
    const scalars: number[] = [];
    const steps: Step[] = [];
    const stepOf = new Map<ArrayNode | number, number>();
    const index = <T>(list: T[], item: T) => (list.includes(item) ? list.indexOf(item) : list.push(item) - 1);
    const visit = (node: ArrayNode | number): number => {
      const known = stepOf.get(node);
      if (known !== undefined) return known;
      const step: Step =
        typeof node === 'number'
          ? { kind: 'scalar', index: index(scalars, node) }
          : node.buffer !== undefined
            ? { kind: 'array', index: index(buffers, node.buffer) }
            : { kind: 'compute', operator: node.operator!, steps: node.operands.map(visit) };
      stepOf.set(node, steps.push(step) - 1);
      return steps.length - 1;
    };
    roots.forEach(visit);
    const ends = sinks(
      (node) => stepOf.get(node)!,
      (buffer) => index(buffers, buffer),
    );
    const source: KernelSource = { arrays: buffers.length, scalars: scalars.length, steps, ...ends };
    return this.passes.push({ kernel: this.kernel(source), count: roots[0].count, buffers, scalars }) - 1;
  }

  /** The number of a kernel; equal ones, of which a model's parameters need hundreds, are one. */
  private kernel(source: KernelSource): number {
    const key = JSON.stringify(source);
    const known = this.kernelNumbers.get(key);
    if (known !== undefined) return known;
    this.kernelNumbers.set(key, this.kernels.length);
    return this.kernels.push(source) - 1;
  }

  /** Buffers are written in place: nothing may read one, or write it again, after the pass that writes it. */
  private checkOrder(): void {
    const written = new Set<string>();
    for (const { kernel, buffers } of this.passes) {
      if (buffers.some((buffer) => written.has(buffer))) throw new Unsuited();
      for (const [, array] of this.kernels[kernel].stores) written.add(buffers[array]);
    }
  }

  private array(count: number, rest: Partial<ArrayNode>): ArrayNode {
    const node = { id: this.arrays.length, count, operands: [], ...rest };
    this.arrays.push(node);
    return node;
  }

  private scalar(source: ScalarSource): Value {
    return { scalar: this.scalars.push(source) - 1 };
  }
}

/** Stores that share a computation belong into one pass: each value is then computed once, before any buffer changes. */
function connected(stores: [string, ArrayNode][]): [string, ArrayNode][][] {
  const groupOf = new Map<ArrayNode, [string, ArrayNode][]>();
  const groups = new Set<[string, ArrayNode][]>();
  for (const store of stores) {
    const nodes = reach(store[1]);
    const group: [string, ArrayNode][] = [store];
    for (const other of new Set(nodes.map((n) => groupOf.get(n)).filter((g) => g !== undefined))) {
      group.push(...other);
      groups.delete(other);
    }
    groups.add(group);
    for (const [, root] of group) for (const node of reach(root)) groupOf.set(node, group);
  }
  return [...groups];
}

function reach(root: ArrayNode): ArrayNode[] {
  const seen = new Set<ArrayNode>([root]);
  for (const node of seen) for (const x of node.operands) if (typeof x !== 'number') seen.add(x);
  return [...seen];
}

function concatenated(node: Node, operands: Value[]): Value {
  if (node.attributes.axis !== 0) throw new Unsuited();
  // Of a parameter of one row the sum by rows is a number already.
  const all = operands.map((v) => ('scalar' in v ? { parts: [], summed: true, totals: [v.scalar] } : v));
  return {
    parts: all.flatMap((v) => v.parts),
    summed: all.some((v) => v.summed),
    totals: all.flatMap((v) => v.totals ?? []),
  };
}

function take(parts: ArrayNode[], size: number): ArrayNode[] {
  const taken: ArrayNode[] = [];
  for (let rest = size; rest > 0; rest -= taken[taken.length - 1].count) {
    const next = parts.shift();
    if (!next || next.count > rest) throw new Unsuited();
    taken.push(next);
  }
  return taken;
}

function arraysOf(value: Value): ArrayNode[] {
  if ('scalar' in value || value.summed) throw new Unsuited();
  return value.parts;
}

function onlyArray(value: Value): ArrayNode {
  const parts = arraysOf(value);
  if (parts.length !== 1) throw new Unsuited();
  return parts[0];
}

function scalarOf(value: Value): number {
  if (!('scalar' in value)) throw new Unsuited();
  return value.scalar;
}
