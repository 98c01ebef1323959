/** Arithmetic of static shapes. */
import { ensure, HiperceiverError } from '../errors/index.js';

/** Sizes of the axes, outermost first; row-major. `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** `[2, 3, 4]`, as it stands in messages. */
export function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Whether two shapes have equal sizes. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** NumPy's rule: axes are aligned at the end; sizes must be equal or 1. Throws naming both shapes. */
export function broadcastShapes(a: Shape, b: Shape, operation = 'broadcast'): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const na = a[i - rank + a.length] ?? 1;
    const nb = b[i - rank + b.length] ?? 1;
    if (na !== nb && na !== 1 && nb !== 1) {
      throw new HiperceiverError(`${operation}: shapes ${show(a)} and ${show(b)} do not broadcast.`);
    }
    out[i] = na === 1 ? nb : na;
  }
  return out;
}

/** Strides for reading an array of `shape` as if it had the broadcast shape `target` (0 along repeated axes). */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = stridesOf(shape);
  const offset = target.length - shape.length;
  return target.map((_, i) => (i < offset || shape[i - offset] === 1 ? 0 : own[i - offset]));
}

/** An axis counted from the front; negative ones count from the end. Throws when out of range. */
export function normalizeAxis(axis: number, rank: number, operation: string): number {
  const positive = axis < 0 ? axis + rank : axis;
  ensure(
    Number.isInteger(positive) && positive >= 0 && positive < rank,
    () => `${operation}: axis ${axis} does not exist in a tensor of rank ${rank}.`,
  );
  return positive;
}

/** Calls `visit` with, for each element of `shape` in row-major order, its offset under each set of strides. */
export function forEachOffset(
  shape: Shape,
  strideSets: number[][],
  visit: (offsets: number[], at: number) => void,
): void {
  const total = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  const offsets = new Array<number>(strideSets.length).fill(0);
  for (let at = 0; at < total; at++) {
    visit(offsets, at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]++;
      for (let s = 0; s < strideSets.length; s++) offsets[s] += strideSets[s][axis];
      if (index[axis] < shape[axis]) break;
      for (let s = 0; s < strideSets.length; s++) offsets[s] -= strideSets[s][axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
