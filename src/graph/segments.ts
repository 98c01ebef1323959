/** Cuts a graph into a chain of graphs, each of which goes on where the one before stopped. */
import { ensure } from '../errors/index.js';
import { Graph, topologicalOrder } from './graph.js';
import { constantOperator, input, inputOperator, Node, type Tensor } from './tensor.js';

/** What a link of a chain is to do. */
export interface Part {
  /** Outputs of the whole graph that it computes. */
  outputs: readonly string[];
  /** Inputs that no later link reads: they may change when it is done. */
  closes: readonly string[];
}

/** A link of a chain. What is handed on is an output here and an input of the same name there. */
export interface Segment {
  graph: Graph;
  receives: string[];
  hands: string[];
}

const isLeaf = ({ operator }: Node) => operator === inputOperator || operator === constantOperator;
/** A view is made again from its source, which is what is handed on. */
const isView = ({ operator }: Node) => operator.name === 'reshape';

/** The value behind views. */
function sourceOf(tensor: Tensor): Tensor {
  let source = tensor;
  while (isView(source.node)) source = source.node.inputs[0];
  return source;
}

/**
 * The graph as a chain. Every node but leaves and views is in one link alone and stays as it is: the outputs are the same.
 * @param prefix of the names of what is handed on
 * @throws HiperceiverError where an output belongs to no part
 */
export function cutIntoSegments(graph: Graph, parts: readonly Part[], prefix: string): Segment[] {
  const { outputs, nodes } = graph;
  const place = placeNodes(graph, parts);
  for (const [name, { node }] of outputs)
    ensure(isLeaf(node) || place.has(node), () => `Output "${name}" belongs to no part of the graph.`);
  const handed = new Map<Tensor, string>();
  const received = parts.map(() => new Map<Tensor, Tensor>());
  const copies = parts.map(() => new Map<Node, Node>());

  /** A tensor as link i has it: computed there, or received. */
  const seen = (tensor: Tensor, i: number): Tensor => {
    const { node, index } = tensor;
    if (isLeaf(node)) return tensor;
    if (isView(node) || place.get(node) === i) return copy(node, i).outputs[index];
    let own = received[i].get(tensor);
    if (!own) {
      const name = handed.get(tensor) ?? prefix + handed.size;
      handed.set(tensor, name);
      own = input(name, tensor.shape, tensor.dtype);
      received[i].set(tensor, own);
    }
    return own;
  };
  const copy = (node: Node, i: number): Node => {
    let made = copies[i].get(node);
    if (!made) {
      const inputs = node.inputs.map((t) => seen(t, i));
      const isSame = inputs.every((t, n) => t === node.inputs[n]);
      made = isSame ? node : new Node(node.operator, inputs, node.attributes, node.outputs);
      copies[i].set(node, made);
    }
    return made;
  };
  for (const node of nodes) if (place.has(node)) copy(node, place.get(node)!);
  const own = parts.map((part, i) => part.outputs.map((name) => [name, seen(outputs.get(name)!, i)] as const));
  return parts.map((_, i) => {
    const hands = [...handed].filter(([{ node }]) => place.get(node) === i);
    const handing = hands.map(([t, name]) => [name, seen(t, i)] as const);
    return {
      graph: new Graph(new Map([...own[i], ...handing])),
      receives: [...received[i].keys()].map((t) => handed.get(t)!),
      hands: hands.map(([, name]) => name),
    };
  });
}

/** In which link each node is computed: as late as can be, but early where that hands on less. */
function placeNodes({ outputs, nodes }: Graph, parts: readonly Part[]): Map<Node, number> {
  const place = new Map<Node, number>();
  parts.forEach(({ outputs: names, closes }, i) => {
    const closing = new Set(closes);
    const readsClosing = (node: Node) =>
      node.inputs.some((t) => t.node.operator === inputOperator && closing.has(t.node.attributes.name as string));
    const roots = [...names.map((name) => outputs.get(name)!), ...nodes.filter(readsClosing).flatMap((n) => n.outputs)];
    for (const node of topologicalOrder(roots)) if (!place.has(node) && !isLeaf(node)) place.set(node, i);
  });
  const computed = nodes.filter((node) => place.has(node) && !isView(node));
  const readers = new Map<Tensor, Node[]>();
  for (const node of computed)
    for (const source of new Set(node.inputs.map(sourceOf)))
      readers.set(source, [...(readers.get(source) ?? []), node]);
  const lastReader = (t: Tensor) => Math.max(-1, ...(readers.get(t) ?? []).map((node) => place.get(node)!));
  const given = new Set([...outputs.values()].map((t) => sourceOf(t).node));
  const moveEarlier = (node: Node): boolean => {
    if (given.has(node)) return false;
    const sources = [...new Set(node.inputs.map(sourceOf))].filter((t) => !isLeaf(t.node));
    const earliest = Math.max(0, ...sources.map((t) => place.get(t.node)!));
    const now = place.get(node)!;
    if (earliest === now || sources.length === 0) return false;
    const bytes = (tensors: Tensor[]) => tensors.reduce((total, t) => total + t.size, 0);
    const crossing = (t: Tensor) => lastReader(t) > place.get(t.node)!;
    const before = bytes(sources.filter(crossing));
    place.set(node, earliest);
    if (bytes(sources.filter(crossing)) + bytes(node.outputs.filter((t) => lastReader(t) > earliest)) < before)
      return true;
    place.set(node, now);
    return false;
  };
  // A node that moved may let the one after it move; chains are short.
  for (let round = 0; round < 8; round++) if (!computed.map(moveEarlier).includes(true)) break;
  return place;
}
