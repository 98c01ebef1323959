/**
 * Which inputs are hidden: index lists made on the host from an explicit key, and fed to the graph.
 * Same key, same masks, on every device.
 */
import { ensure } from '../errors/index.js';
import type { Values } from '../graph/index.js';
import type { Grouping, ModalityGroups } from '../models/index.js';
import { fold, type Key, permutation, uniform } from '../random/index.js';

/** How inputs are hidden. */
export interface MaskingOptions {
  /**
   * `group`: one mask over the positions of a group, shared by all groups (HiP's groupwise masking).
   * `uniform`: every group draws its own, so that masked positions are spread evenly over all inputs.
   */
  scheme: 'group' | 'uniform';
  /**
   * Share of a modality's positions that is masked: one number, or one per modality. At 1 nothing of it is seen, and it is
   * reconstructed from the other modalities alone; below 1 at least one position of each group is seen.
   */
  ratio: number | Record<string, number>;
  /** Masked inputs are dropped before the encoder, so that its work shrinks with them, or set to zero. */
  input: 'drop' | 'zero';
  /** Whether each example of a batch has a mask of its own. */
  perExample: boolean;
  /**
   * While training: the probability with which an example loses one of its modalities, chosen evenly, so that others are
   * learned from what is left. What was lost is still to be reconstructed. Default 0.
   */
  dropModality?: number;
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
  /** Examples of a batch, and the probability with which each loses a modality. */
  batchSize: number;
  dropModality: number;
}

/**
 * How many rows of each modality's groups stay visible: at least one, where not the whole modality is hidden. At least one is
 * masked.
 * @throws HiperceiverError where a ratio or probability makes no sense, or nothing would be seen
 */
export function planMasks(
  grouping: Grouping,
  { scheme, ratio, perExample, dropModality = 0 }: MaskingOptions,
  batchSize: number,
): MaskPlan[] {
  const shareOf = (name: string) => (typeof ratio === 'number' ? ratio : ratio[name]);
  const numSeen = grouping.modalities.filter(({ name }) => shareOf(name) !== 1).length;
  ensure(
    numSeen > 0,
    () => 'masking.ratio is 1 for every modality, so that nothing is seen: lower it for at least one.',
  );
  ensure(dropModality >= 0 && dropModality <= 1 && (dropModality === 0 || numSeen > 1), () =>
    numSeen > 1
      ? `masking.dropModality is a probability from 0 to 1, not ${dropModality}.`
      : `masking.dropModality is ${dropModality}, but only one modality is seen and none can be spared: set it to 0.`,
  );
  return grouping.modalities.map((part) => {
    const share = shareOf(part.name);
    ensure(
      share !== undefined && share >= 0 && share <= 1,
      () => `masking.ratio for modality "${part.name}" must lie in [0, 1], not ${share}.`,
    );
    const rows = grouping.indexDimPerGroup - part.groupPadding;
    ensure(
      rows >= 2 || share === 1,
      () =>
        `Modality "${part.name}" has ${rows} input in each of its ${part.groups} groups: too few to mask some of them; use fewer groups.`,
    );
    const numVisible = share === 1 ? 0 : Math.min(rows - 1, Math.max(1, Math.round(rows * (1 - share))));
    return {
      batchSize,
      dropModality,
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
  seen: `mask/${name}.seen`,
});

/**
 * Which examples the encoder sees each modality of, 1 = seen, `[B]`: with the probability of the plans an example loses one
 * of those that it has, never its last one.
 * @param valid what examples have, by modality `[B, I]` or `[B]`; all where absent
 */
export function drawSeen(
  plans: readonly MaskPlan[],
  key: Key,
  valid: Readonly<Record<string, Float32Array>> = {},
): Record<string, Float32Array> {
  const [{ batchSize, dropModality }] = plans;
  const seen = Object.fromEntries(plans.map(({ part }) => [part.name, new Float32Array(batchSize).fill(1)]));
  const has = (name: string, example: number) => {
    const size = (valid[name]?.length ?? 0) / batchSize;
    return !valid[name] || valid[name].subarray(example * size, (example + 1) * size).some((v) => v > 0);
  };
  const numbers = uniform(fold(key, 'dropModality'), 2 * batchSize);
  for (let example = 0; example < batchSize; example++) {
    const [chance, which] = numbers.subarray(2 * example);
    const present = plans.filter(({ part, numVisible }) => numVisible > 0 && has(part.name, example));
    if (chance >= dropModality || present.length < 2) continue;
    seen[present[Math.floor(which * present.length)].part.name][example] = 0;
  }
  return seen;
}

/**
 * Everything that the graph's mask inputs are fed with in one step.
 * @param valid what examples have, by modality `[B, I]` or `[B]` (see {@link drawSeen})
 */
export function maskFeeds(
  plans: readonly MaskPlan[],
  { input }: Pick<MaskingOptions, 'input'>,
  key: Key,
  valid?: Readonly<Record<string, Float32Array>>,
): Record<string, Values> {
  const feeds: Record<string, Values> = {};
  const seen = plans[0].dropModality > 0 ? drawSeen(plans, key, valid) : {};
  for (const plan of plans) {
    const names = maskInputs(plan.part.name);
    const drawn = drawMask(plan, key);
    feeds[names.masked] = drawn.masked;
    if (seen[plan.part.name] && plan.numVisible > 0) feeds[names.seen] = seen[plan.part.name];
    if (plan.numVisible === 0) continue;
    if (input === 'drop') feeds[names.visible] = drawn.visible;
    else feeds[names.keep] = elementMask(plan, drawn).map((m) => 1 - m);
  }
  return feeds;
}
