/** Operators that move values without changing them. */
import { ensure } from '../../errors/index.js';
import {
  broadcastShapes,
  broadcastStrides,
  forEachOffset,
  normalizeAxis,
  type Shape,
  sameShape,
  show,
  sizeOf,
  stridesOf,
} from '../shape.js';
import {
  apply,
  applyAll,
  constant,
  defineOperator,
  emptyValues,
  type Tensor,
  type Values,
  valuesOf,
} from '../tensor.js';

const reshapeOperator = defineOperator<{ shape: number[] }>({
  name: 'reshape',
  infer: ([x], { shape }) => {
    ensure(sizeOf(shape) === x.size, () => `reshape: ${show(x.shape)} does not fit into ${show(shape)}.`);
    return [{ shape, dtype: x.dtype }];
  },
  evaluate: ([x]) => [x],
  gradient: ({ inputs: [x], gradients: [g] }) => [g!.reshape(x.shape)],
  lower: (emit, node, { shape }) => {
    emit.node('Reshape', [emit.name(node.inputs[0]), emit.int64(shape)], {}, emit.name(node.outputs[0]));
  },
});

/** The same values in row-major order under another shape; one size may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
  ensure(
    shape.filter((n) => n === -1).length <= 1 && x.size % known === 0,
    () => `reshape: ${show(x.shape)} does not fit into ${show(shape)}.`,
  );
  const resolved = shape.map((n) => (n === -1 ? x.size / known : n));
  return sameShape(resolved, x.shape) ? x : apply(reshapeOperator, [x], { shape: resolved });
}

const transposeOperator = defineOperator<{ order: number[] }>({
  name: 'transpose',
  infer: ([x], { order }) => {
    ensure(
      order.length === x.rank && new Set(order).size === x.rank && order.every((a) => a >= 0 && a < x.rank),
      () => `transpose: ${show(order)} is not an order of the axes of ${show(x.shape)}.`,
    );
    return [{ shape: order.map((a) => x.shape[a]), dtype: x.dtype }];
  },
  evaluate: ([x], { order }, node) => {
    const out = emptyValues(node.outputs[0]);
    const strides = stridesOf(node.inputs[0].shape);
    forEachOffset(node.outputs[0].shape, [order.map((a) => strides[a])], ([from], at) => {
      out[at] = x[from];
    });
    return [out];
  },
  gradient: ({ attributes: { order }, gradients: [g] }) => [g!.transpose(order.map((_, i) => order.indexOf(i)))],
  lower: (emit, node, { order }) => {
    emit.node('Transpose', [emit.name(node.inputs[0])], { perm: order }, emit.name(node.outputs[0]));
  },
});

/** Reorders axes: output axis i is input axis `order[i]`. Without an order: swaps the last two. */
export function transpose(x: Tensor, order?: readonly number[]): Tensor {
  const axes = x.shape.map((_, i) => i);
  const resolved = order ? [...order] : [...axes.slice(0, -2), x.rank - 1, x.rank - 2];
  return resolved.every((a, i) => a === i) ? x : apply(transposeOperator, [x], { order: resolved });
}

const expandOperator = defineOperator<{ shape: number[] }>({
  name: 'expand',
  infer: ([x], { shape }) => {
    ensure(
      sameShape(broadcastShapes(x.shape, shape, 'expand'), shape),
      () => `expand: ${show(x.shape)} does not broadcast to ${show(shape)}.`,
    );
    return [{ shape, dtype: x.dtype }];
  },
  evaluate: ([x], { shape }, node) => {
    const out = emptyValues(node.outputs[0]);
    forEachOffset(shape, [broadcastStrides(node.inputs[0].shape, shape)], ([from], at) => {
      out[at] = x[from];
    });
    return [out];
  },
  gradient: ({ inputs: [x], gradients: [g] }) => [g!.sumTo(x.shape)],
  lower: (emit, node, { shape }) => {
    emit.node('Expand', [emit.name(node.inputs[0]), emit.int64(shape)], {}, emit.name(node.outputs[0]));
  },
});

