/** Comparison, logic and choice. */
import { HiperceiverError } from '../../errors/index.js';
import { broadcastShapes, broadcastStrides, forEachOffset } from '../shape.js';
import { apply, defineOperator, emptyValues, type Tensor } from '../tensor.js';
import { asTensor, binary, type Operand } from './elementwise.js';

// Element by element, with broadcasting; the result is bool.
export const equal = binary('equal', { onnx: 'Equal', compute: (a, b) => Number(a === b), result: 'bool' });
export const less = binary('less', { onnx: 'Less', compute: (a, b) => Number(a < b), result: 'bool' });
export const greater = binary('greater', { onnx: 'Greater', compute: (a, b) => Number(a > b), result: 'bool' });
export const lessEqual = binary('lessEqual', {
  onnx: 'LessOrEqual',
  compute: (a, b) => Number(a <= b),
  result: 'bool',
});
export const greaterEqual = binary('greaterEqual', {
  onnx: 'GreaterOrEqual',
  compute: (a, b) => Number(a >= b),
  result: 'bool',
});
export const and = binary('and', { onnx: 'And', compute: (a, b) => a & b, dtypes: ['bool'] });
export const or = binary('or', { onnx: 'Or', compute: (a, b) => a | b, dtypes: ['bool'] });

const notOperator = defineOperator<object>({
  name: 'not',
  infer: ([x]) => {
    if (x.dtype !== 'bool') throw new HiperceiverError(`not: takes bool, not ${x}.`);
    return [x];
  },
  evaluate: ([x]) => [(x as Uint8Array).map((v) => 1 - v)],
  lower: (emit, node) => {
    emit.node('Not', [emit.name(node.inputs[0])], {}, emit.name(node.outputs[0]));
  },
});

/** True where `x` (bool) is false. */
export function not(x: Tensor): Tensor {
  return apply(notOperator, [x], {});
}

const whereOperator = defineOperator<object>({
  name: 'where',
  infer: ([condition, a, b]) => {
    if (condition.dtype !== 'bool') throw new HiperceiverError(`where: the condition must be bool, not ${condition}.`);
    if (a.dtype !== b.dtype) throw new HiperceiverError(`where: ${a} and ${b} differ in dtype.`);
    return [
      { shape: broadcastShapes(broadcastShapes(a.shape, b.shape, 'where'), condition.shape, 'where'), dtype: a.dtype },
    ];
  },
  evaluate: ([condition, a, b], _, node) => {
    const out = emptyValues(node.outputs[0]);
    const shape = node.outputs[0].shape;
    forEachOffset(
      shape,
      node.inputs.map((t) => broadcastStrides(t.shape, shape)),
      ([ic, ia, ib], at) => {
        out[at] = condition[ic] ? a[ia] : b[ib];
      },
    );
    return [out];
  },
  gradient: ({ inputs: [condition, a, b], gradients: [g], needs }) => [
    undefined,
    needs[1] ? condition.where(g!, 0).sumTo(a.shape) : undefined,
    needs[2] ? condition.where(0, g!).sumTo(b.shape) : undefined,
  ],
  lower: (emit, node) => {
    emit.node(
      'Where',
      node.inputs.map((t) => emit.name(t)),
      {},
      emit.name(node.outputs[0]),
    );
  },
});

/** `a` where the condition holds, `b` elsewhere; all three broadcast. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const dtype = typeof a === 'number' ? (typeof b === 'number' ? 'f32' : b.dtype) : a.dtype;
  return apply(whereOperator, [condition, asTensor(a, dtype), asTensor(b, dtype)], {});
}
