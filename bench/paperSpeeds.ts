/**
 * Training steps per second as the paper reports them (arXiv 2202.10890, table of speeds): TPUv3, batch 8 per core,
 * encoder only, positions learned unless said otherwise. `undefined`: out of memory.
 */

/** Image sides of the columns. */
export const PAPER_SIDES = [224, 384, 512, 1024, 2048] as const;

/** Rows, in the paper's order. */
export const PAPER_SPEEDS: Record<string, readonly (number | undefined)[]> = {
  'ResNet-50': [46.0, 20.7, 12.5, 3.4, undefined],
  'ResNet-101': [30.8, 14.2, 8.7, 2.4, undefined],
  'Perceiver IO': [2.9, 2.4, 2.0, undefined, undefined],
  'HiP-16 Fourier': [8.6, 6.2, 4.3, undefined, undefined],
  'HiP-256 Fourier': [6.7, 4.6, 4.2, undefined, undefined],
  'HiP-16': [10.8, 8.9, 7.0, 2.9, undefined],
  'HiP-256': [8.9, 8.1, 7.7, 4.7, 0.9],
};

/** The paper's steps per second of a row at a side; undefined where it ran out of memory or did not measure. */
export function paperSpeed(row: string, side: number): number | undefined {
  return PAPER_SPEEDS[row]?.[PAPER_SIDES.indexOf(side as (typeof PAPER_SIDES)[number])];
}

/**
 * Pairs of rows whose order at a side is not the paper's, as sentences. Only rows that the paper measured there are
 * compared, or of which it says that one ran and the other did not; ours that did not run are the slowest.
 */
export function orderOffences(side: number, ours: Readonly<Record<string, number | undefined>>): string[] {
  const rows = Object.keys(ours);
  const offences: string[] = [];
  for (const faster of rows) {
    for (const slower of rows) {
      const [a, b] = [paperSpeed(faster, side) ?? 0, paperSpeed(slower, side) ?? 0];
      if (a > b && !((ours[faster] ?? 0) > (ours[slower] ?? 0)))
        offences.push(`${side}: ${faster} should be faster than ${slower}`);
    }
  }
  return offences;
}
