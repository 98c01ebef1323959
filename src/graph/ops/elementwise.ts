/** Element-wise arithmetic with broadcasting. */
import { HiperceiverError } from '../../errors/index.js';
import { broadcastShapes, broadcastStrides, forEachOffset, sameShape } from '../shape.js';
import {
  apply,
  type DType,
  defineOperator,
  emptyValues,
  isFloat,
  type Operator,
  scalar,
  type Tensor,
} from '../tensor.js';

/** A tensor, or a number that stands for a constant of the other operand's dtype. */
export type Operand = Tensor | number;

/** A number as a constant of that dtype; a tensor as it is. */
export function asTensor(value: Operand, dtype: DType = 'f32'): Tensor {
  return typeof value === 'number' ? scalar(value, dtype) : value;
}

interface UnaryRule {
  onnx: string;
  compute: (x: number) => number;
  /** Gradient of x given the output's gradient g and the output y. */
  gradient?: (g: Tensor, x: Tensor, y: Tensor) => Tensor | undefined;
  dtypes?: DType[];
  lower?: Operator['lower'];
}

function unary(name: string, rule: UnaryRule): Operator<object> {
  return defineOperator<object>({
    name,
    infer: ([x]) => {
      requireDType(name, x, rule.dtypes ?? ['f32']);
      return [{ shape: x.shape, dtype: x.dtype }];
    },
    evaluate: ([x], _, node) => {
      const out = emptyValues(node.outputs[0]);
      for (let i = 0; i < out.length; i++) out[i] = rule.compute(x[i]);
      return [out];
    },
    gradient:
      rule.gradient && (({ inputs: [x], outputs: [y], gradients: [g] }) => [rule.gradient?.(g as Tensor, x, y)]),
    lower:
      rule.lower ??
      ((emit, node) => {
        emit.node(rule.onnx, [emit.name(node.inputs[0])], {}, emit.name(node.outputs[0]));
      }),
  });
}

function requireDType(name: string, x: Tensor, dtypes: DType[]): void {
  if (!dtypes.includes(x.dtype === 'f16' ? 'f32' : x.dtype))
    throw new HiperceiverError(`${name}: takes ${dtypes.join(' or ')}, not ${x}.`);
}

interface BinaryRule {
  onnx: string;
  compute: (a: number, b: number) => number;
  /** Gradients before they are summed back to the operands' shapes. */
  gradient?: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => [() => Tensor | undefined, () => Tensor | undefined];
  dtypes?: DType[];
  result?: DType;
}

/** Defines an operator on two tensors that broadcast. Used for arithmetic here and comparison elsewhere. */
export function binary(name: string, rule: BinaryRule): (a: Operand, b: Operand) => Tensor {
  const operator = defineOperator<object>({
    name,
    infer: ([a, b]) => {
      requireDType(name, a, rule.dtypes ?? ['f32', 'i32']);
      if (a.dtype !== b.dtype) throw new HiperceiverError(`${name}: operands ${a} and ${b} differ in dtype.`);
      return [{ shape: broadcastShapes(a.shape, b.shape, name), dtype: rule.result ?? a.dtype }];
    },
    evaluate: ([a, b], _, node) => {
      const [ta, tb] = node.inputs;
      const out = emptyValues(node.outputs[0]);
      const shape = node.outputs[0].shape;
      if (sameShape(ta.shape, tb.shape)) {
        for (let i = 0; i < out.length; i++) out[i] = rule.compute(a[i], b[i]);
      } else {
        forEachOffset(shape, [broadcastStrides(ta.shape, shape), broadcastStrides(tb.shape, shape)], ([ia, ib], at) => {
          out[at] = rule.compute(a[ia], b[ib]);
        });
      }
      return [out];
    },
    gradient:
      rule.gradient &&
      (({ inputs: [a, b], outputs: [y], gradients: [g], needs }) => {
        const [ga, gb] = rule.gradient!(g as Tensor, a, b, y);
        return [needs[0] ? ga()?.sumTo(a.shape) : undefined, needs[1] ? gb()?.sumTo(b.shape) : undefined];
      }),
    lower: (emit, node) => {
      emit.node(
        rule.onnx,
        node.inputs.map((t) => emit.name(t)),
        {},
        emit.name(node.outputs[0]),
      );
    },
  });
  return (a, b) => {
    const dtype = typeof a === 'number' ? (typeof b === 'number' ? 'f32' : b.dtype) : a.dtype;
    return apply(operator, [asTensor(a, dtype), asTensor(b, dtype)], {});
  };
}

const of = (operator: Operator<object>) => (x: Tensor) => apply(operator, [x], {});

