/** Small graphs that show each operator at work, awkward shapes included: what the operator tests loop over. */
import {
  batchNorm,
  batchNormInference,
  concat,
  constant,
  type DType,
  full,
  groupNorm,
  input,
  layerNorm,
  oneHot,
  type Shape,
  scatterAdd,
  sizeOf,
  type Tensor,
  topK,
  type Values,
  zeros,
} from '../../src/graph/index.js';
import { fold, type Key, keyFrom, normal, permutation, uniform } from '../../src/random/index.js';

/** Makes named inputs together with values for them; the same name always draws the same values. */
export class Draw {
  readonly values: Record<string, Values> = {};
  /** Inputs whose gradient is asked for. */
  readonly differentiable: Tensor[] = [];
  private readonly key: Key;

  constructor(private readonly prefix: string) {
    this.key = fold(keyFrom(7), prefix);
  }

  /** Standard normal numbers. */
  f32(...shape: number[]): Tensor {
    return this.differentiated(shape, (key, n) => normal(key, n));
  }

  /** Numbers in [low, high). */
  between(low: number, high: number, ...shape: number[]): Tensor {
    return this.differentiated(shape, (key, n) => uniform(key, n).map((u) => Math.fround(low + u * (high - low))));
  }

  /** Distinct numbers at least 0.1 apart, in random order: no ties and no kinks near. */
  apart(...shape: number[]): Tensor {
    return this.differentiated(shape, (key, n) =>
      Float32Array.from(permutation(key, n), (v) => (v - n / 2) * 0.1 + 0.03),
    );
  }

  /** Given f32 values that no gradient is asked for. */
  fixed(shape: Shape, values: ArrayLike<number>): Tensor {
    return this.add(shape, 'f32', Float32Array.from(values));
  }

  /** Whole numbers in [low, high). */
  i32(low: number, high: number, ...shape: number[]): Tensor {
    return this.add(
      shape,
      'i32',
      Int32Array.from(uniform(this.next(), sizeOf(shape)), (u) => Math.floor(low + u * (high - low))),
    );
  }

  bool(...shape: number[]): Tensor {
    return this.add(
      shape,
      'bool',
      Uint8Array.from(uniform(this.next(), sizeOf(shape)), (u) => Number(u < 0.5)),
    );
  }

  private differentiated(shape: number[], draw: (key: Key, n: number) => Float32Array): Tensor {
    const tensor = this.add(shape, 'f32', draw(this.next(), sizeOf(shape)));
    this.differentiable.push(tensor);
    return tensor;
  }

  private next(): Key {
    return fold(this.key, Object.keys(this.values).length);
  }

  private add(shape: Shape, dtype: DType, values: Values): Tensor {
    const name = `${this.prefix}/${Object.keys(this.values).length}`;
    this.values[name] = values;
    return input(name, shape, dtype);
  }
}

/** Builds one or several outputs from drawn inputs. */
export type Sample = (draw: Draw) => Tensor | Tensor[];

const unary = (name: 'exp' | 'sin' | 'cos' | 'tanh' | 'erf' | 'sigmoid'): Record<string, Sample> => ({
  normal: (d) => d.f32(2, 3)[name](),
  far: (d) => d.between(-4, 4, 7)[name](),
  'without axes': (d) => d.f32()[name](),
});

const binary = (name: 'add' | 'sub' | 'mul' | 'maximum' | 'minimum'): Record<string, Sample> => ({
  same: (d) => d.f32(2, 3)[name](d.f32(2, 3)),
  'both broadcast': (d) => d.f32(2, 1, 3)[name](d.f32(4, 1)),
  'left is smaller': (d) => d.f32(3)[name](d.f32(2, 1, 3)),
  'with a number': (d) => d.f32(2, 2)[name](0.7),
});

