/** The precisions that a model can be exported in. */
import { ensure, unknownName } from '../errors/index.js';
import { lowerGraph, type OnnxGraph, quantizeWeights } from '../graph/index.js';
import { inHalves } from './exportHalf.js';
import type { WeightedGraph } from './foldWeights.js';

/**
 * `fp32`: as trained. `fp16`: weights and activations of two bytes, for devices that compute in them. `int8`: weights of one
 * byte in large matrices, products in integers, for CPUs.
 */
export type ExportPrecision = 'fp32' | 'fp16' | 'int8';

/** All precisions, the exact one first. */
export const PRECISIONS: readonly ExportPrecision[] = ['fp32', 'fp16', 'int8'];

/**
 * How far results on random pixels may be from the model's own, as a share of the largest: more is a fault and no rounding.
 * What a precision costs on real images is measured, not assumed.
 */
export const TOLERANCES: Record<ExportPrecision, number> = { fp32: 1e-4, fp16: 0.03, int8: 0.3 };

/** The precision that was typed. Throws with the nearest name where there is none. */
export function precisionNamed(typed: string): ExportPrecision {
  if (!PRECISIONS.includes(typed as ExportPrecision)) throw unknownName('precision', typed, PRECISIONS);
  return typed as ExportPrecision;
}

/**
 * A graph with its weights as nodes of the standard operators, in a precision. Inputs and outputs stay float32.
 * @throws HiperceiverError where int8 would change nothing
 */
export function atPrecision(model: WeightedGraph, precision: ExportPrecision): OnnxGraph {
  const { graph, weights } = precision === 'fp16' ? inHalves(model) : model;
  const lowered = lowerGraph(graph, 'portable', weights);
  if (precision !== 'int8') return lowered;
  const quantized = quantizeWeights(lowered);
  ensure(
    quantized.products > 0,
    () =>
      'This model has no weight matrix large enough for int8 (4,096 weights): export it with --precision fp16 or fp32.',
  );
  return quantized.graph;
}

/** Bytes of all constants. */
export function constantBytes({ initializers }: OnnxGraph): number {
  return initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
}
