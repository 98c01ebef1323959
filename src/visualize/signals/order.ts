/** The way back from shuffled elements, which a person would not recognise. */
import { elementOrder, type Reader } from '../../data/index.js';

/**
 * Rows `[I, width]` as a reader with a `permutation` shuffled them, back at their places in the signal; as they are where
 * the reader shuffles nothing.
 */
export function inPlace(
  { permutation }: Pick<Reader, 'permutation'>,
  rows: Float32Array<ArrayBufferLike>,
  width: number,
): Float32Array {
  if (permutation === undefined) return rows;
  const out = new Float32Array(rows.length);
  for (const [i, place] of elementOrder(permutation, rows.length / width).entries())
    out.set(rows.subarray(i * width, (i + 1) * width), place * width);
  return out;
}
