/** Indexing: gather, scatter-add, one-hot, top-k, cumulative sum. */
import { ensure } from '../../errors/index.js';
import { normalizeAxis, type Shape, show, sizeOf } from '../shape.js';
import {
  apply,
  applyAll,
  constant,
  defineOperator,
  emptyValues,
  type Operator,
  type Tensor,
  valuesOf,
} from '../tensor.js';
import { lowerTopK } from './topKWebgpu.js';

const gatherOperator = defineOperator<{ axis: number; distinct: boolean }>({
  name: 'gather',
  infer: ([x, indices], { axis }) => {
    ensure(indices.dtype === 'i32', () => `gather: indices must be i32, not ${indices}.`);
    return [{ shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], dtype: x.dtype }];
  },
  evaluate: ([x, indices], { axis }, node) => {
    const { shape } = node.inputs[0];
    const out = emptyValues(node.outputs[0]);
    const inner = sizeOf(shape.slice(axis + 1));
    for (let o = 0; o < sizeOf(shape.slice(0, axis)); o++) {
      for (let i = 0; i < indices.length; i++) {
        const from = (o * shape[axis] + indices[i]) * inner;
        (out as Float64Array).set(x.subarray(from, from + inner), (o * indices.length + i) * inner);
      }
    }
    return [out];
  },
  gradient: ({ inputs: [x, indices], attributes: { axis, distinct }, gradients: [g] }) => [
    scatterAdd(x.shape, indices, g!, axis, { distinct }),
  ],
  lower: (emit, node, { axis }) => {
    emit.node(
      'Gather',
      node.inputs.map((t) => emit.name(t)),
      { axis },
      emit.name(node.outputs[0]),
    );
  },
});

/**
 * Picks rows along `axis`: that axis is replaced by the axes of `indices` (i32, 0 ≤ index < size).
 * @param options.distinct the caller knows that no index comes twice, which makes the gradient cheaper
 */
export function gather(x: Tensor, indices: Tensor, axis = 0, { distinct = false } = {}): Tensor {
  return apply(gatherOperator, [x, indices], { axis: normalizeAxis(axis, x.rank, 'gather'), distinct });
}

const scatterAddOperator = defineOperator<{ shape: number[]; axis: number; distinct: boolean }>({
  name: 'scatterAdd',
  infer: ([indices, updates], { shape, axis }) => {
    const expected = [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)];
    ensure(
      indices.dtype === 'i32' && show(expected) === show(updates.shape),
      () =>
        `scatterAdd: updates ${show(updates.shape)} should be ${show(expected)} for indices ${indices} into ${show(shape)}.`,
    );
    return [{ shape, dtype: updates.dtype }];
  },
  evaluate: ([indices, updates], { shape, axis }, node) => {
    const out = emptyValues(node.outputs[0]);
    const inner = sizeOf(shape.slice(axis + 1));
    for (let o = 0; o < sizeOf(shape.slice(0, axis)); o++) {
      for (let i = 0; i < indices.length; i++) {
        for (let k = 0; k < inner; k++) {
          out[(o * shape[axis] + indices[i]) * inner + k] += updates[(o * indices.length + i) * inner + k];
        }
      }
    }
    return [out];
  },
  gradient: ({ inputs: [indices], attributes: { axis, distinct }, gradients: [g] }) => [
    undefined,
    gather(g!, indices, axis, { distinct }),
  ],
  lower: (emit, node, { shape, axis, distinct }) => {
    const [indices, updates] = node.inputs;
    const [outer, inner] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
    if (distinct && axis === 0 && (emit.target === 'cpu' || emit.target === 'wasm')) {
      const zero = emit.constant(valuesOf([0], updates.dtype), { shape: [], dtype: updates.dtype });
      const base = emit.node('Expand', [zero, emit.int64(shape)]);
      const rows = emit.node('Cast', [emit.name(indices)], { to: 7 });
      const line = emit.node('Reshape', [rows, emit.int64([indices.size, 1])]);
      const values = emit.node('Reshape', [emit.name(updates), emit.int64([indices.size, ...shape.slice(1)])]);
      emit.node('ScatterND', [base, line, values], {}, emit.name(node.outputs[0]));
      return;
    }
    // Not ScatterND: ONNX Runtime's CPU kernel adds rows of equal index from several threads at once and loses some.
    const slices = [outer, indices.size, inner];
    const zero = emit.constant(valuesOf([0], updates.dtype), { shape: [], dtype: updates.dtype });
    const base = emit.node('Expand', [zero, emit.int64([outer, shape[axis], inner])]);
    const line = emit.node('Reshape', [emit.name(indices), emit.int64([1, indices.size, 1])]);
    const targets = emit.node('Expand', [line, emit.int64(slices)]);
    const values = emit.node('Reshape', [emit.name(updates), emit.int64(slices)]);
    const sum = emit.node('ScatterElements', [base, targets, values], { axis: 1, reduction: 'add' });
    emit.node('Reshape', [sum, emit.int64(shape)], {}, emit.name(node.outputs[0]));
  },
});