/** Repeats along axes of size 1 (and new leading axes) up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(expandOperator, [x], { shape: [...shape] });
}

const concatOperator = defineOperator<{ axis: number }>({
  name: 'concat',
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    for (const x of inputs) {
      ensure(
        x.dtype === first.dtype && x.rank === first.rank && x.shape.every((n, i) => i === axis || n === first.shape[i]),
        () => `concat: ${first} and ${x} differ outside axis ${axis}.`,
      );
    }
    const total = inputs.reduce((n, x) => n + x.shape[axis], 0);
    return [{ shape: first.shape.map((n, i) => (i === axis ? total : n)), dtype: first.dtype }];
  },
  evaluate: (values, { axis }, node) => {
    const out = emptyValues(node.outputs[0]);
    const outer = sizeOf(node.outputs[0].shape.slice(0, axis));
    const row = out.length / outer;
    let start = 0;
    values.forEach((x) => {
      const width = x.length / outer;
      for (let o = 0; o < outer; o++)
        (out as Float64Array).set(x.subarray(o * width, (o + 1) * width), o * row + start);
      start += width;
    });
    return [out];
  },
  gradient: ({ inputs, attributes: { axis }, gradients: [g] }) =>
    g!.split(
      inputs.map((x) => x.shape[axis]),
      axis,
    ),
  lower: (emit, node, { axis }) => {
    emit.node(
      'Concat',
      node.inputs.map((t) => emit.name(t)),
      { axis },
      emit.name(node.outputs[0]),
    );
  },
});

/** Joins tensors along an axis. */
export function concat(tensors: Tensor[], axis: number): Tensor {
  ensure(tensors.length > 0, () => 'concat: needs at least one tensor.');
  return tensors.length === 1
    ? tensors[0]
    : apply(concatOperator, tensors, { axis: normalizeAxis(axis, tensors[0].rank, 'concat') });
}

/** A shader may be bound to 8 storage buffers everywhere: the input and so many outputs. */
const WEBGPU_SPLIT_OUTPUTS = 7;

const splitOperator = defineOperator<{ sizes: number[]; axis: number }>({
  name: 'split',
  infer: ([x], { sizes, axis }) => {
    ensure(
      sizes.every((n) => n >= 1) && sizes.reduce((a, b) => a + b, 0) === x.shape[axis],
      () => `split: sizes ${show(sizes)} do not add up to axis ${axis} of ${show(x.shape)}.`,
    );
    return sizes.map((size) => ({ shape: x.shape.map((n, i) => (i === axis ? size : n)), dtype: x.dtype }));
  },
  evaluate: ([x], { sizes, axis }, node) => {
    const { shape } = node.inputs[0];
    const outer = sizeOf(shape.slice(0, axis));
    const row = x.length / outer;
    let start = 0;
    return sizes.map((size, i) => {
      const out = emptyValues(node.outputs[i]);
      const width = (row / shape[axis]) * size;
      for (let o = 0; o < outer; o++)
        (out as Float64Array).set(x.subarray(o * row + start, o * row + start + width), o * width);
      start += width;
      return out;
    });
  },
  gradient: ({ outputs, attributes: { axis }, gradients }) => [
    concat(
      outputs.map((y, i) => gradients[i] ?? zeros(y.shape)),
      axis,
    ),
  ],
  lower: (emit, node, { sizes, axis }) => {
    if (emit.target === 'webgpu' && sizes.length > WEBGPU_SPLIT_OUTPUTS) {
      let start = 0;
      sizes.forEach((size, i) => {
        const range = [[start], [start + size], [axis]].map((v) => emit.int64(v));
        emit.node('Slice', [emit.name(node.inputs[0]), ...range], {}, emit.name(node.outputs[i]));
        start += size;
      });
      return;
    }
    emit.nodes(
      'Split',
      [emit.name(node.inputs[0]), emit.int64(sizes)],
      node.outputs.map((t) => emit.name(t)),
      { axis },
    );
  },
});

/** Cuts an axis into parts of the given sizes (or into `n` equal parts). */
export function split(x: Tensor, sizes: number[] | number, axis: number): Tensor[] {
  const at = normalizeAxis(axis, x.rank, 'split');
  if (typeof sizes === 'number') {
    const parts = sizes;
    ensure(
      x.shape[at] % parts === 0,
      () => `split: axis ${at} of ${show(x.shape)} does not divide into ${parts} parts.`,
    );
    sizes = new Array<number>(parts).fill(x.shape[at] / parts);
  }
  return sizes.length === 1 ? [x] : applyAll(splitOperator, [x], { sizes, axis: at });
}

/** A tensor of one repeated value, made by broadcasting a scalar. */
export function full(shape: Shape, value: number): Tensor {
  return constant([value], []).expand(shape);
}

/** A tensor of zeros. */
export function zeros(shape: Shape): Tensor {
  return full(shape, 0);
}

interface SliceAttributes {
  starts: number[];
  sizes: number[];
  steps: number[];
}

