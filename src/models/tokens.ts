/** Lists of tokens: which are kept, what stands in the place of the others, and the class token in front. */
import { concat, type Tensor } from '../graph/index.js';
import { selectRows } from './rows.js';

/** The tokens of each example at its own `places`: x `[B or 1, N, D]` and distinct `places` i32 `[B, K]` → `[B, K, D]`. */
export function selectTokens(x: Tensor, places: Tensor): Tensor {
  const [batch, count, width] = x.shape;
  const [examples, kept] = places.shape;
  const chosen = selectRows(x.reshape([batch, 1, count, width]), places.reshape([examples, 1, kept]));
  return chosen.reshape([Math.max(batch, examples), kept, width]);
}

/**
 * All tokens in their places: those that were kept `[B, K, D]`, and a copy of the mask token `[1, 1, D]` for each that was not.
 * @param restore where each token stands in a list of the kept ones followed by the others, `[B, L]` i32
 */
export function restoreTokens(kept: Tensor, maskToken: Tensor, restore: Tensor): Tensor {
  const [batch, count, width] = kept.shape;
  const removed = restore.shape[1] - count;
  const listed = removed > 0 ? concat([kept, maskToken.expand([batch, removed, width])], 1) : kept;
  return selectTokens(listed, restore);
}

/** The class token `[1, 1, D]` in front of every example's tokens `[B, N, D]`. */
export function withClassToken(token: Tensor, x: Tensor): Tensor {
  return concat([token.expand([x.shape[0], 1, x.shape[2]]), x], 1);
}

/** Tokens `[B, 1 + N, D]` without the class token in front. */
export function withoutClassToken(x: Tensor): Tensor {
  return x.slice([undefined, [1, x.shape[1]]]);
}