/**
 * Zeros of `shape` to which `updates` are added at `indices` along `axis`; repeated indices add up, unless the caller knows
 * that all are `distinct`. The transpose of `gather`.
 */
export function scatterAdd(
  shape: Shape,
  indices: Tensor,
  updates: Tensor,
  axis = 0,
  { distinct = false } = {},
): Tensor {
  return apply(scatterAddOperator, [indices, updates], {
    shape: [...shape],
    axis: normalizeAxis(axis, shape.length, 'scatterAdd'),
    distinct,
  });
}

/** 1 where the class is the index and 0 elsewhere: `[...]` i32 → `[..., depth]` f32. */
export function oneHot(indices: Tensor, depth: number): Tensor {
  ensure(indices.dtype === 'i32', () => `oneHot: indices must be i32, not ${indices}.`);
  const classes = constant(
    Int32Array.from({ length: depth }, (_, i) => i),
    [depth],
    'i32',
  );
  return indices
    .reshape([...indices.shape, 1])
    .equal(classes)
    .cast('f32');
}

const topKOperator = defineOperator<{ k: number }>({
  name: 'topK',
  infer: ([x], { k }) => {
    const size = x.shape[x.rank - 1];
    ensure(k >= 1 && k <= size, () => `topK: k = ${k} is outside 1 … ${size} for ${show(x.shape)}.`);
    const shape = [...x.shape.slice(0, -1), k];
    return [
      { shape, dtype: 'f32' },
      { shape, dtype: 'i32' },
    ];
  },
  evaluate: ([x], { k }, node) => {
    const [values, indices] = node.outputs.map(emptyValues);
    const size = node.inputs[0].shape[node.inputs[0].rank - 1];
    for (let row = 0; row < x.length / size; row++) {
      const order = Array.from({ length: size }, (_, i) => i).sort(
        (a, b) => x[row * size + b] - x[row * size + a] || a - b,
      );
      for (let i = 0; i < k; i++) {
        values[row * k + i] = x[row * size + order[i]];
        indices[row * k + i] = order[i];
      }
    }
    return [values, indices];
  },
  gradient: ({ inputs: [x], outputs: [, indices], gradients: [g] }) => {
    if (!g) return [];
    const chosen = oneHot(indices, x.shape[x.rank - 1]);
    return [chosen.mul(g.reshape([...g.shape, 1])).sum(-2)];
  },
  lower: (emit, node, { k }) => {
    if (emit.target === 'webgpu' && emit.isUsed(node, 1)) return lowerTopK(emit, node, k);
    const [values, indices] = node.outputs.map((t) => emit.name(t));
    const wide = `${indices}_int64`;
    emit.nodes('TopK', [emit.name(node.inputs[0]), emit.int64([k])], [values, wide], {
      axis: -1,
      largest: 1,
      sorted: 1,
    });
    emit.node('Cast', [wide], { to: 6 }, indices);
  },
});

/** The k largest of the last axis in decreasing order, and their indices (i32); on ties the lower index comes first. */
export function topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
  const [values, indices] = applyAll(topKOperator, [x], { k });
  return { values, indices };
}

interface CumulativeSumAttributes {
  axis: number;
  reverse: boolean;
  exclusive: boolean;
}

const cumulativeSumOperator: Operator<CumulativeSumAttributes> = defineOperator<CumulativeSumAttributes>({
  name: 'cumulativeSum',
  infer: ([x]) => [x],
  evaluate: ([x], { axis, reverse, exclusive }, node) => {
    const { shape } = node.inputs[0];
    const out = emptyValues(node.outputs[0]);
    const inner = sizeOf(shape.slice(axis + 1));
    const length = shape[axis];
    for (let line = 0; line < x.length / length; line++) {
      const start = Math.floor(line / inner) * length * inner + (line % inner);
      let total = 0;
      for (let step = 0; step < length; step++) {
        const at = start + (reverse ? length - 1 - step : step) * inner;
        if (exclusive) out[at] = total;
        total += x[at];
        if (!exclusive) out[at] = total;
      }
    }
    return [out];
  },
  gradient: ({ attributes, gradients: [g] }) => [
    apply(cumulativeSumOperator, [g!], { ...attributes, reverse: !attributes.reverse }),
  ],
  lower: (emit, node, { axis, reverse, exclusive }) => {
    const at = emit.constant(Int32Array.of(axis), { shape: [], dtype: 'i32' });
    emit.node(
      'CumSum',
      [emit.name(node.inputs[0]), at],
      { reverse: Number(reverse), exclusive: Number(exclusive) },
      emit.name(node.outputs[0]),
    );
  },
});

/** Running sum along an axis; `reverse` runs from the end, `exclusive` leaves out the element itself. */
export function cumulativeSum(x: Tensor, axis = -1, { reverse = false, exclusive = false } = {}): Tensor {
  return apply(cumulativeSumOperator, [x], { axis: normalizeAxis(axis, x.rank, 'cumulativeSum'), reverse, exclusive });
}
