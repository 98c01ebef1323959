/** Which weights of attention lead from a model's last tokens back to its input, and by which steps. */
import type { Modality } from './modality.js';

/** One step, in the order of the forward pass. `tap` names weights that the model makes known. */
export type AttentionStep =
  /** Tokens read each other, all of them (`[B, heads, N, N]`) or inside windows (`[B, W, heads, n, n]`). */
  | {
      kind: 'mix';
      block: number;
      tap: string;
      /** The token in each place of each window, `[W·n]`. */
      windows?: Int32Array;
    }
  /** Latents read the rows of the input: `[B, heads, N, M]`; of several readings each adds to what was there. */
  | { kind: 'read'; block: number; tap: string }
  /** Several tokens become one: of each new token, which it is made of, `[N', members]`. */
  | { kind: 'merge'; block: number; members: number; of: Int32Array };

/** All steps, and where the first tokens (or rows) lie in the input. */
export interface TokenAttention {
  steps: AttentionStep[];
  /** First tokens without a place in the input: the class token. */
  prefix: number;
  /** Grid of the others over the axes of the input; where there are several parts of one place, part by part. */
  grid: readonly number[];
  /** Parts that lie on the same places (groups of bands). */
  parts?: number;
}

/** Blocks `<below>blocks/0` … of a plain transformer on patches. */
export function plainAttention(
  depth: number,
  { indexShape }: Modality,
  patch: readonly [number, number],
  { prefix = 1, parts = 1 }: { prefix?: number; parts?: number } = {},
): TokenAttention {
  const [height, width] = indexShape.slice(-2);
  return {
    steps: Array.from({ length: depth }, (_, block) => ({
      kind: 'mix',
      block,
      tap: `blocks/${block}/attention/weights`,
    })),
    prefix,
    grid: [...indexShape.slice(0, -2), height / patch[0], width / patch[1]],
    parts,
  };
}
