/** The queue in front of the engine: single examples in, batches out, one at a time. */

/** When a batch is full, and how long it waits to become so. */
export interface BatchQueueOptions<Example, Result> {
  /** Examples of a batch, at most. */
  batchSize: number;
  /** Milliseconds that the first example of a batch waits for more. */
  waitMs: number;
  /** How many examples are on their way here: where there are none, waiting is of no use. Default: always some. */
  expected?(): number;
  /** Computes a batch; all its examples are for the same program. */
  run(program: string, examples: Example[]): Promise<Result[]>;
}

interface Waiting<Example, Result> {
  program: string;
  example: Example;
  since: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** Gathers examples into batches. Batches run one after the other; in each, the examples that waited longest. */
export class BatchQueue<Example, Result> {
  private waiting: Waiting<Example, Result>[] = [];
  private isWorking = false;
  private wake: () => void = () => undefined;

  constructor(private readonly options: BatchQueueOptions<Example, Result>) {}

  /** Examples that wait for the engine. */
  get length(): number {
    return this.waiting.length;
  }

  /**
   * The result of an example for a program.
   * @param signal takes an example back that still waits: the promise is then rejected with the signal's reason
   */
  submit(program: string, example: Example, signal?: AbortSignal): Promise<Result> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const one: Waiting<Example, Result> = { program, example, since: performance.now(), resolve, reject };
      this.waiting.push(one);
      signal?.addEventListener('abort', () => {
        this.waiting = this.waiting.filter((other) => other !== one);
        reject(signal.reason);
        this.wake();
      });
      this.wake();
      if (!this.isWorking) void this.work();
    });
  }

  private async work(): Promise<void> {
    this.isWorking = true;
    // Requests that arrived in the same turn come into the same batch.
    await undefined;
    for (let batch = await this.gather(); batch.length > 0; batch = await this.gather()) {
      try {
        const results = await this.options.run(
          batch[0].program,
          batch.map(({ example }) => example),
        );
        batch.forEach(({ resolve }, i) => resolve(results[i]));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.isWorking = false;
  }

  /** Takes the next batch out of the queue; empty when nobody waits. */
  private async gather(): Promise<Waiting<Example, Result>[]> {
    const { batchSize, waitMs, expected = () => Number.POSITIVE_INFINITY } = this.options;
    while (this.waiting.length > 0) {
      const [first] = this.waiting;
      const batch = this.waiting.filter(({ program }) => program === first.program).slice(0, batchSize);
      const left = first.since + waitMs - performance.now();
      if (batch.length === batchSize || left <= 0 || expected() === 0) {
        this.waiting = this.waiting.filter((one) => !batch.includes(one));
        return batch;
      }
      await new Promise<void>((resume) => {
        const timer = setTimeout(resume, left);
        this.wake = () => {
          clearTimeout(timer);
          resume();
        };
      });
    }
    return [];
  }
}
