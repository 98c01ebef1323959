/** Choosing rows of groups: the visible ones for the encoder, the masked ones for the decoder. */
import { constant, type Tensor } from '../graph/index.js';

/**
 * Picks distinct rows of each group. `x` `[b, G, M, C]` and `indices` (i32, counted inside a group) `[b', G', K]`, where b and b'
 * are B or 1 and G' is G or 1 (one choice shared by all groups, or examples): → `[max(b, b'), G, K, C]`.
 */
export function selectRows(x: Tensor, indices: Tensor): Tensor {
  const [batch, groups, rows, channels] = x.shape;
  const [batchI, groupsI, count] = indices.shape;
  // One choice for all: a plain gather. Tables (batch 1) are flattened, so that their gradient adds up whole rows.
  if (batchI === 1 && groupsI === 1 && batch > 1) return x.gather(indices.reshape([count]), 2);
  const offsets = new Int32Array(batch * groups);
  for (let i = 0; i < offsets.length; i++) offsets[i] = i * rows;
  const flat = indices.add(constant(offsets, [batch, groups, 1], 'i32'));
  // Several examples that choose from one table may choose the same row.
  return x.reshape([batch * groups * rows, channels]).gather(flat, 0, { distinct: batch === batchI });
}
