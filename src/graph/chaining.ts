/** Lets operations be chained: `x.mul(2).add(y).softmax()`. Each method is the operator function with `this` as its first argument. */
import * as ops from './ops/index.js';
import { Tensor } from './tensor.js';

/** Operators whose first parameter is a tensor, and so can be methods. */
const methods = {
  neg: ops.neg,
  abs: ops.abs,
  exp: ops.exp,
  log: ops.log,
  sqrt: ops.sqrt,
  sin: ops.sin,
  cos: ops.cos,
  tanh: ops.tanh,
  erf: ops.erf,
  sigmoid: ops.sigmoid,
  relu: ops.relu,
  squaredRelu: ops.squaredRelu,
  gelu: ops.gelu,
  floor: ops.floor,
  stopGradient: ops.stopGradient,
  cast: ops.cast,
  add: ops.add,
  sub: ops.sub,
  mul: ops.mul,
  div: ops.div,
  pow: ops.pow,
  maximum: ops.maximum,
  minimum: ops.minimum,
  equal: ops.equal,
  less: ops.less,
  greater: ops.greater,
  lessEqual: ops.lessEqual,
  greaterEqual: ops.greaterEqual,
  and: ops.and,
  or: ops.or,
  not: ops.not,
  where: ops.where,
  sum: ops.sum,
  mean: ops.mean,
  max: ops.max,
  sumTo: ops.sumTo,
  reshape: ops.reshape,
  transpose: ops.transpose,
  expand: ops.expand,
  split: ops.split,
  slice: ops.slice,
  pad: ops.pad,
  matmul: ops.matmul,
  softmax: ops.softmax,
  logSoftmax: ops.logSoftmax,
  layerNorm: ops.layerNorm,
  normalize: ops.normalize,
  gather: ops.gather,
  oneHot: ops.oneHot,
  topK: ops.topK,
  cumulativeSum: ops.cumulativeSum,
  conv: ops.conv,
  convTranspose: ops.convTranspose,
  maxPool: ops.maxPool,
};

type Method<F> = F extends (self: Tensor, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : F extends (self: ops.Operand, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never;

type Methods = { [Name in keyof typeof methods]: Method<(typeof methods)[Name]> };

declare module './tensor.js' {
  interface Tensor extends Methods {}
}

for (const [name, operation] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]) {
      return (operation as (...all: unknown[]) => unknown)(this, ...rest);
    },
  });
}
