import type { Tensor } from '../../graph/index.js';

/** What an optimiser makes one step of one parameter from. All tensors but the scalars have the parameter's shape. */
export interface OptimizerInput {
  parameter: Tensor;
  /** After accumulation, averaging and clipping. */
  gradient: Tensor;
  /** The optimiser's memory of this parameter, by slot. */
  slots: Record<string, Tensor>;
  /** What {@link Optimizer.scalars} gives for this step, fed to the graph. */
  scalars: Record<string, Tensor>;
  /** Scalar, already scaled for this parameter. */
  learningRate: Tensor;
  weightDecay: number;
}

/** An update rule as graph nodes. It has no state: what it remembers lies in slots, of the parameter's shape, 0 at first. */
export interface Optimizer {
  readonly name: string;
  readonly slots: readonly string[];
  /** Whether each number is updated from its own gradient and slots alone, so that parameters may be joined. */
  readonly elementwise: boolean;
  /** Numbers that depend on the step, counted from 1, alone (bias corrections): computed on the host and fed. */
  scalars(step: number): Record<string, number>;
  update(x: OptimizerInput): { parameter: Tensor; slots: Record<string, Tensor> };
}
