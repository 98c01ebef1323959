/** Several modalities as one list of inputs: padded to one width by learned values, and masked by learned tokens. */
import { concat, type Tensor } from '../../graph/index.js';
import type { Scope } from '../../nn/index.js';
import { type ImagePreprocessor, type Preprocessed, preprocessImages, withPositions } from './images.js';
import { cutNormal, type Positions } from './positions.js';

/** Samples in patches of `samplesPerPatch`, with positions. */
export interface AudioPreprocessor {
  kind: 'audio';
  samplesPerPatch: number;
  positions: Positions;
}

/** A label as one row, one channel for each class. */
export interface LabelPreprocessor {
  kind: 'label';
}

/** How one modality becomes rows. */
export type Preprocessor = ImagePreprocessor | AudioPreprocessor | LabelPreprocessor;

/** Audio `[B, samples, C]`, labels `[B, classes]`, images or videos as rows. */
export function preprocess(scope: Scope, x: Tensor, options: Preprocessor): Preprocessed {
  switch (options.kind) {
    case 'audio': {
      const patches = x.reshape([x.shape[0], -1, options.samplesPerPatch]);
      return withPositions(scope, patches, [patches.shape[1]], options);
    }
    case 'label': {
      const row = x.reshape([x.shape[0], 1, x.shape[1]]);
      return { inputs: row, features: row, indexShape: [1] };
    }
    default:
      return preprocessImages(scope, x, options);
  }
}

/** Names in the order in which modalities are joined. */
export function inOrder(modalities: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(modalities).sort();
}

/** Rows `[B, M, C]` of each modality, padded by a learned vector to the widest and `more` channels on top. */
export function padded(scope: Scope, rows: Readonly<Record<string, Tensor>>, more: number): Record<string, Tensor> {
  const width = Math.max(...Object.values(rows).map((x) => x.shape[2])) + more;
  return Object.fromEntries(
    inOrder(rows).map((name) => {
      const x = rows[name];
      const [batch, count, own] = x.shape;
      if (own === width) return [name, x];
      const padding = scope.child(name).parameter('padding', [1, width - own], cutNormal());
      return [name, concat([x, padding.reshape([1, 1, -1]).expand([batch, count, width - own])], 2)];
    }),
  );
}

/**
 * Rows `[B, M, C]` of which each is replaced by a learned token with probability `rate`, at evaluation too; which ones is
 * the draw `mask.<name>` `[B, M]` (0 = replaced).
 */
export function masked(scope: Scope, name: string, rows: Tensor, rate: number): Tensor {
  const [batch, count, channels] = rows.shape;
  const token = scope.child(name).parameter('mask_token', [1, channels], cutNormal()).reshape([1, 1, channels]);
  if (rate <= 0) return rows;
  if (rate >= 1) return token.expand(rows.shape);
  const kept = scope.draw(`mask.${name}`, [batch, count], { kind: 'keep', rate }).reshape([batch, count, 1]);
  return rows.mul(kept).add(kept.neg().add(1).mul(token));
}

/** The rows of all modalities, one after the other: `[B, ΣM, C]`. */
export function joined(rows: Readonly<Record<string, Tensor>>): Tensor {
  const all = inOrder(rows).map((name) => rows[name]);
  return all.length === 1 ? all[0] : concat(all, 1);
}
