/**
 * Which inputs are hidden: index lists made on the host from an explicit key, and fed to the graph.
 * Same key, same masks, on every device.
 */
import { ensure } from '../errors/index.js';
import type { Values } from '../graph/index.js';
import type { Grouping, ModalityGroups } from '../models/index.js';
import { fold, type Key, permutation } from '../random/index.js';

/** How inputs are hidden. */
export interface MaskingOptions {
  /**
   * `group`: one mask over the positions of a group, shared by all groups (HiP's groupwise masking).
   * `uniform`: every group draws its own, so that masked positions are spread evenly over all inputs.
   */
  scheme: 'group' | 'uniform';
  /** Share of a modality's positions that is masked, in [0, 1): one number, or one per modality. */
  ratio: number | Record<string, number>;
  /** Masked inputs are dropped before the encoder, so that its work shrinks with them, or set to zero. */
  input: 'drop' | 'zero';
  /** Whether each example of a batch has a mask of its own. */
  perExample: boolean;
}

/** Shape of one modality's mask. Rows are counted inside a group, group padding left out. */
export interface MaskPlan {
  part: ModalityGroups;
  /** Rows of a group that are input: M without group padding. */
  rows: number;
  numVisible: number;
  numMasked: number;
  /** Number of different masks: over examples (B or 1) and over groups (G or 1). */
  examples: number;
  groups: number;
}

/** How many rows of each modality's groups stay visible. At least one is visible and one is masked. */
export function planMasks(
  grouping: Grouping,
  { scheme, ratio, perExample }: MaskingOptions,
  batchSize: number,
): MaskPlan[] {
  return grouping.modalities.map((part) => {
    const share = typeof ratio === 'number' ? ratio : ratio[part.name];
    ensure(
      share !== undefined && share >= 0 && share < 1,
      () => `masking.ratio for modality "${part.name}" must lie in [0, 1), not ${share}.`,
    );
    const rows = grouping.indexDimPerGroup - part.groupPadding;
    ensure(
      rows >= 2,
      () =>
        `Modality "${part.name}" has ${rows} input in each of its ${part.groups} groups: too few to mask some of them; use fewer groups.`,
    );
    const numVisible = Math.min(rows - 1, Math.max(1, Math.round(rows * (1 - share))));
    return {
      part,
      rows,
      numVisible,
      numMasked: rows - numVisible,
      examples: perExample ? batchSize : 1,
      groups: scheme === 'uniform' ? part.groups : 1,
    };
  });
}

/** Rows of one modality: sorted, `[examples, groups, numVisible]` and `[examples, groups, numMasked]`. */
export interface DrawnMask {
  visible: Int32Array;
  masked: Int32Array;
}

/** Draws a modality's mask: a pure function of the key and the modality's name. */
export function drawMask(plan: MaskPlan, key: Key): DrawnMask {
  const { rows, numVisible, numMasked, examples, groups, part } = plan;
  const count = examples * groups;
  const visible = new Int32Array(count * numVisible);
  const masked = new Int32Array(count * numMasked);
  for (let i = 0; i < count; i++) {
    const order = permutation(fold(key, part.name, i), rows);
    visible.set(order.slice(0, numVisible).sort(), i * numVisible);
    masked.set(order.slice(numVisible).sort(), i * numMasked);
  }
  return { visible, masked };
}

/** The mask over a modality's own elements, `[examples, I]`: 1 = masked. */
export function elementMask(plan: MaskPlan, { masked }: DrawnMask): Float32Array {
  const { rows, numMasked, examples, groups, part } = plan;
  const mask = new Float32Array(examples * part.indexDim);
  for (let e = 0; e < examples; e++) {
    for (let group = 0; group < part.groups; group++) {
      const from = (e * groups + (groups === 1 ? 0 : group)) * numMasked;
      for (let i = from; i < from + numMasked; i++) {
        const element = group * rows + masked[i];
        if (element < part.indexDim) mask[e * part.indexDim + element] = 1;
      }
    }
  }
  return mask;
}

/** Names of the graph inputs of a modality's mask. */
export const maskInputs = (name: string) => ({
  visible: `mask/${name}.visible`,
  masked: `mask/${name}.masked`,
  keep: `mask/${name}.keep`,
});

/** Everything that the graph's mask inputs are fed with in one step. */
export function maskFeeds(
  plans: readonly MaskPlan[],
  { input }: Pick<MaskingOptions, 'input'>,
  key: Key,
): Record<string, Values> {
  const feeds: Record<string, Values> = {};
  for (const plan of plans) {
    const names = maskInputs(plan.part.name);
    const drawn = drawMask(plan, key);
    feeds[names.masked] = drawn.masked;
    if (input === 'drop') feeds[names.visible] = drawn.visible;
    else feeds[names.keep] = elementMask(plan, drawn).map((m) => 1 - m);
  }
  return feeds;
}
