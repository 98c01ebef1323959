/** Cutting modalities into groups and putting them together again (`ConstNumGrouper`, `ConcatenateGrouper`). */
import { ensure } from '../errors/index.js';
import { concat, constant, type Tensor } from '../graph/index.js';

/** How one modality is cut into groups of rows. */
export interface ModalityGroups {
  name: string;
  indexDim: number;
  groups: number;
  /** Zero rows at the end of the sequence, so that it divides into its groups. */
  finalPadding: number;
  /** Zero rows at the end of each group, so that all modalities' groups are equally long. */
  groupPadding: number;
}

/** How all modalities are cut into groups, whose rows are equally many. */
export interface Grouping {
  /** M: rows of every group, paddings included. */
  indexDimPerGroup: number;
  modalities: ModalityGroups[];
}

/**
 * Shares `numGroups` out among modalities: each begins with one group; again and again the modality with the largest
 * groups (the first one on ties) gets one more.
 */
export function constNumGrouping(
  numGroups: number,
  modalities: readonly { name: string; indexDim: number }[],
): Grouping {
  ensure(
    numGroups >= modalities.length,
    () => `${numGroups} groups are too few for ${modalities.length} modalities: each needs at least one.`,
  );
  const groups = modalities.map(() => 1);
  const sizes = modalities.map((m) => m.indexDim);
  for (let spare = numGroups - modalities.length; spare > 0; spare--) {
    const largest = sizes.indexOf(Math.max(...sizes));
    groups[largest]++;
    sizes[largest] = modalities[largest].indexDim / groups[largest];
  }
  const indexDimPerGroup = Math.ceil(Math.max(...sizes));
  return {
    indexDimPerGroup,
    modalities: modalities.map(({ name, indexDim }, i) => {
      const rows = Math.ceil(indexDim / groups[i]);
      return {
        name,
        indexDim,
        groups: groups[i],
        finalPadding: groups[i] * rows - indexDim,
        groupPadding: indexDimPerGroup - rows,
      };
    }),
  };
}

/** Whether any row of any group is padding. */
export function isPadded(part: ModalityGroups): boolean {
  return part.finalPadding > 0 || part.groupPadding > 0;
}

/** `[B, I, C]` → `[B, groups, M, C]`, padded with zeros. */
export function groupRows(x: Tensor, { groups, finalPadding, groupPadding }: ModalityGroups): Tensor {
  const [batch, , channels] = x.shape;
  return padRows(padRows(x, finalPadding).reshape([batch, groups, -1, channels]), groupPadding);
}

/** Zero rows at the end of the second last axis: `[..., N, C]` → `[..., N + count, C]`. */
export function padRows(x: Tensor, count: number): Tensor {
  return x.pad(x.shape.map((_, axis) => [0, axis === x.rank - 2 ? count : 0]));
}

/**
 * `[B, G, N, C]` → per modality `[B, rows, C]`, the inverse of grouping. Rows `[0 : N - groupPadding]` of each group are
 * kept, counted as Python slices are (a negative end counts from the end), then the final padding is cut: applied to
 * latents, of which a group has another number than of inputs, this is what the reference does. A modality of which
 * nothing is left has no entry.
 */
export function ungroup(x: Tensor, { modalities }: Grouping): Record<string, Tensor> {
  const [batch, , rows, channels] = x.shape;
  const parts = x.split(
    modalities.map((m) => m.groups),
    1,
  );
  return Object.fromEntries(
    modalities.flatMap(({ name, groups, finalPadding, groupPadding }, i) => {
      const end = rows - groupPadding;
      const kept = end >= 0 ? end : rows + end;
      const total = groups * kept - finalPadding;
      if (kept <= 0 || total <= 0) return [];
      const all = parts[i].slice([undefined, undefined, [0, kept]]).reshape([batch, groups * kept, channels]);
      return [[name, all.slice([undefined, [0, total]])]];
    }),
  );
}

/** 1 for input rows and 0 for padding rows: `[1, groups, M, 1]`. */
export function validRows(part: ModalityGroups, indexDimPerGroup: number): Tensor {
  const { groups, indexDim, groupPadding } = part;
  const own = indexDimPerGroup - groupPadding;
  const valid = new Float32Array(groups * indexDimPerGroup);
  for (let i = 0; i < indexDim; i++) valid[Math.floor(i / own) * indexDimPerGroup + (i % own)] = 1;
  return constant(valid, [1, groups, indexDimPerGroup, 1]);
}

/** How groups are merged or parted between blocks: see {@link regroup}. */
export type RegroupType = 'reshape' | 'transpose_reshape';

/**
 * `[B, G, N, C]` → `[B, G', G N / G', C]`. `reshape` merges or cuts neighbours; `transpose_reshape` swaps groups and
 * rows first and so mixes all groups.
 */
export function regroup(x: Tensor, numGroups: number, type: RegroupType): Tensor {
  const [batch, groups, rows, channels] = x.shape;
  ensure(
    (groups * rows) % numGroups === 0,
    () => `${groups} groups of ${rows} latents do not divide into ${numGroups} groups.`,
  );
  const mixed = type === 'transpose_reshape' ? x.transpose([0, 2, 1, 3]) : x;
  return mixed.reshape([batch, numGroups, (groups * rows) / numGroups, channels]);
}

/** Puts the groups of several modalities side by side: `[B, G_m, M, C]` each → `[B, G, M, C]`. */
export function joinGroups(parts: Tensor[]): Tensor {
  const batch = Math.max(...parts.map((p) => p.shape[0]));
  return concat(
    parts.map((p) => p.expand([batch, ...p.shape.slice(1)])),
    1,
  );
}
