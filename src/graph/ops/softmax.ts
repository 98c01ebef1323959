/** Softmax and log-softmax along one axis, the maximum subtracted first. */
import { normalizeAxis, sizeOf } from '../shape.js';
import { apply, defineOperator, emptyValues, type Node, type Tensor, type Values } from '../tensor.js';

/** Calls `visit` for each line of values along `axis`: `at(i)` is the position of its i-th value. */
function forEachLine(node: Node, axis: number, visit: (length: number, at: (i: number) => number) => void): void {
  const { shape } = node.inputs[0];
  const length = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
    for (let i = 0; i < inner; i++) visit(length, (k) => (outer * length + k) * inner + i);
  }
}

/** The largest value of a line, and the sum of exp(x - largest). */
function shiftedSum(x: Values, length: number, at: (i: number) => number): { largest: number; total: number } {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < length; k++) largest = Math.max(largest, x[at(k)]);
  let total = 0;
  for (let k = 0; k < length; k++) total += Math.exp(x[at(k)] - largest);
  return { largest, total };
}

const softmaxOperator = defineOperator<{ axis: number }>({
  name: 'softmax',
  infer: ([x]) => [x],
  evaluate: ([x], { axis }, node) => {
    const out = emptyValues(node.outputs[0]);
    forEachLine(node, axis, (length, at) => {
      const { largest, total } = shiftedSum(x, length, at);
      for (let k = 0; k < length; k++) out[at(k)] = Math.exp(x[at(k)] - largest) / total;
    });
    return [out];
  },
  gradient: ({ outputs: [y], attributes: { axis }, gradients: [g] }) => {
    return [y.mul(g!.sub(g!.mul(y).sum(axis, true)))];
  },
  lower: (emit, node, { axis }) => {
    emit.node('Softmax', [emit.name(node.inputs[0])], { axis }, emit.name(node.outputs[0]));
  },
});

const logSoftmaxOperator = defineOperator<{ axis: number }>({
  name: 'logSoftmax',
  infer: ([x]) => [x],
  evaluate: ([x], { axis }, node) => {
    const out = emptyValues(node.outputs[0]);
    forEachLine(node, axis, (length, at) => {
      const { largest, total } = shiftedSum(x, length, at);
      for (let k = 0; k < length; k++) out[at(k)] = x[at(k)] - largest - Math.log(total);
    });
    return [out];
  },
  gradient: ({ outputs: [y], attributes: { axis }, gradients: [g] }) => [g!.sub(y.exp().mul(g!.sum(axis, true)))],
  lower: (emit, node, { axis }) => {
    const x = emit.name(node.inputs[0]);
    const out = emit.name(node.outputs[0]);
    if (emit.target !== 'webgpu') {
      emit.node('LogSoftmax', [x], { axis }, out);
      return;
    }
    // WebGPU has no LogSoftmax kernel: x - max - log(sum(exp(x - max))).
    const axes = emit.int64([axis]);
    const centred = emit.node('Sub', [x, emit.node('ReduceMax', [x, axes], { keepdims: 1 })]);
    const total = emit.node('ReduceSum', [emit.node('Exp', [centred]), axes], { keepdims: 1 });
    emit.node('Sub', [centred, emit.node('Log', [total])], {}, out);
  },
});

/** exp(x) over its sum along `axis`. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return apply(softmaxOperator, [x], { axis: normalizeAxis(axis, x.rank, 'softmax') });
}

/** log(softmax(x)) without overflow. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return apply(logSoftmaxOperator, [x], { axis: normalizeAxis(axis, x.rank, 'logSoftmax') });
}
