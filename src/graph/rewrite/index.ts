/** Rewriting a graph: constant folding, common sub-expressions, identities, and with them dead code. */
import { Graph } from '../graph.js';
import {
  constant,
  constantOperator,
  constantValues,
  inputOperator,
  Node,
  outsideRegions,
  type Tensor,
  type Values,
} from '../tensor.js';
import { rules } from './rules.js';

/** Folded constants above this size would cost more as data than as a computation. */
const LARGEST_FOLDED = 1 << 16;
/** Each round can make new candidates for the next; real graphs settle in two or three. */
const MAX_ROUNDS = 8;

/** Graphs never change: what was rewritten for an estimate is not rewritten again for the device. */
const optimized = new WeakMap<Graph, Graph>();

/** A graph of equal outputs with fewer nodes. Names of inputs and outputs stay; inputs that nothing needs fall away. */
export function optimize(graph: Graph): Graph {
  const known = optimized.get(graph);
  if (known) return known;
  let current = graph;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = outsideRegions(() => rewriteOnce(current));
    if (next.nodes.length === current.nodes.length && next.nodes.every((node, i) => node === current.nodes[i])) break;
    current = next;
  }
  optimized.set(graph, current).set(current, current);
  return current;
}

function rewriteOnce(graph: Graph): Graph {
  const replacement = new Map<Tensor, Tensor>();
  const seen = new Map<string, Node>();
  const uses = new Map<Tensor, number>();
  for (const node of graph.nodes) for (const t of node.inputs) uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const t of graph.outputs.values()) uses.set(t, (uses.get(t) ?? 0) + 1);
  const origin = new Map<Tensor, Tensor>();
  const existing = ({ node, index }: Tensor) => seen.get(keyOf(node))?.outputs[index];

  for (const node of graph.nodes) {
    const inputs = node.inputs.map((t) => replacement.get(t)!);
    const rewritten =
      rules[node.operator.name]?.reduce<Tensor | undefined>(
        (found, rule) => found ?? rule({ node, inputs, existing, uses: (t) => uses.get(origin.get(t) ?? t) ?? 0 }),
        undefined,
      ) ?? foldConstant(node, inputs);
    const single = rewritten && !origin.has(rewritten) ? keepMark(node, rewritten) : rewritten;
    const outputs = single ? [single] : shared(rebuilt(node, inputs), seen).outputs;
    node.outputs.forEach((t, i) => {
      replacement.set(t, outputs[i]);
      origin.set(outputs[i], t);
    });
  }
  return new Graph(new Map([...graph.outputs].map(([name, t]) => [name, replacement.get(t)!])));
}

function rebuilt(node: Node, inputs: Tensor[]): Node {
  return inputs.every((t, i) => t === node.inputs[i])
    ? node
    : new Node(node.operator, inputs, node.attributes, node.outputs);
}

/** A rule's new tensor, marked as recomputed where the node that it replaces was: the two are not to be merged with the forward pass. */
function keepMark(replaced: Node, { node, index }: Tensor): Tensor {
  const { recomputed } = replaced.attributes;
  if (recomputed === undefined || node.operator === constantOperator) return node.outputs[index];
  return new Node(node.operator, node.inputs, { ...node.attributes, recomputed }, node.outputs).outputs[index];
}

/** The first node that computes the same, or this one. */
function shared(node: Node, seen: Map<string, Node>): Node {
  const key = keyOf(node);
  const first = seen.get(key);
  if (first) return first;
  seen.set(key, node);
  return node;
}

/** Equal for nodes that compute the same. */
function keyOf(node: Node): string {
  return `${node.operator.name}(${node.inputs.map((t) => `${t.node.id}.${t.index}`)})${attributeKey(node)}`;
}

function attributeKey(node: Node): string {
  const values = node.operator === constantOperator ? constantValues(node.outputs[0])! : undefined;
  if (values && values.length > 64) return `#${node.id}`;
  return JSON.stringify(node.attributes, (_, value) => {
    if (ArrayBuffer.isView(value)) return Array.from(value as Values, exactly);
    return typeof value === 'number' ? exactly(value) : value;
  });
}

/** JSON has no infinities, no NaN and no negative zero. */
function exactly(value: number): number | string {
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value);
}

function foldConstant(node: Node, inputs: Tensor[]): Tensor | undefined {
  const foldable = node.operator !== inputOperator && node.operator !== constantOperator && node.outputs.length === 1;
  if (!foldable || node.outputs[0].size > LARGEST_FOLDED) return undefined;
  const values = inputs.map((t) => constantValues(t));
  if (!values.every((v): v is Values => v !== undefined)) return undefined;
  // Repeating one value costs nothing as an Expand and memory as a constant.
  if (node.operator.name === 'expand' && node.outputs[0].size > 64) return undefined;
  const { shape, dtype } = node.outputs[0];
  const [result] = node.operator.evaluate(
    values,
    node.attributes,
    new Node(node.operator, inputs, node.attributes, node.outputs),
  );
  return constant(result, shape, dtype);
}
