/** Single examples side by side as the inputs of one run, and its outputs cut back into examples. */
import { sizeOf, type TensorType, type Values, valuesOf } from '../../graph/index.js';
import type { Feeds, Outputs } from './servedModel.js';

/** Inputs of a program by name; the first size of a shape is the batch's, or 1 where all its examples share the input. */
export type InputTypes = ReadonlyMap<string, TensorType>;

/** Fills a batch: places beyond the examples hold zeros; of a shared input the first example's value counts. */
export function stackFeeds(inputs: InputTypes, examples: readonly Feeds[]): Record<string, Values> {
  return Object.fromEntries(
    [...inputs].map(([name, { shape, dtype }]) => {
      const values = valuesOf(sizeOf(shape), dtype);
      const rows = sizeOf(shape) / shape[0];
      examples.slice(0, shape[0]).forEach((example, i) => values.set(example[name], i * rows));
      return [name, values];
    }),
  );
}

/** The outputs of the first `count` examples of a batch of `batchSize`. */
export function cutOutputs(outputs: Record<string, Values>, batchSize: number, count: number): Outputs[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, values]) => {
        const rows = values.length / batchSize;
        return [name, (values as Float32Array).slice(i * rows, (i + 1) * rows)];
      }),
    ),
  );
}
