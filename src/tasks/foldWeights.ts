/** What a graph computes from its weights alone is computed once, before it is written. */
import type { Engine } from '../engine/index.js';
import { constantValues, Graph, input, Node, type Tensor, type Values } from '../graph/index.js';

/** A graph, and the values of those of its inputs that are weights. */
export interface WeightedGraph {
  graph: Graph;
  weights: ReadonlyMap<string, Values>;
}

/**
 * Replaces every tensor that depends on weights alone, and is no larger than they are together, by a weight of its own with
 * the value that `engine` computes: projected latent queries, scales merged into matrices.
 */
export async function foldWeights({ graph, weights }: WeightedGraph, engine: Engine): Promise<WeightedGraph> {
  const results = fixedResults(graph, weights);
  if (results.size === 0) return { graph, weights };
  const program = await engine.compile(new Graph(new Map([...results].map(([t, name]) => [name, t]))));
  let values: Record<string, Values>;
  try {
    values = await program.run(Object.fromEntries(weights));
  } finally {
    await program.dispose();
  }
  const folded = withInputs(graph, results);
  const known = new Map([...weights, ...Object.entries(values)]);
  return { graph: folded, weights: new Map([...known].filter(([name]) => folded.inputs.has(name))) };
}

/** The tensors to compute, and the name of the weight that takes the place of each. */
function fixedResults(graph: Graph, weights: ReadonlyMap<string, Values>): Map<Tensor, string> {
  /** The weights that a tensor depends on, where it depends on nothing else. */
  const sources = new Map<Tensor, Set<Tensor>>();
  const results = new Map<Tensor, string>();
  const keep = (t: Tensor) => {
    const from = sources.get(t);
    const isComputed = t.node.inputs.length > 0;
    // A weight in another shape is a weight still.
    const isReshaped = t.node.operator.name === 'reshape' && t.node.inputs[0].node.inputs.length === 0;
    if (!from || !isComputed || isReshaped || results.has(t)) return;
    results.set(t, `folded/${results.size}/${String([...from][0].node.attributes.name)}`);
  };
  for (const [name, t] of graph.inputs) if (weights.has(name)) sources.set(t, new Set([t]));
  for (const node of graph.nodes) {
    const from = node.inputs.map((t) => (constantValues(t) ? new Set<Tensor>() : sources.get(t)));
    const all = new Set(from.flatMap((set) => [...(set ?? [])]));
    const size = [...all].reduce((sum, t) => sum + t.size, 0);
    const isFixed = all.size > 0 && !from.includes(undefined) && node.outputs.every((t) => t.size <= size);
    if (isFixed) for (const t of node.outputs) sources.set(t, all);
    else node.inputs.forEach(keep);
  }
  for (const t of graph.outputs.values()) keep(t);
  return results;
}

/** The graph with tensors replaced by inputs. */
function withInputs(graph: Graph, replaced: ReadonlyMap<Tensor, string>): Graph {
  const replacement = new Map<Tensor, Tensor>();
  for (const [t, name] of replaced) replacement.set(t, input(name, t.shape, t.dtype));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((t) => replacement.get(t) ?? t);
    if (inputs.every((t, i) => t === node.inputs[i])) continue;
    const copy = new Node(node.operator, inputs, node.attributes, node.outputs);
    node.outputs.forEach((t, i) => {
      if (!replaced.has(t)) replacement.set(t, copy.outputs[i]);
    });
  }
  return new Graph(new Map([...graph.outputs].map(([name, t]) => [name, replacement.get(t) ?? t])));
}
