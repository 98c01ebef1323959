/** Algebra that makes a graph smaller without changing its values (up to rounding of a folded factor). */
import { sameShape } from '../shape.js';
import { constantValues, type Node, type Tensor } from '../tensor.js';

/** What a rule sees: an operator about to be applied to inputs that are rewritten already. */
export interface Candidate {
  node: Node;
  inputs: Tensor[];
  /** How many nodes of the original graph read that tensor's original. */
  uses: (tensor: Tensor) => number;
  /** The tensor of equal value that the graph computes before this node anyway. */
  existing: (tensor: Tensor) => Tensor | undefined;
}

/** Returns a tensor of equal value, or undefined where the rule does not apply. */
export type Rule = (candidate: Candidate) => Tensor | undefined;

function scalarValue(tensor: Tensor): number | undefined {
  const values = constantValues(tensor);
  if (!values || values.length === 0) return undefined;
  return values.length === 1 || values.every((v) => v === values[0]) ? values[0] : undefined;
}

/** `x ∘ neutral` and, where the operator commutes, `neutral ∘ x`. */
function neutralElement(neutral: number, commutes: boolean): Rule {
  return ({ node, inputs: [a, b] }) => {
    const { shape } = node.outputs[0];
    if (scalarValue(b) === neutral && sameShape(a.shape, shape)) return a;
    if (commutes && scalarValue(a) === neutral && sameShape(b.shape, shape)) return b;
    return undefined;
  };
}

const isOperator = (tensor: Tensor, name: string) => tensor.node.operator.name === name;

/** Swaps exactly the last two axes. */
function isMatrixTranspose(tensor: Tensor): boolean {
  if (!isOperator(tensor, 'transpose')) return false;
  const order = tensor.node.attributes.order as number[];
  const { rank } = tensor;
  return order.every((axis, i) => axis === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
}

/** `(a b) · factor` → the product with the factor folded in. */
const foldFactor: Rule = ({ inputs, uses }) => {
  for (const [product, other] of [inputs, [...inputs].reverse()]) {
    const factor = scalarValue(other);
    const isFactor = factor !== undefined && other.size === 1 && other.rank <= product.rank;
    if (!isFactor || !isOperator(product, 'matmul') || uses(product) > 1) continue;
    const { transA, transB, alpha } = product.node.attributes as { transA: boolean; transB: boolean; alpha: number };
    return product.node.inputs[0].matmul(product.node.inputs[1], { transA, transB, alpha: alpha * factor });
  }
  return undefined;
};

const foldTransposes: Rule = ({ node, inputs: [a, b] }) => {
  if (!isMatrixTranspose(a) && !isMatrixTranspose(b)) return undefined;
  const { transA, transB, alpha } = node.attributes as { transA: boolean; transB: boolean; alpha: number };
  const [left, flipA] = isMatrixTranspose(a) ? [a.node.inputs[0], !transA] : [a, transA];
  const [right, flipB] = isMatrixTranspose(b) ? [b.node.inputs[0], !transB] : [b, transB];
  return left.matmul(right, { transA: flipA, transB: flipB, alpha });
};

/** An operand need not be expanded where broadcasting does it anyway. */
const dropExpand: Rule = ({ node, inputs }) => {
  const narrow = inputs.map((t) => (isOperator(t, 'expand') ? t.node.inputs[0] : t));
  for (const i of inputs.keys()) {
    if (narrow[i] === inputs[i]) continue;
    const others = inputs.filter((_, j) => j !== i);
    if (!others.some((t) => sameShape(t.shape, node.outputs[0].shape))) continue;
    const replaced = inputs.map((t, j) => (j === i ? narrow[i] : t));
    return (replaced[0][node.operator.name as 'add'] as (other: Tensor) => Tensor).call(replaced[0], replaced[1]);
  }
  return undefined;
};

const mergeReshapes: Rule = ({ node, inputs: [x] }) => {
  const source = isOperator(x, 'reshape') ? x.node.inputs[0] : x;
  return source !== x || sameShape(x.shape, node.outputs[0].shape) ? source.reshape(node.outputs[0].shape) : undefined;
};

/** A sum keeps the axes that it goes over, or drops them, where it would only be reshaped to that. */
const keepSummedAxes: Rule = ({ node, inputs: [x], uses }) => {
  if (!isOperator(x, 'sum') || uses(x) > 1) return undefined;
  const { axes, keepDims } = x.node.attributes as { axes: number[]; keepDims: boolean };
  const other = x.node.inputs[0].sum(axes, !keepDims);
  return sameShape(other.shape, node.outputs[0].shape) ? other : undefined;
};

const mergeTransposes: Rule = ({ node, inputs: [x] }) => {
  if (!isOperator(x, 'transpose')) return undefined;
  const inner = x.node.attributes.order as number[];
  return x.node.inputs[0].transpose((node.attributes.order as number[]).map((axis) => inner[axis]));
};

const square: Rule = ({ node, inputs: [x, exponent] }) =>
  scalarValue(exponent) === 2 && sameShape(x.shape, node.outputs[0].shape) ? x.mul(x) : undefined;

/**
 * In the gradient of attention: Σₘ (d vᵀ)ₙₘ pₙₘ = Σ꜀ dₙ꜀ (p v)ₙ꜀, where p v is what the attention gave: two passes less over
 * as many numbers as there are pairs of queries and keys.
 */
const sumOverOutputs: Rule = ({ node, inputs: [x], existing }) => {
  const { axes, keepDims } = node.attributes as { axes: number[]; keepDims: boolean };
  if (!isOperator(x, 'mul') || !keepDims || axes.length !== 1 || axes[0] !== x.rank - 1) return undefined;
  for (const [product, p] of [x.node.inputs, [...x.node.inputs].reverse()]) {
    if (!isOperator(product, 'matmul') || !sameShape(product.shape, p.shape)) continue;
    const [d, v] = product.node.inputs;
    const { transA, transB, alpha } = product.node.attributes as { transA: boolean; transB: boolean; alpha: number };
    const read = transA || !transB ? undefined : existing(p.matmul(v, { alpha }));
    if (read && sameShape(read.shape, d.shape)) return d.mul(read).sum(-1, true);
  }
  return undefined;
};

/** Rules by the operator that they look at; tried in order. */
export const rules: Record<string, Rule[]> = {
  stopGradient: [({ inputs: [x] }) => x],
  cast: [({ node, inputs: [x] }) => (x.dtype === node.outputs[0].dtype ? x : undefined)],
  add: [neutralElement(0, true), dropExpand],
  sub: [neutralElement(0, false), dropExpand],
  mul: [neutralElement(1, true), foldFactor, dropExpand],
  div: [neutralElement(1, false), dropExpand],
  pow: [neutralElement(1, false), square],
  matmul: [foldTransposes],
  reshape: [mergeReshapes, keepSummedAxes],
  transpose: [mergeTransposes],
  sum: [sumOverOutputs],
};
