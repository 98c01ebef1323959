/** How a number of examples is cut into runs of the batch sizes that a program was compiled for. */

/** Batch sizes to compile for: one and `largest`, and powers of two between them where the weights are small enough to be there often. */
export function batchSizes(largest: number, weightBytes: number): number[] {
  const between = weightBytes <= SMALL_WEIGHTS ? Math.ceil(Math.log2(largest)) : 1;
  const powers = Array.from({ length: between }, (_, i) => 2 ** i);
  return [...new Set([...powers, largest])];
}

/** Bytes: every compiled size of every task holds the weights once more. */
export const SMALL_WEIGHTS = 64e6;

/**
 * The cheapest way to compute `count` examples, as sizes of runs: a run takes its full time whether or not all its places
 * are used, so seven examples may go as one run of eight, or as 4 + 2 + 1.
 * @param times milliseconds of a run by its size
 */
export function planRuns(count: number, times: ReadonlyMap<number, number>): number[] {
  const best: { time: number; first: number }[] = [{ time: 0, first: 0 }];
  for (let n = 1; n <= count; n++) {
    best[n] = { time: Number.POSITIVE_INFINITY, first: 0 };
    for (const [size, time] of times) {
      const total = time + best[Math.max(0, n - size)].time;
      if (total < best[n].time) best[n] = { time: total, first: size };
    }
  }
  const runs: number[] = [];
  for (let left = count; left > 0; left -= runs[runs.length - 1]) runs.push(best[left].first);
  return runs;
}
