/** A graph: named outputs, and the inputs that they need. */
import { ensure } from '../errors/index.js';
import { inputOperator, type Node, type Tensor } from './tensor.js';

/** All nodes that `outputs` depend on, each after the nodes that it reads. */
export function topologicalOrder(outputs: Iterable<Tensor>): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // An explicit stack: a training step of a deep model is thousands of nodes long.
  for (const output of outputs) {
    const stack: { node: Node; next: number }[] = [];
    const enter = (node: Node) => {
      if (seen.has(node)) return;
      seen.add(node);
      stack.push({ node, next: 0 });
    };
    enter(output.node);
    while (stack.length > 0) {
      const frame = stack[stack.length - 1];
      if (frame.next < frame.node.inputs.length) enter(frame.node.inputs[frame.next++].node);
      else order.push(stack.pop()!.node);
    }
  }
  return order;
}

/**
 * The nodes in the order in which they are to stand in a file for ONNX Runtime, which goes depth first from the last node
 * that nobody reads, and of a node's inputs to the one that stands last: here to the one with the longest way behind it. So a
 * gradient that comes from above is there before the values that it meets are computed again, and all layers are not computed
 * again at once. Nodes that nobody reads stand at the end, as they were.
 */
export function deepestLast(nodes: readonly Node[]): Node[] {
  const depths = new Map<Node, number>();
  for (const node of nodes) depths.set(node, 1 + node.inputs.reduce((d, t) => Math.max(d, depths.get(t.node)!), 0));
  const last = unread(nodes);
  const ends = new Set(last);
  const inside = nodes.filter((node) => !ends.has(node)).sort((a, b) => depths.get(a)! - depths.get(b)!);
  return [...inside, ...last];
}

/** The nodes that no other of them reads. */
export function unread(nodes: readonly Node[]): Node[] {
  const read = new Set(nodes.flatMap((node) => node.inputs.map((t) => t.node)));
  return nodes.filter((node) => !read.has(node));
}

/** What is computed: all nodes between the inputs and the outputs. Throws where names of inputs or outputs clash. */
export class Graph {
  /** Inputs by name, in the order in which the outputs reach them. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];

  constructor(readonly outputs: ReadonlyMap<string, Tensor>) {
    this.nodes = topologicalOrder(outputs.values());
    const inputs = new Map<string, Tensor>();
    for (const node of this.nodes) {
      if (node.operator !== inputOperator) continue;
      const name = node.attributes.name as string;
      ensure(!inputs.has(name), () => `Graph: two different inputs are called "${name}".`);
      ensure(!outputs.has(name), () => `Graph: an input and an output are both called "${name}".`);
      inputs.set(name, node.outputs[0]);
    }
    this.inputs = inputs;
  }

  /** A graph of outputs by name. */
  static of(outputs: Record<string, Tensor>): Graph {
    return new Graph(new Map(Object.entries(outputs)));
  }

  /** Floating-point operations of all matrix products and convolutions in one run. */
  get flops(): number {
    return this.nodes.reduce((total, node) => total + (node.operator.flops?.(node, node.attributes) ?? 0), 0);
  }
}
