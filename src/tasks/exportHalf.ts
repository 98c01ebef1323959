/** A model's graph in half precision, its weights stored as halves. */
import { cast, Graph, halfPrecision, input, Node, type Tensor } from '../graph/index.js';
import type { WeightedGraph } from './foldWeights.js';

/** Kept in float32: in halves they are right only where a device sums in float32, which a file cannot ask for. */
const IN_FULL = ['softmax', 'layerNorm', 'normalize'];
/** Weights that are read in float32 alone are halves in the file from this size on. */
const LARGE = 4096;

/** Products and what lies between them in halves; norms, softmax, long sums, inputs and outputs in float32. */
export function inHalves({ graph, weights }: WeightedGraph): WeightedGraph {
  const mixed = halfPrecision(graph, (name) => weights.has(name), IN_FULL);
  const isWeight = ({ node }: Tensor) => weights.has(node.attributes.name as string);
  const isRounded = (node: Node) =>
    node.operator.name === 'cast' && node.outputs[0].dtype === 'f16' && isWeight(node.inputs[0]);
  const halves = new Map<Tensor, Tensor>();
  const half = (t: Tensor) => {
    const made = halves.get(t) ?? input(t.node.attributes.name as string, t.shape, 'f16');
    halves.set(t, made);
    return made;
  };
  const replacement = new Map<Tensor, Tensor>();
  for (const node of mixed.nodes) if (isRounded(node)) replacement.set(node.outputs[0], half(node.inputs[0]));
  for (const t of mixed.inputs.values()) {
    if (isWeight(t) && (halves.has(t) || t.size >= LARGE)) replacement.set(t, cast(half(t), 'f32'));
  }
  for (const node of mixed.nodes) {
    const inputs = node.inputs.map((t) => replacement.get(t) ?? t);
    if (isRounded(node) || inputs.every((t, i) => t === node.inputs[i])) continue;
    const copy = new Node(node.operator, inputs, node.attributes, node.outputs);
    node.outputs.forEach((t, i) => replacement.set(t, copy.outputs[i]));
  }
  const outputs = [...mixed.outputs].map(([name, t]) => [name, replacement.get(t) ?? t] as const);
  return { graph: new Graph(new Map(outputs)), weights };
}
