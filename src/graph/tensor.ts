/**
 * Symbolic tensors: a tensor is one output of a node; a node is an operator applied to tensors.
 * Shapes and dtypes are static and checked when the node is made.
 */
import { ensure, HiperceiverError } from '../errors/index.js';
import type { Emitter } from './emitter.js';
import { type Shape, show, sizeOf } from './shape.js';

/** Element type: floats of 32 and 16 bits, 32-bit integers, truth values. */
export type DType = 'f32' | 'f16' | 'i32' | 'bool';

/** Shape and element type. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Values of a tensor: f32 and f16 as 32-bit floats (double in the reference device), i32 as integers, bool as bytes of 0 or 1. */
export type Values = Float32Array | Float64Array | Int32Array | Uint8Array;

/** What an operator knows of its values when its gradient is asked for. */
export interface GradientContext<A> {
  inputs: Tensor[];
  outputs: Tensor[];
  attributes: A;
  /** Gradient of each output; absent where the loss does not depend on it. */
  gradients: (Tensor | undefined)[];
  /** Whether a gradient of each input is wanted. */
  needs: boolean[];
}

/** All that there is to know of an operator, in one place. */
// biome-ignore lint/suspicious/noExplicitAny: each operator has attributes of its own
export interface Operator<A = any> {
  readonly name: string;
  /** Shape rule: the types of the outputs. Throws a sentence that names the shapes which do not fit. */
  infer(inputs: Tensor[], attributes: A): TensorType[];
  /** Reference meaning in plain TypeScript: the tests' oracle, and constant folding. */
  evaluate(inputs: Values[], attributes: A, node: Node): Values[];
  /** Gradients of the inputs as new nodes. Absent: not differentiable (integers, comparisons). */
  gradient?(context: GradientContext<A>): (Tensor | undefined)[];
  /** ONNX nodes with the same meaning; `emit.target` tells the device. */
  lower(emit: Emitter, node: Node, attributes: A): void;
  /** Floating-point operations; counted for products and convolutions alone, 2 for each multiply-add. */
  flops?(node: Node, attributes: A): number;
}

let nextId = 0;
let currentRegion: number | undefined;

/** An operator applied to tensors. */
export class Node {
  readonly id = nextId++;
  readonly outputs: Tensor[];
  /** Region of rematerialisation that this node was made in. */
  readonly region = currentRegion;

  constructor(
    readonly operator: Operator,
    readonly inputs: Tensor[],
    readonly attributes: Record<string, unknown>,
    types: TensorType[],
  ) {
    this.outputs = types.map((type, index) => new Tensor(this, index, type.shape, type.dtype));
  }
}

/** A symbolic array with a static shape and dtype. Operations are methods (see `chaining.ts`). */
export class Tensor implements TensorType {
  constructor(
    readonly node: Node,
    readonly index: number,
    readonly shape: Shape,
    readonly dtype: DType,
  ) {}

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  toString(): string {
    return `${this.node.operator.name}:${this.dtype}${show(this.shape)}`;
  }
}

const operators = new Map<string, Operator>();

/** Registers an operator under its name. */
export function defineOperator<A>(operator: Operator<A>): Operator<A> {
  if (operators.has(operator.name)) throw new Error(`Operator ${operator.name} is defined twice.`);
  operators.set(operator.name, operator as Operator);
  return operator;
}

/** All operators by name: what the tests loop over. */
export function allOperators(): ReadonlyMap<string, Operator> {
  return operators;
}

/** Applies an operator and returns all its outputs. */
export function applyAll<A extends object>(operator: Operator<A>, inputs: Tensor[], attributes: A): Tensor[] {
  return new Node(operator, inputs, attributes as Record<string, unknown>, operator.infer(inputs, attributes)).outputs;
}

/** Applies an operator and returns its first output. */
export function apply<A extends object>(operator: Operator<A>, inputs: Tensor[], attributes: A): Tensor {
  return applyAll(operator, inputs, attributes)[0];
}

/** Runs `build` so that the nodes it makes carry one region number: see `rematerialize`. */
export function inRegion<T>(build: () => T): T {
  const outer = currentRegion;
  currentRegion = outer ?? nextId++;
  try {
    return build();
  } finally {
    currentRegion = outer;
  }
}

/** Makes nodes outside any region, as the backward pass does. */
export function outsideRegions<T>(build: () => T): T {
  const outer = currentRegion;
  currentRegion = undefined;
  try {
    return build();
  } finally {
    currentRegion = outer;
  }
}

/** The operator behind {@link input}. */
export const inputOperator = defineOperator<{ name: string; type: TensorType }>({
  name: 'input',
  infer: (_, { type }) => [type],
  evaluate: (_, { name }) => {
    throw new HiperceiverError(`Input "${name}" was given no value.`);
  },
  gradient: () => [],
  lower: () => {},
});

/** A value fed at each run. */
export function input(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
  ensure(
    shape.every((n) => Number.isInteger(n) && n > 0),
    () => `Input "${name}": shape ${show(shape)} must hold positive whole numbers.`,
  );
  return apply(inputOperator, [], { name, type: { shape, dtype } });
}

/** The operator behind {@link constant}. */
export const constantOperator = defineOperator<{ values: Values; type: TensorType }>({
  name: 'constant',
  infer: (_, { type }) => [type],
  evaluate: (_, { values }) => [values],
  gradient: () => [],
  lower: (emit, node, { values, type }) => emit.nameOutput(node, 0, emit.constant(values, type)),
});

/** A value fixed in the graph. `values` must hold as many numbers as the shape asks for. */
export function constant(values: ArrayLike<number> | Values, shape?: Shape, dtype: DType = 'f32'): Tensor {
  const resolved = shape ?? [values.length];
  ensure(
    values.length === sizeOf(resolved),
    () => `constant: ${values.length} values do not fill shape ${show(resolved)}.`,
  );
  return apply(constantOperator, [], { values: valuesOf(values, dtype), type: { shape: resolved, dtype } });
}

/** A constant without axes. */
export function scalar(value: number, dtype: DType = 'f32'): Tensor {
  return constant([value], [], dtype);
}

/** The constant's values where the tensor is one. */
export function constantValues(tensor: Tensor): Values | undefined {
  return tensor.node.operator === constantOperator ? (tensor.node.attributes.values as Values) : undefined;
}

/** Whether a dtype is one of floats. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'f32' || dtype === 'f16';
}

/** New storage of a dtype as graphs are fed and read: Float32Array, Int32Array or Uint8Array. */
export function valuesOf(values: ArrayLike<number> | number, dtype: DType): Values {
  const array = isFloat(dtype) ? Float32Array : dtype === 'i32' ? Int32Array : Uint8Array;
  if (typeof values === 'number') return new array(values);
  return values instanceof array ? values : array.from(values);
}

/** Storage for an operator's reference evaluation: doubles for floats. */
export function emptyValues(type: TensorType): Values {
  const size = sizeOf(type.shape);
  return isFloat(type.dtype)
    ? new Float64Array(size)
    : type.dtype === 'i32'
      ? new Int32Array(size)
      : new Uint8Array(size);
}
