/** Symbolic tensors with static shapes, their operators, gradients, rewrites and ONNX. */
import './chaining.js';

export type { Target } from './emitter.js';
export { gradients, rematerialize } from './gradient.js';
export { deepestLast, Graph, topologicalOrder, unread } from './graph.js';
export { fromHalfBits, roundToHalf, toHalfBits } from './half.js';
export type { OnnxGraph, OnnxTensor } from './onnx/model.js';
export { quantizeWeights } from './onnx/quantize.js';
export { lowerGraph, NO_RESULTS, type OnnxOptions, toOnnx, writeOnnx } from './onnx/write.js';
export * from './ops/index.js';
export { halfPrecision } from './rewrite/halfPrecision.js';
export { optimize } from './rewrite/index.js';
export { cutIntoSegments, type Part, type Segment } from './segments.js';
export { broadcastShapes, type Shape, sameShape, show, sizeOf } from './shape.js';
export {
  allOperators,
  constant,
  constantValues,
  type DType,
  input,
  isFloat,
  Node,
  type Operator,
  scalar,
  Tensor,
  type TensorType,
  type Values,
  valuesOf,
} from './tensor.js';
