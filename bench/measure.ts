/** Timing several things in turn, so that whatever else the machine does at a moment meets all of them alike. */

/** Milliseconds of the parts of one run, by name. */
export type Durations = Record<string, number>;

/** Something to be timed; each call makes one run. Names of parts are its own: `forward`, `step`. */
export interface Contender {
  name: string;
  run(): Promise<Durations>;
}

/** What many runs took, in milliseconds. */
export interface Timing {
  median: number;
  best: number;
  samples: number[];
}

/** Timings by contender and part. */
export type Timings = Record<string, Record<string, Timing>>;

/** How often, and what happens in between. */
export interface RoundOptions {
  rounds: number;
  /** Runs of each contender that do not count: memory is taken and code compiled in them. */
  warmUps?: number;
  /**
   * Milliseconds of rest before each run. Threads of OpenMP spin for a while after their work, and would take the cores
   * from whoever comes next.
   */
  pause?: number;
  /** Hears which round begins, counted from 1. */
  onRound?(round: number): void;
}

/** The middle value; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median and best of samples. */
export function timingOf(samples: readonly number[]): Timing {
  return { median: median(samples), best: Math.min(...samples), samples: [...samples] };
}

/** Runs every contender once in each round; the one that begins changes from round to round. */
export async function inTurn(
  contenders: readonly Contender[],
  { rounds, warmUps = 1, pause = 50, onRound }: RoundOptions,
): Promise<Timings> {
  for (const { run } of contenders) for (let i = 0; i < warmUps; i++) await run();
  const samples = new Map(contenders.map(({ name }) => [name, new Map<string, number[]>()]));
  for (let round = 0; round < rounds; round++) {
    onRound?.(round + 1);
    for (let turn = 0; turn < contenders.length; turn++) {
      const { name, run } = contenders[(round + turn) % contenders.length];
      await sleep(pause);
      const parts = samples.get(name)!;
      for (const [part, ms] of Object.entries(await run())) parts.set(part, [...(parts.get(part) ?? []), ms]);
    }
  }
  return Object.fromEntries(
    [...samples].map(([name, parts]) => [
      name,
      Object.fromEntries([...parts].map(([part, values]) => [part, timingOf(values)])),
    ]),
  );
}

/** Milliseconds that a run takes, and what it gives. */
export async function timed<T>(run: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const start = performance.now();
  const value = await run();
  return { ms: performance.now() - start, value };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
