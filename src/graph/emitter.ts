import type { DType, Node, Tensor, TensorType, Values } from './tensor.js';

/**
 * Where the ONNX nodes are to run. `portable` keeps to the standard operator set, for export;
 * the others may use what that ONNX Runtime provider has and must avoid what it has not.
 */
export type Target = 'cpu' | 'wasm' | 'webgpu' | 'portable';

/** An ONNX attribute: whole numbers become INT(S), `{ float }` FLOAT, strings STRING. */
export type Attribute = number | number[] | string | { float: number };

/** What an operator's lowering writes to. Names are ONNX value names. */
export interface Emitter {
  readonly target: Target;
  /** The ONNX name of a graph tensor. */
  name(tensor: Tensor): string;
  /** Lets an output of a node be known under a name that exists already. */
  nameOutput(node: Node, index: number, name: string): void;
  /** Whether anything reads that output. */
  isUsed(node: Node, index: number): boolean;
  /** Writes a node with one output and returns its name: `to`, or a new one. */
  node(type: string, inputs: string[], attributes?: Record<string, Attribute>, to?: string, domain?: string): string;
  /** Writes a node with several outputs (`''`: not wanted). */
  nodes(
    type: string,
    inputs: string[],
    outputs: string[],
    attributes?: Record<string, Attribute>,
    domain?: string,
  ): void;
  /** An initialiser; equal small ones are shared. */
  constant(values: Values, type: TensorType): string;
  /** An int64 vector, as shapes and axes are given in ONNX. */
  int64(values: readonly number[]): string;
  /** A float scalar, f32 unless said otherwise. */
  float(value: number, dtype?: DType): string;
}
