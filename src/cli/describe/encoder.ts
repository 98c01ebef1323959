/** What a pre-trained encoder is worth, as tables. */
import { kindOf } from '../../data/index.js';
import type { EncoderScore, RetrievalScore } from '../../tasks/index.js';
import { formatShare, plural } from '../quantities.js';
import { formatTable } from '../table.js';
import { describeSkipped } from './skipped.js';

/** Probes and nearest neighbours beside raw values and chance. */
export function describeEncoder(score: EncoderScore): string {
  const { kind, linear, knn, chance, train, test, featureDim, skipped } = score;
  const { noun } = kindOf({ kind });
  return [
    ...describeSkipped(skipped),
    formatTable([
      ...(linear ? [[`linear probe, mean of the last latents (${featureDim})`, formatShare(linear.features)]] : []),
      ...(linear?.blocks ?? []).map(({ block, dim, accuracy }) => [
        `linear probe, all latents of block ${block} (${dim.toLocaleString('en-US')})`,
        formatShare(accuracy),
      ]),
      ...(linear?.raw === undefined ? [] : [['linear probe, raw values', formatShare(linear.raw)]]),
      ...(knn ? [[`${knn.k} nearest neighbours`, formatShare(knn.features)]] : []),
      ['chance', formatShare(chance)],
    ]),
    '',
    `Accuracy on ${plural(test, noun)}; ${plural(train, `training ${noun}`)} with labels; the encoder stays as it is.`,
  ].join('\n');
}

/** Recalls of each direction beside those of a random order. */
export function describeRetrieval({ kind, directions, chance, size, skipped }: RetrievalScore): string {
  const answers = Object.keys(chance).map(Number);
  const shares = (recall: Record<number, number>) => answers.map((k) => formatShare(recall[k]));
  return [
    ...describeSkipped(skipped),
    formatTable(
      [
        ...directions.map(({ query, gallery, recall, medianRank }) => [
          `${query} finds ${gallery}`,
          ...shares(recall),
          medianRank,
        ]),
        ['chance', ...shares(chance), (size + 1) / 2],
      ],
      ['', ...answers.map((k) => `among ${k}`), 'median rank'],
    ),
    '',
    `Each of ${plural(size, kindOf({ kind }).noun)} is embedded twice, by one signal alone, and looks for itself.`,
  ].join('\n');
}