// Element by element, what the names say; the logarithm is the natural one.
export const neg = of(
  unary('neg', { onnx: 'Neg', compute: (x) => -x, gradient: (g) => g.neg(), dtypes: ['f32', 'i32'] }),
);
export const abs = of(
  unary('abs', {
    onnx: 'Abs',
    compute: Math.abs,
    gradient: (g, x) => x.greater(0).where(g, x.less(0).where(g.neg(), 0)),
  }),
);
export const exp = of(unary('exp', { onnx: 'Exp', compute: Math.exp, gradient: (g, _, y) => g.mul(y) }));
export const log = of(unary('log', { onnx: 'Log', compute: Math.log, gradient: (g, x) => g.div(x) }));
export const sqrt = of(unary('sqrt', { onnx: 'Sqrt', compute: Math.sqrt, gradient: (g, _, y) => g.mul(0.5).div(y) }));
export const sin = of(unary('sin', { onnx: 'Sin', compute: Math.sin, gradient: (g, x) => g.mul(x.cos()) }));
export const cos = of(unary('cos', { onnx: 'Cos', compute: Math.cos, gradient: (g, x) => g.mul(x.sin()).neg() }));
export const tanh = of(
  unary('tanh', { onnx: 'Tanh', compute: Math.tanh, gradient: (g, _, y) => g.mul(y.add(1)).mul(asTensor(1).sub(y)) }),
);
export const erf = of(
  unary('erf', {
    onnx: 'Erf',
    compute: erfOf,
    gradient: (g, x) =>
      g.mul(
        x
          .mul(x)
          .neg()
          .exp()
          .mul(2 / Math.sqrt(Math.PI)),
      ),
  }),
);
export const sigmoid = of(
  unary('sigmoid', {
    onnx: 'Sigmoid',
    compute: (x) => 1 / (1 + Math.exp(-x)),
    gradient: (g, _, y) => g.mul(y).mul(asTensor(1).sub(y)),
  }),
);
export const relu = of(
  unary('relu', {
    onnx: 'Relu',
    compute: (x) => Math.max(x, 0),
    gradient: (g, x) => x.greater(0).where(g, 0),
  }),
);
export const floor = of(unary('floor', { onnx: 'Floor', compute: Math.floor }));

/** Passes its value on and lets no gradient back. */
export const stopGradient = of(
  unary('stopGradient', {
    onnx: 'Identity',
    compute: (x) => x,
    gradient: () => undefined,
    dtypes: ['f32', 'i32', 'bool'],
  }),
);

const castOperator = defineOperator<{ dtype: DType }>({
  name: 'cast',
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  evaluate: ([x], { dtype }, node) => {
    const out = emptyValues(node.outputs[0]);
    for (let i = 0; i < out.length; i++)
      out[i] = dtype === 'bool' ? Number(x[i] !== 0) : dtype === 'i32' ? Math.trunc(x[i]) : x[i];
    return [out];
  },
  gradient: ({ inputs: [x], attributes, gradients: [g] }) => [
    isFloat(x.dtype) && isFloat(attributes.dtype) ? cast(g!, x.dtype) : undefined,
  ],
  lower: (emit, node, { dtype }) => {
    emit.node(
      'Cast',
      [emit.name(node.inputs[0])],
      { to: { f32: 1, i32: 6, bool: 9, f16: 10 }[dtype] },
      emit.name(node.outputs[0]),
    );
  },
});

/** Converts to another dtype: to i32 rounds towards zero, to bool means "not zero". */
export function cast(x: Tensor, dtype: DType): Tensor {
  return apply(castOperator, [x], { dtype });
}

// Element by element, with broadcasting.
export const add = binary('add', { onnx: 'Add', compute: (a, b) => a + b, gradient: (g) => [() => g, () => g] });
export const sub = binary('sub', { onnx: 'Sub', compute: (a, b) => a - b, gradient: (g) => [() => g, () => g.neg()] });
export const mul = binary('mul', {
  onnx: 'Mul',
  compute: (a, b) => a * b,
  gradient: (g, a, b) => (a === b ? [() => g.mul(2).mul(a), () => undefined] : [() => g.mul(b), () => g.mul(a)]),
});
export const div = binary('div', {
  onnx: 'Div',
  compute: (a, b) => a / b,
  gradient: (g, _, b, y) => [() => g.div(b), () => g.mul(y).div(b).neg()],
  dtypes: ['f32'],
});
/** a to the power b; for a negative base the exponent must be a whole number (and gets no gradient). */
export const pow = binary('pow', {
  onnx: 'Pow',
  compute: (a, b) => a ** b,
  gradient: (g, a, b, y) => [() => g.mul(b).mul(a.pow(b.sub(1))), () => g.mul(y).mul(a.greater(0).where(a, 1).log())],
  dtypes: ['f32'],
});
/** The larger one; where equal the gradient goes to the first. */
export const maximum = binary('maximum', {
  onnx: 'Max',
  compute: (a, b) => Math.max(a, b),
  gradient: (g, a, b) => [() => b.greater(a).where(0, g), () => b.greater(a).where(g, 0)],
  dtypes: ['f32'],
});
/** The smaller one; where equal the gradient goes to the first. */
export const minimum = binary('minimum', {
  onnx: 'Min',
  compute: (a, b) => Math.min(a, b),
  gradient: (g, a, b) => [() => b.less(a).where(0, g), () => b.less(a).where(g, 0)],
  dtypes: ['f32'],
});

/** erf to double precision: Taylor series near zero, continued fraction of erfc beyond. */
export function erfOf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / fraction);
}
