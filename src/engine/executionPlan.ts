/** In which order ONNX Runtime runs a graph's nodes, and which values come to share storage. */
import { deepestLast, type Graph, type Node, type Tensor, unread } from '../graph/index.js';

/** Storage of one value or, one after the other, of several. */
export interface Storage {
  bytes: number;
  /** Steps of the first write and the last use. */
  first: number;
  last: number;
}

interface Occupied extends Storage {
  key: string;
  readers: number;
}

/** Operators whose kernels write over an input that nobody reads any more. */
const IN_PLACE = new Set([
  'add',
  'sub',
  'mul',
  'div',
  'neg',
  'abs',
  'exp',
  'log',
  'sqrt',
  'tanh',
  'sigmoid',
  'relu',
  'floor',
]);
/** Operators whose result is a view of the input. */
const VIEWS = new Set(['reshape']);
const LEAVES = new Set(['input', 'constant']);

/** Bytes of a tensor's values. */
export function bytesOf({ size, dtype }: Tensor): number {
  return size * { f32: 4, f16: 2, i32: 4, bool: 1 }[dtype];
}

/** Depth first from the last node that nobody reads; of a node's inputs the one that stands last in the file comes first. */
export function executionOrder(graph: Graph): Node[] {
  const nodes = deepestLast(graph.nodes);
  const place = new Map(nodes.map((node, i) => [node, i]));
  const stack = unread(nodes).map((node) => ({ node, entered: false }));
  const seen = new Set<Node>();
  const order: Node[] = [];
  while (stack.length > 0) {
    const { node, entered } = stack.pop()!;
    if (entered) order.push(node);
    if (entered || seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, entered: true });
    const sources = [...new Set(node.inputs.map((t) => t.node))].sort((a, b) => place.get(a)! - place.get(b)!);
    for (const source of sources) if (!seen.has(source)) stack.push({ node: source, entered: false });
  }
  return order.filter((node) => !LEAVES.has(node.operator.name));
}

/**
 * Storage of the intermediate values: outputs of the graph have storage of their own and are left out. A value takes the
 * storage of its input where the kernel works in place, else that of a dead value of the same shape, which therefore
 * stays allocated in between.
 */
export function storagePlan(graph: Graph, order: readonly Node[]): Storage[] {
  const outputs = new Set(graph.outputs.values());
  const readers = new Map<Tensor, number>();
  for (const node of order) for (const t of node.inputs) readers.set(t, (readers.get(t) ?? 0) + 1);
  const where = new Map<Tensor, Occupied>();
  const all: Storage[] = [];
  const dead: Occupied[] = [];

  const storageFor = (node: Node, t: Tensor, step: number): Occupied | undefined => {
    if (VIEWS.has(node.operator.name)) return where.get(node.inputs[0]);
    const key = `${t.dtype}[${t.shape}]`;
    const worksInPlace = IN_PLACE.has(node.operator.name) || (node.operator.name === 'squaredRelu' && t.index === 1);
    const given = worksInPlace
      ? node.inputs.find((input) => where.get(input)?.readers === 1 && `${input.dtype}[${input.shape}]` === key)
      : undefined;
    if (given) return where.get(given);
    const again = t.rank > 0 ? dead.findIndex((storage) => storage.key === key) : -1;
    if (again >= 0) return dead.splice(again, 1)[0];
    const fresh = { bytes: bytesOf(t), key, readers: 0, first: step, last: step };
    all.push(fresh);
    return fresh;
  };

  order.forEach((node, step) => {
    const touched = new Set<Occupied>();
    for (const t of node.outputs) {
      if (outputs.has(t)) continue;
      const storage = storageFor(node, t, step);
      if (!storage) continue;
      storage.readers += readers.get(t) ?? 0;
      where.set(t, storage);
      touched.add(storage);
    }
    for (const t of node.inputs) {
      const storage = where.get(t);
      if (!storage) continue;
      storage.readers--;
      touched.add(storage);
    }
    for (const storage of touched) {
      storage.last = step;
      if (storage.readers === 0) dead.unshift(storage);
    }
  });
  return all;
}