const comparison = (name: 'equal' | 'less' | 'greater' | 'lessEqual' | 'greaterEqual'): Record<string, Sample> => ({
  f32: (d) => d.fixed([2, 3], [1, 2, 3, -1, 0, 1])[name](d.fixed([3], [1, 3, 2])),
  i32: (d) => d.i32(0, 3, 2, 1, 4)[name](d.i32(0, 3, 3, 1)),
  'as a mask': (d) => {
    const x = d.apart(3, 4);
    return x[name](0.5).where(x.mul(2), x.neg());
  },
});

const reduction = (name: 'sum' | 'mean' | 'max'): Record<string, Sample> => ({
  all: (d) => d.apart(2, 3)[name](),
  'one axis': (d) => d.apart(2, 3, 4)[name](1),
  'negative axes, kept': (d) => d.apart(2, 3, 4)[name]([-1, 0], true),
  'an axis of size 1': (d) => d.apart(3, 1, 2)[name]([1]),
  'the last two': (d) => d.apart(2, 3, 1)[name]([1, 2], false),
});

const logic = (name: 'and' | 'or'): Record<string, Sample> => ({
  broadcast: (d) => d.bool(2, 1, 3)[name](d.bool(4, 1)),
});

/** By operator, then by what is special about the sample. */
export const samples: Record<string, Record<string, Sample>> = {
  input: { 'fed and returned': (d) => d.f32(2, 2) },
  constant: {
    f32: (d) => d.f32(2, 3).mul(constant([1, 2, 3])),
    'not shared although nearly equal': (d) => {
      const x = d.f32(2);
      return [x.maximum(constant([Number.NEGATIVE_INFINITY, 0])), x.minimum(constant([Number.POSITIVE_INFINITY, 0]))];
    },
    i32: (d) => d.i32(-3, 3, 4).mul(constant([1, -2, 3, 4], [4], 'i32')),
  },
  neg: { f32: (d) => d.f32(3).neg(), i32: (d) => d.i32(-4, 4, 5).neg() },
  abs: { f32: (d) => d.apart(2, 3).abs() },
  exp: unary('exp'),
  log: { positive: (d) => d.between(0.2, 4, 2, 3).log() },
  sqrt: { positive: (d) => d.between(0.2, 4, 2, 3).sqrt() },
  sin: unary('sin'),
  cos: unary('cos'),
  tanh: unary('tanh'),
  erf: unary('erf'),
  sigmoid: unary('sigmoid'),
  relu: { f32: (d) => d.apart(3, 4).relu() },
  gelu: { f32: (d) => d.f32(3, 4).gelu(), 'of a vector': (d) => d.f32(5).gelu() },
  squaredRelu: { f32: (d) => d.apart(3, 4).squaredRelu() },
  floor: { f32: (d) => d.apart(9).floor() },
  stopGradient: { f32: (d) => d.fixed([3], [1, -2, 3]).stopGradient().mul(d.f32(3)) },
  cast: {
    'f32 to i32': (d) => d.fixed([4], [1.7, -1.7, 0.2, 3]).cast('i32'),
    'i32 to f32': (d) => d.i32(-3, 3, 4).cast('f32'),
    'bool to f32': (d) => d.bool(5).cast('f32'),
    'bool to i32': (d) => d.bool(5).cast('i32'),
    'f32 to bool': (d) => d.fixed([3], [0, -1, 0.5]).cast('bool'),
    'f32 to f32': (d) => d.f32(2).cast('f32'),
  },
  add: {
    ...binary('add'),
    i32: (d) => d.i32(-3, 3, 2, 3).add(d.i32(-3, 3, 3)),
    'to itself': (d) => {
      const x = d.f32(3);
      return x.add(x);
    },
  },
  sub: { ...binary('sub'), i32: (d) => d.i32(-3, 3, 2, 3).sub(d.i32(-3, 3, 3)) },
  mul: {
    ...binary('mul'),
    'by itself': (d) => {
      const x = d.f32(3);
      return x.mul(x);
    },
    'a number of many axes': (d) =>
      d
        .f32(2, 2)
        .matmul(d.f32(2, 2))
        .mul(constant([3], [1, 1, 1])),
  },
  div: {
    broadcast: (d) => d.f32(2, 1, 3).div(d.between(0.5, 2, 4, 1)),
    'by a number': (d) => d.f32(3).div(3),
    'of a number': (d) => full([1], 2).div(d.between(0.5, 2, 3)),
  },
  pow: {
    'both differentiated': (d) => d.between(0.5, 2, 2, 3).pow(d.f32(3)),
    square: (d) => d.f32(4).pow(2),
    'a cube of negatives': (d) => d.f32(4).pow(3),
    'a square of many axes': (d) => d.f32(3).pow(constant([2], [1, 1])),
    'a root': (d) => d.between(0.5, 2, 3).pow(0.5),
    'of zero': (d) => d.fixed([2], [0, 0]).pow(d.between(0.5, 2, 2)),
  },
  maximum: binary('maximum'),
  minimum: binary('minimum'),
  equal: comparison('equal'),
  less: comparison('less'),
  greater: comparison('greater'),
  lessEqual: comparison('lessEqual'),
  greaterEqual: comparison('greaterEqual'),
  and: logic('and'),
  or: logic('or'),
  not: { bool: (d) => d.bool(2, 3).not() },
  where: {
    'all broadcast': (d) => d.bool(2, 1, 1).where(d.f32(3, 1), d.f32(4)),
    'with numbers': (d) => d.bool(2, 3).where(d.f32(3), -1),
    i32: (d) => d.bool(4).where(d.i32(0, 5, 4), d.i32(0, 5, 4)),
    'a wider condition': (d) => d.bool(2, 3).where(d.f32(), d.f32(1, 3)),
  },
  sum: { ...reduction('sum'), i32: (d) => d.i32(-4, 4, 2, 3).sum(0) },
  mean: reduction('mean'),
  max: { ...reduction('max'), 'negative i32': (d) => d.i32(-9, -1, 2, 3).max(1) },
  reshape: { merge: (d) => d.f32(2, 3, 2).reshape([6, -1]), 'to no axes': (d) => d.f32(1, 1).reshape([]) },
  transpose: {
    'the last two': (d) => d.f32(2, 3, 4).transpose(),
    'a cycle': (d) => d.f32(2, 3, 4).transpose([2, 0, 1]),
    'five axes': (d) => d.f32(2, 1, 3, 2, 2).transpose([3, 1, 4, 0, 2]),
    'there and on': (d) => d.f32(2, 3, 4).transpose([2, 0, 1]).transpose([2, 1, 0]),
  },
  expand: {
    'new axes': (d) => d.f32(3, 1).expand([2, 3, 4]),
    'without axes': (d) => d.f32().expand([2, 2]),
    zeros: (d) => [d.f32(2).add(zeros([3, 2]))],
  },
  concat: {
    'first axis': (d) => concat([d.f32(2, 3), d.f32(1, 3)], 0),
    'last axis, three': (d) => concat([d.f32(2, 1), d.f32(2, 3), d.f32(2, 2)], -1),
    i32: (d) => concat([d.i32(0, 9, 2), d.i32(0, 9, 3)], 0),
  },
  split: {
    'all used': (d) => d.f32(2, 6).split([1, 2, 3], -1),
    'one unused': (d) => {
      const [a, , c] = d.f32(6, 2).split(3, 0);
      return a.mul(c);
    },
    'two unused': (d) => d.f32(2, 5).split([2, 2, 1], 1)[1],
  },
  slice: {
    'inner part': (d) =>
      d.f32(4, 5).slice([
        [1, 3],
        [0, -1],
      ]),
    steps: (d) =>
      d.f32(5, 7).slice([
        [0, 5, 2],
        [1, 7, 3],
      ]),
    'one axis of three': (d) => d.f32(2, 3, 2).slice([undefined, [-1, 3]]),
    i32: (d) => d.i32(0, 9, 6).slice([[1, 6, 2]]),
  },
  pad: {
    zeros: (d) =>
      d.f32(2, 3).pad([
        [1, 0],
        [0, 2],
      ]),
    'a value': (d) => d.f32(3).pad([[2, 1]], -1.5),
    'three axes': (d) =>
      d.f32(1, 2, 2).pad([
        [0, 0],
        [1, 1],
        [0, 1],
      ]),
    i32: (d) => d.i32(1, 5, 3).pad([[1, 1]], 7),
  },
  matmul: {
    plain: (d) => d.f32(2, 3).matmul(d.f32(3, 4)),
    'first transposed': (d) => d.f32(3, 2).matmul(d.f32(3, 4), { transA: true }),
    'second transposed, scaled': (d) => d.f32(2, 3).matmul(d.f32(4, 3), { transB: true, alpha: 0.5 }),
    'both transposed': (d) => d.f32(3, 2).matmul(d.f32(4, 3), { transA: true, transB: true, alpha: -2 }),
    'shared weight': (d) => d.f32(2, 3, 4).matmul(d.f32(4, 5)),
    'shared transposed weight': (d) => d.f32(2, 3, 4).matmul(d.f32(5, 4), { transB: true, alpha: 3 }),
    'shared weight, first transposed': (d) => d.f32(2, 4, 3).matmul(d.f32(4, 5), { transA: true, alpha: 3 }),
    'batch broadcast both ways': (d) => d.f32(2, 1, 2, 3).matmul(d.f32(3, 3, 2)),
    'batch broadcast, transposed': (d) =>
      d.f32(2, 1, 3, 2).matmul(d.f32(1, 3, 2, 3), { transA: true, transB: true, alpha: 0.3 }),
    'smaller left': (d) => d.f32(2, 3).matmul(d.f32(2, 3, 2)),
    'smaller left, transposed': (d) => d.f32(3, 2).matmul(d.f32(2, 4, 3), { transA: true, transB: true }),
    'scaled afterwards': (d) => d.f32(2, 3).matmul(d.f32(3, 2)).mul(0.25),
    'transposed before': (d) =>
      d
        .f32(2, 3, 2)
        .transpose()
        .matmul(d.f32(2, 4, 3).transpose()),
    'a row and a column': (d) => d.f32(1, 3).matmul(d.f32(3, 1)),
  },
  softmax: {
    last: (d) => d.f32(2, 3).softmax(),
    middle: (d) => d.f32(2, 3, 2).softmax(1),
    'large values': (d) => d.between(-80, 80, 2, 4).softmax(),
    'one value': (d) => d.f32(3, 1).softmax(),
  },
  logSoftmax: {
    last: (d) => d.f32(2, 3).logSoftmax(),
    first: (d) => d.f32(3, 2).logSoftmax(0),
    'large values': (d) => d.between(-80, 80, 2, 4).logSoftmax(),
  },
  layerNorm: {
    'three axes': (d) => layerNorm(d.f32(2, 3, 5), d.f32(5), d.f32(5)),
    'one axis': (d) => layerNorm(d.f32(4), d.f32(4), d.f32(4), 1e-3),
    'inside a net': (d) => layerNorm(d.f32(3, 4).mul(3).add(1), d.f32(4), d.f32(4)).tanh(),
  },
  normalize: {
    'three axes': (d) => d.f32(2, 3, 5).normalize(),
    'inside a net': (d) => d.f32(3, 4).mul(3).add(1).normalize().tanh(),
  },
  gather: {
    rows: (d) => d.f32(4, 3).gather(d.i32(0, 4, 5)),
    'inner axis, two axes of indices': (d) => d.f32(2, 5, 3).gather(d.i32(0, 5, 2, 2), 1),
    'last axis': (d) => d.f32(2, 5).gather(d.i32(0, 5, 3), -1),
    'one index': (d) => d.f32(3, 2).gather(d.i32(0, 3), 0),
    i32: (d) => d.i32(0, 9, 5).gather(d.i32(0, 5, 3)),
  },
  scatterAdd: {
    distinct: (d) =>
      scatterAdd([4, 2, 3], constant([2, 0, 3], [3, 1], 'i32'), d.f32(3, 1, 2, 3), 0, { distinct: true }),
    repeated: (d) => scatterAdd([3, 2], constant([1, 1, 0, 1], [4], 'i32'), d.f32(4, 2)),
    'inner axis, two axes of indices': (d) => scatterAdd([2, 4, 3], d.i32(0, 4, 2, 3), d.f32(2, 2, 3, 3), 1),
    'last axis': (d) => scatterAdd([2, 5], d.i32(0, 5, 4), d.f32(2, 4), -1),
  },
  topK: {
    values: (d) => topK(d.apart(2, 5), 3).values,
    'values and indices': (d) => {
      const { values, indices } = topK(d.apart(2, 2, 4), 2);
      return [values, indices];
    },
    'indices alone': (d) => topK(d.apart(6), 6).indices,
  },
  cumulativeSum: {
    last: (d) => d.f32(2, 4).cumulativeSum(),
    reverse: (d) => d.f32(2, 3, 2).cumulativeSum(1, { reverse: true }),
    exclusive: (d) => d.f32(4, 2).cumulativeSum(0, { exclusive: true }),
    'reverse and exclusive': (d) => d.f32(5).cumulativeSum(-1, { reverse: true, exclusive: true }),
  },
  conv: {
    '1-D, stride and asymmetric padding': (d) =>
      d.f32(2, 2, 9).conv(d.f32(3, 2, 3), { strides: [2], padding: [[2, 1]] }),
    '1-D, dilated depthwise': (d) =>
      d.f32(2, 3, 8).conv(d.f32(3, 1, 3), { dilations: [2], groups: 3, padding: [[2, 0]] }),
    '2-D, dense': (d) => d.f32(2, 2, 4, 5).conv(d.f32(3, 2, 2, 3)),
    '2-D, padded and dilated': (d) =>
      d.f32(2, 2, 4, 5).conv(d.f32(3, 2, 3, 2), {
        padding: [
          [1, 2],
          [0, 1],
        ],
        dilations: [1, 2],
      }),
    '2-D, many outputs of one input': (d) =>
      d.f32(2, 1, 4, 3).conv(d.f32(5, 1, 3, 2), {
        padding: [
          [1, 1],
          [1, 0],
        ],
      }),
    '2-D, more padding than the kernel reaches': (d) =>
      d.f32(1, 2, 3, 2).conv(d.f32(2, 2, 1, 1), {
        padding: [
          [1, 0],
          [0, 2],
        ],
      }),
    '1-D, a product for each offset': (d) => d.f32(2, 130, 3).conv(d.f32(1, 130, 2)),
    '1-D, strides over many inputs': (d) => d.f32(1, 33, 5).conv(d.f32(2, 33, 2), { strides: [2], padding: [[1, 0]] }),
    '2-D, stride that leaves a rest': (d) => d.f32(1, 2, 6, 5).conv(d.f32(2, 2, 3, 2), { strides: [2, 2] }),
    '2-D, grouped': (d) =>
      d.f32(2, 4, 4, 4).conv(d.f32(6, 2, 3, 3), {
        groups: 2,
        padding: [
          [1, 1],
          [0, 1],
        ],
        strides: [2, 1],
      }),
    '2-D, depthwise with two outputs each': (d) =>
      d.f32(1, 2, 4, 4).conv(d.f32(4, 1, 2, 2), { groups: 2, strides: [1, 2] }),
    '2-D, patches': (d) => d.f32(1, 3, 4, 4).conv(d.f32(5, 3, 2, 2), { strides: [2, 2] }),
    '3-D': (d) =>
      d.f32(1, 2, 3, 4, 3).conv(d.f32(2, 2, 2, 2, 2), {
        strides: [1, 2, 1],
        padding: [
          [0, 1],
          [1, 0],
          [0, 0],
        ],
      }),
    '3-D, grouped, strides and dilation': (d) =>
      d.f32(2, 4, 5, 3, 3).conv(d.f32(2, 2, 2, 2, 1), {
        groups: 2,
        strides: [2, 1, 2],
        dilations: [2, 1, 1],
        padding: [
          [1, 0],
          [0, 1],
          [0, 0],
        ],
      }),
    '3-D, depthwise': (d) =>
      d.f32(1, 2, 3, 3, 3).conv(d.f32(2, 1, 3, 3, 3), {
        groups: 2,
        padding: [
          [1, 1],
          [1, 1],
          [1, 1],
        ],
      }),
  },
  maxPool: {
    'windows side by side': (d) => d.apart(2, 3, 4, 6).maxPool({ window: [2, 3], strides: [2, 3] }),
    'overlapping, with borders': (d) =>
      d.apart(2, 2, 5, 6).maxPool({
        window: [3, 3],
        strides: [2, 2],
        padding: [
          [1, 1],
          [0, 1],
        ],
      }),
    'rows behind the last window': (d) => d.apart(1, 2, 6, 7).maxPool({ window: [3, 2], strides: [2, 3] }),
  },
  convTranspose: {
    '1-D, output padding': (d) =>
      d.f32(2, 3, 4).convTranspose(d.f32(3, 2, 3), { strides: [2], padding: [[1, 0]], outputPadding: [1] }),
    '2-D, dense': (d) => d.f32(1, 2, 3, 2).convTranspose(d.f32(2, 3, 2, 2), { strides: [2, 2] }),
    '2-D, grouped and dilated': (d) =>
      d.f32(2, 4, 3, 3).convTranspose(d.f32(4, 2, 2, 2), {
        groups: 2,
        dilations: [2, 1],
        padding: [
          [1, 0],
          [0, 1],
        ],
      }),
    '3-D, grouped, padded and dilated': (d) =>
      d.f32(2, 2, 2, 3, 2).convTranspose(d.f32(2, 2, 2, 2, 2), {
        groups: 2,
        strides: [2, 1, 1],
        dilations: [2, 1, 1],
        padding: [
          [1, 1],
          [0, 1],
          [0, 0],
        ],
        outputPadding: [1, 0, 0],
      }),
    '3-D, output padding': (d) =>
      d.f32(1, 2, 2, 2, 2).convTranspose(d.f32(2, 1, 2, 3, 2), { strides: [2, 2, 1], outputPadding: [1, 0, 0] }),
  },
};

