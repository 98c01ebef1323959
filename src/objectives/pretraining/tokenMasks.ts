/** Masks over the tokens of a signal: how many are removed, which in a step, and which elements that hides. */
import { ensure } from '../../errors/index.js';
import type { Size2d } from '../../nn/index.js';
import { fold, type Key } from '../../random/index.js';
import { maskFromOrder, maskNoise, numKept, orderByNoise, orderOfParts, type TokenMask } from '../noiseMasks.js';
import type { PretrainingOptions } from './pretraining.js';

/** What a mask is drawn for. */
export interface TokenGrid {
  batch: number;
  /** Rows and columns of tokens. */
  grid: Size2d;
  /** Images or groups of bands that each have such a grid; 1 where absent. */
  parts?: number;
}

/** How tokens are removed. */
export interface TokenMaskPlan extends Required<TokenGrid> {
  /** Tokens of an example, all parts, and those of them that are kept. */
  length: number;
  count: number;
  /** Whether all parts lose the same places. */
  consistent: boolean;
  /** Whether each example has a mask of its own. */
  perExample: boolean;
}

/**
 * Random masks as MAE draws them. With several parts, `group` removes the same places from all of them, `uniform` draws over
 * the tokens of all.
 * @throws HiperceiverError where the ratio leaves nothing, or the scheme is for others
 */
export function tokenMaskPlan(
  options: Pick<PretrainingOptions, 'scheme' | 'perExample'> & { ratio: number },
  { batch, grid, parts = 1 }: TokenGrid,
): TokenMaskPlan {
  ensure(
    options.scheme !== 'blocks',
    () => 'Here single patches are removed, not rectangles of them: set masking.scheme to uniform.',
  );
  const area = grid[0] * grid[1];
  const consistent = options.scheme === 'group';
  const count = consistent ? parts * numKept(area, options.ratio) : numKept(parts * area, options.ratio);
  return { batch, grid, parts, length: parts * area, count, consistent, perExample: options.perExample };
}

/** The masks of a batch: a pure function of the key. */
export function drawTokenMask(plan: TokenMaskPlan, key: Key): TokenMask {
  const { batch, parts, count, consistent, perExample } = plan;
  const length = consistent ? plan.length / parts : plan.length;
  const drawn = orderByNoise(maskNoise(fold(key, 'tokens'), perExample ? batch : 1, length), length);
  const order = consistent ? orderOfParts(drawn, length, parts, count / parts) : drawn;
  const all = perExample ? order : Int32Array.from({ length: batch * plan.length }, (_, i) => order[i % plan.length]);
  return maskFromOrder(all, plan.length, count);
}

/** The share of a modality that is masked. Throws where nothing of it would be seen. */
export function ratioOf({ ratio }: Pick<PretrainingOptions, 'ratio'>, name: string): number {
  const share = typeof ratio === 'number' ? ratio : ratio[name];
  ensure(
    share !== undefined && share >= 0 && share < 1,
    () => `masking.ratio for modality "${name}" must lie in 0 to below 1, not ${share}.`,
  );
  return share;
}

/**
 * `64 patches of 4x4, of which 16 are visible and 48 removed`
 * @param patch size of what is masked as a whole; unsaid where absent
 */
export function describeTokenMasks(
  { length, count, parts }: TokenMaskPlan,
  { patch, fate = 'removed' }: { patch?: Size2d; fate?: 'removed' | 'hidden' } = {},
): string {
  const size = patch ? ` of ${patch.join('x')}` : '';
  const all = `${length.toLocaleString('en-US')} patches${size}${parts > 1 ? ` in ${parts} parts` : ''}`;
  return `${all}, of which ${count} are visible and ${length - count} ${fate}`;
}

/** Values of tokens on a grid `[B, rows·columns]` for every pixel under them, `[B, H·W]`. */
export function spreadOverPixels(
  values: ArrayLike<number>,
  [rows, columns]: Size2d,
  [height, width]: Size2d,
): Float32Array {
  const out = new Float32Array((values.length / (rows * columns)) * height * width);
  for (let i = 0; i < out.length; i++) {
    const [example, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const token = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
    out[i] = values[example * rows * columns + token];
  }
  return out;
}
