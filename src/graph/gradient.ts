/** Reverse-mode differentiation as graph nodes, and rematerialisation of marked regions. */
import { ensure } from '../errors/index.js';
import { topologicalOrder } from './graph.js';
import { full, zeros } from './ops/index.js';
import { inRegion, Node, outsideRegions, type Tensor } from './tensor.js';

/**
 * Gradients of a scalar with respect to `wrt`, as new nodes. Only what the loss depends on through `wrt` is visited:
 * nothing is differentiated into raw inputs. A tensor that the loss does not depend on gets zeros.
 * Values made inside a region of `rematerialize` are computed again for the backward pass.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  ensure(loss.size === 1, () => `gradients: the loss must be one number, not ${loss}.`);
  return outsideRegions(() => {
    const order = topologicalOrder([loss]);
    const wanted = new Set<Node>(wrt.map((t) => t.node));
    const depends = new Set<Node>();
    for (const node of order) {
      if (wanted.has(node) || node.inputs.some((t) => depends.has(t.node))) depends.add(node);
    }
    const recompute = new Recomputation();
    const sums = new Map<Tensor, Tensor>([[loss, full(loss.shape, 1)]]);
    for (const node of order.reverse()) {
      if (!node.inputs.some((t) => depends.has(t.node))) continue;
      const outputGradients = node.outputs.map((t) => sums.get(t));
      if (outputGradients.every((g) => g === undefined)) continue;
      const { gradient } = node.operator;
      if (!gradient) continue;
      const inputGradients = gradient({
        inputs: node.inputs.map((t) => recompute.of(t, node)),
        outputs: node.outputs.map((t) => recompute.of(t, node)),
        attributes: node.attributes,
        gradients: outputGradients,
        needs: node.inputs.map((t) => depends.has(t.node)),
      });
      node.inputs.forEach((input, i) => {
        const g = inputGradients[i];
        if (!g || !depends.has(input.node)) return;
        const before = sums.get(input);
        sums.set(input, before ? before.add(g) : g);
      });
    }
    return wrt.map((t) => sums.get(t) ?? zeros(t.shape));
  });
}

/**
 * Marks all that `build` makes: its intermediate values are not kept for the backward pass but computed again there from
 * the values that entered the region (gradient checkpointing; Chen et al. 2016, arXiv 1604.06174).
 */
export function rematerialize<T>(build: () => T): T {
  return inRegion(build);
}

/** Copies of region nodes, made as the backward pass asks for their values. */
class Recomputation {
  private readonly copies = new Map<Node, Node>();

  /**
   * The tensor as the gradient of `reader` sees it: its recomputed twin when both are of one region. What enters or leaves
   * a region is kept, so that a reader far away (a skip connection) does not make a whole region live early and long.
   */
  of(tensor: Tensor, reader: Node): Tensor {
    const { node, index } = tensor;
    const isKept = node.region === undefined || node.region !== reader.region || node.inputs.length === 0;
    return isKept ? tensor : this.copy(node).outputs[index];
  }

  private copy(node: Node): Node {
    let copy = this.copies.get(node);
    if (!copy) {
      const inputs = node.inputs.map((t) => this.of(t, node));
      // The mark keeps common sub-expression elimination from merging the copy with the original again.
      copy = new Node(node.operator, inputs, { ...node.attributes, recomputed: node.region }, node.outputs);
      this.copies.set(node, copy);
    }
    return copy;
  }
}
