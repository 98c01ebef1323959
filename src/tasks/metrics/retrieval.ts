/** Cross-modal retrieval: query i is looking for gallery item i. */
import { ensure } from '../../errors/index.js';
import { rankOf } from './accuracy.js';
import { columnsOf } from './labels.js';
import { median } from './means.js';

/** How early matches are found. */
export interface RetrievalMetrics {
  /** `[N]` 0-based rank of the match of each query. */
  ranks: Int32Array;
  /** Share of queries whose match is among the first k, for each asked k. */
  recall: Record<number, number>;
  /** 1-based median rank (1 is best). */
  medianRank: number;
}

/**
 * The 0-based rank of gallery item i among all items for query i, by falling dot product. Equal similarities rank by
 * gallery index, so that collapsed embeddings score chance, not perfection.
 *
 * @param queries `[N, D]` (normalise them first for cosine similarity)
 * @param gallery `[M, D]`, M >= N
 */
export function retrievalRanks(queries: ArrayLike<number>, gallery: ArrayLike<number>, numQueries: number): Int32Array {
  const dim = columnsOf(queries, numQueries, 'Queries');
  const numItems = gallery.length / dim;
  ensure(
    Number.isInteger(numItems) && numItems >= numQueries,
    () =>
      `Retrieval: a gallery of ${gallery.length} values does not hold a match of width ${dim} for each of ${numQueries} queries.`,
  );
  const ranks = new Int32Array(numQueries);
  const similarity = new Float64Array(numItems);
  for (let i = 0; i < numQueries; i++) {
    for (let j = 0; j < numItems; j++) {
      let dot = 0;
      for (let d = 0; d < dim; d++) dot += queries[i * dim + d] * gallery[j * dim + d];
      ensure(
        !Number.isNaN(dot),
        () => `Retrieval: query ${i} or gallery item ${j} holds a NaN; check the model's output.`,
      );
      similarity[j] = dot;
    }
    ranks[i] = rankOf(similarity, 0, numItems, i);
  }
  return ranks;
}

/** R@k: share (0 to 1) of 0-based `ranks` below `k`. */
export function recallAtK(ranks: ArrayLike<number>, k: number): number {
  let hits = 0;
  for (let i = 0; i < ranks.length; i++) if (ranks[i] < k) hits++;
  return hits / ranks.length;
}

/** 1-based median of 0-based `ranks`. */
export function medianRank(ranks: ArrayLike<number>): number {
  return median(ranks) + 1;
}

/** Ranks, R@k for each of `ks`, and median rank; shapes as in {@link retrievalRanks}. */
export function retrievalMetrics(
  queries: ArrayLike<number>,
  gallery: ArrayLike<number>,
  numQueries: number,
  ks: readonly number[] = [1, 5, 10],
): RetrievalMetrics {
  const ranks = retrievalRanks(queries, gallery, numQueries);
  return { ranks, recall: Object.fromEntries(ks.map((k) => [k, recallAtK(ranks, k)])), medianRank: medianRank(ranks) };
}