const sliceOperator = defineOperator<SliceAttributes>({
  name: 'slice',
  infer: ([x], { starts, sizes, steps }) => {
    ensure(
      x.shape.every(
        (n, i) => starts[i] >= 0 && steps[i] >= 1 && sizes[i] >= 1 && starts[i] + (sizes[i] - 1) * steps[i] < n,
      ),
      () => `slice: starts ${show(starts)}, sizes ${show(sizes)}, steps ${show(steps)} leave ${show(x.shape)}.`,
    );
    return [{ shape: sizes, dtype: x.dtype }];
  },
  evaluate: ([x], { starts, sizes, steps }, node) => {
    const out = emptyValues(node.outputs[0]);
    const strides = stridesOf(node.inputs[0].shape);
    const origin = starts.reduce((o, s, i) => o + s * strides[i], 0);
    forEachOffset(sizes, [strides.map((s, i) => s * steps[i])], ([from], at) => {
      out[at] = x[origin + from];
    });
    return [out];
  },
  gradient: ({ inputs: [x], attributes: { starts, sizes, steps }, gradients: [g] }) => {
    let back = g!;
    for (let axis = 0; axis < x.rank; axis++) {
      if (steps[axis] === 1) continue;
      // Put step - 1 zeros behind each element: a new axis, padded, merged again.
      const apart = back.reshape([...back.shape.slice(0, axis + 1), 1, ...back.shape.slice(axis + 1)]);
      const padded = apart.pad(apart.shape.map((_, i) => [0, i === axis + 1 ? steps[axis] - 1 : 0]));
      const merged = padded.reshape(back.shape.map((n, i) => (i === axis ? n * steps[axis] : n)));
      back = merged.slice(merged.shape.map((n, i) => [0, i === axis ? (sizes[axis] - 1) * steps[axis] + 1 : n]));
    }
    return [back.pad(x.shape.map((n, i) => [starts[i], n - starts[i] - back.shape[i]]))];
  },
  lower: (emit, node, { starts, sizes, steps }) => {
    const ends = starts.map((s, i) => s + (sizes[i] - 1) * steps[i] + 1);
    const axes = starts.map((_, i) => i);
    emit.node(
      'Slice',
      [emit.name(node.inputs[0]), emit.int64(starts), emit.int64(ends), emit.int64(axes), emit.int64(steps)],
      {},
      emit.name(node.outputs[0]),
    );
  },
});

/** `[start, end)` or `[start, end, step]` for each axis; negative positions count from the end; missing axes stay whole. */
export function slice(x: Tensor, ranges: ([number, number] | [number, number, number] | undefined)[]): Tensor {
  const starts: number[] = [];
  const sizes: number[] = [];
  const steps: number[] = [];
  x.shape.forEach((n, i) => {
    const [start, end, step = 1] = ranges[i] ?? [0, n];
    const from = start < 0 ? start + n : start;
    starts.push(from);
    sizes.push(Math.ceil(((end < 0 ? end + n : Math.min(end, n)) - from) / step));
    steps.push(step);
  });
  return sameShape(sizes, x.shape) ? x : apply(sliceOperator, [x], { starts, sizes, steps });
}

const padOperator = defineOperator<{ before: number[]; after: number[]; value: number }>({
  name: 'pad',
  infer: ([x], { before, after }) => {
    ensure(
      before.length === x.rank && after.length === x.rank && [...before, ...after].every((n) => n >= 0),
      () => `pad: ${show(before)} before and ${show(after)} after do not fit ${show(x.shape)}.`,
    );
    return [{ shape: x.shape.map((n, i) => before[i] + n + after[i]), dtype: x.dtype }];
  },
  evaluate: ([x], { before, value }, node) => {
    const out = emptyValues(node.outputs[0]).fill(value) as Values;
    const strides = stridesOf(node.outputs[0].shape);
    const origin = before.reduce((o, b, i) => o + b * strides[i], 0);
    forEachOffset(node.inputs[0].shape, [strides], ([to], at) => {
      out[origin + to] = x[at];
    });
    return [out];
  },
  gradient: ({ inputs: [x], attributes: { before }, gradients: [g] }) => [
    g!.slice(x.shape.map((n, i) => [before[i], before[i] + n])),
  ],
  lower: (emit, node, { before, after, value }) => {
    emit.node(
      'Pad',
      [
        emit.name(node.inputs[0]),
        emit.int64([...before, ...after]),
        emit.constant(valuesOf([value], node.outputs[0].dtype), { shape: [], dtype: node.outputs[0].dtype }),
      ],
      { mode: 'constant' },
      emit.name(node.outputs[0]),
    );
  },
});

/** Adds `[before, after]` elements of `value` on each axis. */
export function pad(x: Tensor, amounts: readonly (readonly [number, number] | readonly number[])[], value = 0): Tensor {
  if (amounts.length === x.rank && amounts.every(([before, after]) => before === 0 && after === 0)) return x;
  return apply(padOperator, [x], { before: amounts.map((a) => a[0]), after: amounts.map((a) => a[1]), value });
}
