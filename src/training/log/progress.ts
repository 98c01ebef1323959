/** The progress of a long operation on the terminal: one line that is redrawn, or plain lines where there is no terminal. */

import { formatProgress } from './progressLine.js';
import { SpeedMeter } from './speed.js';

/** What the bar writes to: `process.stderr`, or anything like it. */
export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** How far it is, and where that is shown. */
export interface ProgressOptions {
  /** Steps at the end. */
  total: number;
  /** The step at the beginning, above 0 for a resumed run. */
  start?: number;
  /** What is processed, in the plural: `images`. Where absent, the speed is given in steps. */
  unit?: string;
  /** Put before the bar: `pretrain`. */
  label?: string;
  /** Write nothing. */
  quiet?: boolean;
  /** `process.stderr` by default: standard output belongs to results. */
  stream?: ProgressStream;
  /** Seconds of a clock that never goes back; for tests. */
  now?: () => number;
}

/** What is known after a step. */
export interface ProgressUpdate {
  /** Inputs processed since the beginning of this operation. */
  inputs?: number;
  /** Seconds spent waiting for data since the beginning of this operation. */
  dataWait?: number;
  /** Shown by name: `{ loss: 0.0312 }`. */
  values?: Record<string, number>;
}

/** Seconds between two drawings on a terminal: faster than the eye reads, slow enough to cost nothing. */
const REDRAW_SECONDS = 0.1;
/** Without a terminal: a line so often, and at each tenth of the way unless the last line is younger than the second. */
const LINE_SECONDS = 10;
const LINE_SECONDS_AT_LEAST = 2;

const ERASE_LINE = '\r\x1b[K';

/** ` 37%|███▋      | 370/1000 · loss 0.0312 · 142 images/s · data wait 1.2% · ETA 1:23` */
export class Progress {
  private readonly stream: ProgressStream;
  private readonly now: () => number;
  private readonly speed: SpeedMeter;
  private readonly began: number;
  private step: number;
  private latest: ProgressUpdate = {};
  private drawn = Number.NEGATIVE_INFINITY;
  private drawnTenth: number;
  private open: boolean;

  constructor(private readonly options: ProgressOptions) {
    this.stream = options.stream ?? process.stderr;
    this.now = options.now ?? (() => performance.now() / 1000);
    this.began = this.now();
    this.step = options.start ?? 0;
    this.drawnTenth = this.tenth();
    this.speed = new SpeedMeter({ time: this.began, steps: this.step, inputs: 0, dataWait: 0 });
    this.open = !options.quiet;
    if (this.open && this.stream.isTTY) this.draw();
  }

  /** To be called after each step, with the number of steps done; draws when it is time. */
  update(step: number, update: ProgressUpdate = {}): void {
    this.step = step;
    this.latest = update;
    const time = this.now();
    this.speed.add({ time, steps: step, inputs: update.inputs ?? 0, dataWait: update.dataWait ?? 0 });
    if (this.open && this.isDue(time)) this.draw();
  }

  /** Writes a line of text above the bar. */
  print(line: string): void {
    if (this.options.quiet) return;
    const redraws = this.open && this.stream.isTTY;
    this.stream.write(`${redraws ? ERASE_LINE : ''}${line}\n`);
    if (redraws) this.draw();
  }

  /** Draws where the operation stands, with the time that it took, and leaves the line. Also right after an interruption. */
  finish(): void {
    if (!this.open) return;
    this.draw(this.now() - this.began);
    if (this.stream.isTTY) this.stream.write('\n');
    this.open = false;
  }

  private isDue(time: number): boolean {
    const elapsed = time - Math.max(this.drawn, this.began);
    if (this.stream.isTTY) return elapsed >= REDRAW_SECONDS;
    // The last step's line is left to finish().
    if (this.step >= this.options.total) return false;
    return elapsed >= LINE_SECONDS || (elapsed >= LINE_SECONDS_AT_LEAST && this.tenth() > this.drawnTenth);
  }

  private draw(took?: number): void {
    this.drawn = this.now();
    this.drawnTenth = this.tenth();
    const { total, unit, label } = this.options;
    const { inputs, dataWait, values } = this.latest;
    const { stepsPerSecond, inputsPerSecond, dataWaitShare } = this.speed.measure(took !== undefined);
    const line = formatProgress({
      label,
      step: this.step,
      total,
      values,
      rate: inputs === undefined ? stepsPerSecond : inputsPerSecond,
      unit: inputs === undefined ? 'steps' : (unit ?? 'inputs'),
      dataWaitShare: dataWait === undefined ? undefined : dataWaitShare,
      remainingSeconds: stepsPerSecond && (total - this.step) / stepsPerSecond,
      tookSeconds: took,
    });
    // A line that wraps could not be redrawn.
    const width = (this.stream.columns ?? 80) - 1;
    this.stream.write(this.stream.isTTY ? `${ERASE_LINE}${[...line].slice(0, width).join('')}` : `${line}\n`);
  }

  private tenth(): number {
    return Math.floor((10 * this.step) / Math.max(1, this.options.total));
  }
}