/** Functions that are made of operators. */
export const composites: Record<string, Sample> = {
  batchNorm: (d) => {
    const { y, mean, variance } = batchNorm(d.f32(3, 2, 4), d.f32(2), d.f32(2));
    return [y, mean, variance];
  },
  'batchNorm of two axes': (d) => batchNorm(d.f32(6, 3), d.f32(3), d.f32(3)).y,
  batchNormInference: (d) => batchNormInference(d.f32(2, 3, 2, 2), d.f32(3), d.f32(3), d.f32(3), d.between(0.5, 2, 3)),
  groupNorm: (d) => groupNorm(d.f32(2, 4, 3), d.f32(4), d.f32(4), 2),
  oneHot: (d) => oneHot(d.i32(0, 4, 2, 3), 4).mul(d.f32(2, 3, 1)),
  'cross-entropy': (d) =>
    oneHot(d.i32(0, 5, 4), 5)
      .mul(d.f32(4, 5).logSoftmax())
      .sum(-1)
      .mean()
      .neg(),
  attention: (d) => {
    const [q, k, v] = [d.f32(2, 3, 4), d.f32(2, 5, 4), d.f32(2, 5, 4)];
    return q.matmul(k.transpose()).mul(0.5).softmax().matmul(v);
  },
  'masked attention': (d) => {
    const [q, k, v] = [d.f32(2, 3, 4), d.f32(2, 3, 4), d.f32(2, 3, 4)];
    const causal = constant([1, 0, 0, 1, 1, 0, 1, 1, 1], [3, 3]).greater(0);
    return causal
      .where(q.matmul(k, { transB: true, alpha: 0.5 }), Number.NEGATIVE_INFINITY)
      .softmax()
      .matmul(v);
  },
  gelu: (d) => {
    const x = d.f32(2, 5);
    return x.mul(0.5).mul(x.div(Math.SQRT2).erf().add(1));
  },
};
