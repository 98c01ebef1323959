/** Matrix product, batched, with transposes and a factor folded in. */
import { ensure } from '../../errors/index.js';
import { broadcastShapes, broadcastStrides, forEachOffset, show, sizeOf } from '../shape.js';
import { apply, defineOperator, emptyValues, isFloat, type Tensor, type TensorType } from '../tensor.js';

/** What is folded into a product. */
export interface MatmulOptions {
  /** Use the transpose of the last two axes of a (b). */
  transA?: boolean;
  transB?: boolean;
  /** Factor on the product. */
  alpha?: number;
}

type MatmulAttributes = Required<MatmulOptions>;

/** Rows, inner size and columns of a product. */
function extents(a: TensorType, b: TensorType, { transA, transB }: MatmulAttributes) {
  const [a0, a1] = a.shape.slice(-2);
  const [b0, b1] = b.shape.slice(-2);
  return { rows: transA ? a1 : a0, inner: transA ? a0 : a1, innerB: transB ? b1 : b0, columns: transB ? b0 : b1 };
}

const matmulOperator = defineOperator<MatmulAttributes>({
  name: 'matmul',
  infer: ([a, b], attributes) => {
    ensure(
      a.rank >= 2 && b.rank >= 2 && isFloat(a.dtype) && a.dtype === b.dtype,
      () => `matmul: needs matrices of floats of one dtype, not ${a} and ${b}.`,
    );
    const { rows, inner, innerB, columns } = extents(a, b, attributes);
    ensure(
      inner === innerB,
      () =>
        `matmul: inner sizes of ${show(a.shape)}${attributes.transA ? 'ᵀ' : ''} and ${show(b.shape)}${attributes.transB ? 'ᵀ' : ''} differ.`,
    );
    return [
      {
        shape: [...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), 'matmul'), rows, columns],
        dtype: a.dtype,
      },
    ];
  },
  evaluate: ([a, b], attributes, node) => {
    const [ta, tb] = node.inputs;
    const { rows, inner, columns } = extents(ta, tb, attributes);
    const out = emptyValues(node.outputs[0]);
    const batch = node.outputs[0].shape.slice(0, -2);
    const strides = [ta, tb].map((t) =>
      broadcastStrides(t.shape.slice(0, -2), batch).map((s) => s * sizeOf(t.shape.slice(-2))),
    );
    const [rowA, stepA] = attributes.transA ? [1, rows] : [inner, 1];
    const [stepB, columnB] = attributes.transB ? [1, inner] : [columns, 1];
    forEachOffset(batch, strides, ([fromA, fromB], at) => {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let total = 0;
          for (let k = 0; k < inner; k++) total += a[fromA + i * rowA + k * stepA] * b[fromB + k * stepB + j * columnB];
          out[at * rows * columns + i * columns + j] = attributes.alpha * total;
        }
      }
    });
    return [out];
  },
  gradient: ({ inputs: [a, b], attributes: { transA, transB, alpha }, gradients: [gradient], needs }) => {
    const g = gradient!;
    const forA = () =>
      transA ? matmul(b, g, { transA: transB, transB: true, alpha }) : matmul(g, b, { transB: !transB, alpha });
    const forB = () => {
      // A weight shared by all leading axes: one product over the flattened rows instead of a batched one and a sum.
      if (b.rank === 2 && a.rank > 2 && !transA) {
        const rows = a.reshape([-1, a.shape[a.rank - 1]]);
        const flat = g.reshape([-1, g.shape[g.rank - 1]]);
        return transB ? matmul(flat, rows, { transA: true, alpha }) : matmul(rows, flat, { transA: true, alpha });
      }
      return transB ? matmul(g, a, { transA: true, transB: transA, alpha }) : matmul(a, g, { transA: !transA, alpha });
    };
    return [needs[0] ? forA().sumTo(a.shape) : undefined, needs[1] ? forB().sumTo(b.shape) : undefined];
  },
  lower: (emit, node, { transA, transB, alpha }) => {
    const [a, b] = node.inputs;
    const out = emit.name(node.outputs[0]);
    const plain = !transA && !transB && alpha === 1;
    if (!plain && (emit.target === 'cpu' || emit.target === 'wasm')) {
      emit.node(
        'FusedMatMul',
        [emit.name(a), emit.name(b)],
        { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } },
        out,
        'com.microsoft',
      );
      return;
    }
    // No fused kernel there: it would run on the CPU with a copy each way.
    const turned = (t: Tensor, wanted: boolean) => {
      const axes = t.shape.map((_, i) => i);
      const order = [...axes.slice(0, -2), t.rank - 1, t.rank - 2];
      return wanted ? emit.node('Transpose', [emit.name(t)], { perm: order }) : emit.name(t);
    };
    const product = emit.node('MatMul', [turned(a, transA), turned(b, transB)], {}, alpha === 1 ? out : undefined);
    if (alpha !== 1) emit.node('Mul', [product, emit.float(alpha, a.dtype)], {}, out);
  },
  flops: (node, attributes) => 2 * node.outputs[0].size * extents(node.inputs[0], node.inputs[1], attributes).inner,
});

/** Matrix product over the last two axes; leading axes broadcast: `[..., n, k] x [..., k, m] → [..., n, m]`. */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transA = false, transB = false, alpha = 1 }: MatmulOptions = {},
): Tensor {
  return apply(matmulOperator, [a, b], { transA, transB, alpha });
}
