/** Reductions over axes. */
import { ensure } from '../../errors/index.js';
import type { Emitter } from '../emitter.js';
import { broadcastStrides, forEachOffset, normalizeAxis, type Shape, sameShape, sizeOf, stridesOf } from '../shape.js';
import {
  apply,
  type DType,
  defineOperator,
  emptyValues,
  type Node,
  type Operator,
  type Tensor,
  type Values,
} from '../tensor.js';

interface ReduceAttributes {
  axes: number[];
  keepDims: boolean;
}

function reducedShape(shape: Shape, { axes, keepDims }: ReduceAttributes): number[] {
  return shape.flatMap((n, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [n]));
}

/** The input's shape with size 1 on reduced axes: to which a reduced value is reshaped to broadcast again. */
function keptShape(x: Tensor, { axes }: ReduceAttributes): number[] {
  return x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
}

function accumulate(
  x: Values,
  node: Node,
  attributes: ReduceAttributes,
  start: number,
  combine: (a: number, b: number) => number,
): Values {
  const source = node.inputs[0];
  const kept = keptShape(source, attributes);
  const out = emptyValues(node.outputs[0]).fill(start) as Values;
  forEachOffset(source.shape, [stridesOf(source.shape), broadcastStrides(kept, source.shape)], ([from, to]) => {
    out[to] = combine(out[to], x[from]);
  });
  return out;
}

function reduction(
  name: string,
  onnx: string,
  dtypes: DType[],
  evaluate: (x: Values, node: Node, attributes: ReduceAttributes) => Values,
  gradient: (g: Tensor, x: Tensor, y: Tensor, count: number) => Tensor,
  lowerSpecially: (emit: Emitter, node: Node, attributes: ReduceAttributes) => boolean = () => false,
): (x: Tensor, axes?: number | number[], keepDims?: boolean) => Tensor {
  const operator: Operator<ReduceAttributes> = defineOperator<ReduceAttributes>({
    name,
    infer: ([x], attributes) => {
      ensure(dtypes.includes(x.dtype), () => `${name}: takes ${dtypes.join(' or ')}, not ${x}.`);
      return [{ shape: reducedShape(x.shape, attributes), dtype: x.dtype }];
    },
    evaluate: ([x], attributes, node) => [evaluate(x, node, attributes)],
    gradient: ({ inputs: [x], outputs: [y], gradients: [g], attributes }) => {
      const kept = keptShape(x, attributes);
      const count = x.size / y.size;
      return [gradient(g!.reshape(kept), x, y.reshape(kept), count)];
    },
    lower: (emit, node, attributes) => {
      if (lowerSpecially(emit, node, attributes)) return;
      const { axes, keepDims } = attributes;
      emit.node(
        onnx,
        [emit.name(node.inputs[0]), emit.int64(axes)],
        { keepdims: Number(keepDims) },
        emit.name(node.outputs[0]),
      );
    },
  });
  return (x, axes = x.shape.map((_, i) => i), keepDims = false) => {
    const list = [
      ...new Set((typeof axes === 'number' ? [axes] : axes).map((a) => normalizeAxis(a, x.rank, name))),
    ].sort((a, b) => a - b);
    return list.length === 0 ? x : apply(operator, [x], { axes: list, keepDims });
  };
}

/** Sum over axes (default: all). */
export const sum = reduction(
  'sum',
  'ReduceSum',
  ['f32', 'i32'],
  (x, node, attributes) => accumulate(x, node, attributes, 0, (a, b) => a + b),
  (g, x) => g.expand(x.shape),
  sumAsProduct,
);

/**
 * A sum over leading axes (the gradient of a bias) as ones · x: ONNX Runtime's CPU product is several times faster at it
 * than its ReduceSum, which does not vectorise over the kept axes.
 */
function sumAsProduct(emit: Emitter, node: Node, { axes }: ReduceAttributes): boolean {
  const [x] = node.inputs;
  const leads = axes.length < x.rank && axes.every((axis, i) => axis === i);
  if (!leads || x.dtype !== 'f32' || (emit.target !== 'cpu' && emit.target !== 'wasm')) return false;
  const rows = sizeOf(x.shape.slice(0, axes.length));
  const ones = emit.constant(new Float32Array(rows).fill(1), { shape: [1, rows], dtype: 'f32' });
  const flat = emit.node('Reshape', [emit.name(x), emit.int64([rows, x.size / rows])]);
  const total = emit.node('MatMul', [ones, flat]);
  emit.node('Reshape', [total, emit.int64(node.outputs[0].shape)], {}, emit.name(node.outputs[0]));
  return true;
}

/** Arithmetic mean over axes (default: all). */
export const mean = reduction(
  'mean',
  'ReduceMean',
  ['f32'],
  (x, node, attributes) => {
    const count = node.inputs[0].size / node.outputs[0].size;
    return accumulate(x, node, attributes, 0, (a, b) => a + b).map((v) => v / count) as Values;
  },
  (g, x, _, count) => g.div(count).expand(x.shape),
);

/** Largest value over axes (default: all); where several are equal they share the gradient. */
export const max = reduction(
  'max',
  'ReduceMax',
  ['f32', 'i32'],
  (x, node, attributes) =>
    accumulate(x, node, attributes, x instanceof Int32Array ? -(2 ** 31) : Number.NEGATIVE_INFINITY, Math.max),
  (g, x, y) => {
    const winners = x.equal(y).cast('f32');
    const axes = x.shape.flatMap((n, i) => (n !== y.shape[i] ? [i] : []));
    return winners.mul(g.div(winners.sum(axes, true)));
  },
);

/** Sums what broadcasting had repeated, so that the result has `shape` again. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const offset = x.rank - shape.length;
  const axes = x.shape.flatMap((n, i) => (i < offset || (shape[i - offset] === 1 && n !== 1) ? [i] : []));
  return x.sum(axes).reshape(shape);
}
