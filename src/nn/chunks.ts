/** Working on few rows at a time, so that what lies between two products stays in a core's cache. */
import { concat, type Tensor } from '../graph/index.js';

/** Bytes of the widest intermediate value of one chunk: the second-level caches of two cores. */
const CHUNK_BYTES = 2 * 2 ** 20;
/**
 * Fewer rows than this for each channel cost more than they save: every chunk reads the weights again, and gives gradients of
 * their size that are to be added up.
 */
const ROWS_PER_CHANNEL = 4;
/** Fewer chunks than this cost more in copies than they save. */
const FEWEST_CHUNKS = 4;

/**
 * `f` applied to the rows of x `[..., C]` in chunks, if they are many: `f` must treat every row by itself, `[n, C]` → `[n, D]`.
 * @param widest channels of the widest value inside `f`
 */
export function inChunks(x: Tensor, widest: number, f: (rows: Tensor) => Tensor): Tensor {
  const channels = x.shape[x.rank - 1];
  const rows = x.size / channels;
  const count = Math.floor((rows * widest * 4) / CHUNK_BYTES);
  if (count < FEWEST_CHUNKS || rows / count < ROWS_PER_CHANNEL * channels) return f(x);
  const sizes = evenSizes(rows, count);
  const parts = x.reshape([rows, channels]).split(sizes, 0).map(f);
  return concat(parts, 0).reshape([...x.shape.slice(0, -1), parts[0].shape[1]]);
}

/** `total` in so many parts of (nearly) equal size. */
export function evenSizes(total: number, count: number): number[] {
  const until = (i: number) => Math.floor((i * total) / count);
  return Array.from({ length: count }, (_, i) => until(i + 1) - until(i));
}
