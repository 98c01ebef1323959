import { ensure } from '../../errors/index.js';

/** Class indices: any array of whole numbers, or of bigints as int64 tensors are read. */
export type Labels = ArrayLike<number> | ArrayLike<bigint>;

/** A `[rows, columns]` matrix stored row-major; `what` names it in the error for a length that does not divide. */
export function columnsOf(matrix: ArrayLike<number>, rows: number, what: string): number {
  const columns = matrix.length / rows;
  ensure(
    rows > 0 && columns > 0 && Number.isInteger(columns),
    () => `${what}: ${matrix.length} values cannot be laid out as ${rows} equal rows; pass one row per sample.`,
  );
  return columns;
}

/** Reads class index `i` and checks it against `numClasses`; `what` names the array and `hint` the way out. */
export function classAt(labels: Labels, i: number, numClasses: number, what: string, hint = ''): number {
  const label = Number(labels[i]);
  ensure(
    Number.isInteger(label) && label >= 0 && label < numClasses,
    () =>
      `${what}[${i}] is ${label}, outside the classes 0 to ${numClasses - 1}${hint || '; check the number of classes'}.`,
  );
  return label;
}
