/** Where a run tells what happens: metrics.jsonl, TensorBoard events, the progress bar. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MetricsLog, Progress, TensorBoardWriter } from './log/index.js';

/** What is known of a step when it is done. */
export interface StepReport {
  step: number;
  loss: number;
  learningRate: number;
  gradientNorm: number;
  /** Examples since this process began, and seconds spent waiting for them. */
  examples: number;
  dataWait: number;
  metrics: Record<string, number>;
}

/** All of a run's logs at once. */
export class RunLog {
  private constructor(
    private readonly metrics: MetricsLog,
    private readonly events: TensorBoardWriter,
    private readonly progress: Progress,
    private readonly every: number,
    private readonly began = performance.now(),
  ) {}

  /** Opens the logs in a run's folder; of a resumed run what was logged after its `start` is cut off. */
  static async open(
    folder: string,
    options: { label: string; unit: string; total: number; start: number; every: number; quiet: boolean },
  ): Promise<RunLog> {
    await mkdir(folder, { recursive: true });
    const { start } = options;
    const metrics = await MetricsLog.open(join(folder, 'metrics.jsonl'), start > 0 ? { resumeStep: start } : {});
    const events = new TensorBoardWriter(folder, start > 0 ? { purgeStep: start + 1 } : {});
    return new RunLog(metrics, events, new Progress(options), options.every);
  }

  /** Shows a step, and writes it down every so many steps. */
  step({ step, loss, learningRate, gradientNorm, examples, dataWait, metrics }: StepReport, last: boolean): void {
    this.progress.update(step, { inputs: examples, dataWait, values: { loss, ...metrics } });
    if (step % this.every !== 0 && !last) return;
    const seconds = (performance.now() - this.began) / 1000;
    this.record(step, {
      loss,
      learningRate,
      gradientNorm,
      ...metrics,
      examplesPerSecond: examples / seconds,
      dataWaitShare: dataWait / seconds,
    });
  }

  /** Writes numbers that belong to a step, such as an evaluation's. */
  record(step: number, values: Record<string, number>): void {
    this.metrics.append({ step, ...values });
    for (const [name, value] of Object.entries(values)) this.events.scalar(name, value, step);
  }

  /** Draws the bar a last time and closes the files. */
  close(): void {
    this.progress.finish();
    this.metrics.close();
    this.events.close();
  }
}
