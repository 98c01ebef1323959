/** How fast it goes now: over the last seconds, so that a slow first step does not spoil the estimate for minutes. */

/** Running totals at a moment, in seconds, steps and inputs. */
export interface SpeedSample {
  time: number;
  steps: number;
  inputs: number;
  dataWait: number;
}

/** Rates over a stretch of time. */
export interface Speed {
  /** Undefined until a step has been made. */
  stepsPerSecond?: number;
  inputsPerSecond?: number;
  /** The share of the time, 0 to 1, that was spent waiting for data. */
  dataWaitShare?: number;
}

/** Seconds over which the speed is averaged, at the least one step. */
const WINDOW_SECONDS = 15;
/** Samples nearer together than this are merged: the window then holds at most some hundred. */
const SAMPLE_SECONDS = 0.1;

/** Turns running totals into the rates of the last seconds. */
export class SpeedMeter {
  private readonly samples: SpeedSample[];
  private latest: SpeedSample;

  constructor(private readonly first: SpeedSample) {
    this.samples = [first];
    this.latest = first;
  }

  /** Takes the totals at a later moment. */
  add(sample: SpeedSample): void {
    this.latest = sample;
    if (sample.time - this.samples[this.samples.length - 1].time < SAMPLE_SECONDS) return;
    this.samples.push(sample);
    while (this.samples.length > 2 && this.samples[1].time <= sample.time - WINDOW_SECONDS) this.samples.shift();
  }

  /** The speed over the window, or from the first sample on. */
  measure(whole = false): Speed {
    const from = whole ? this.first : this.samples[0];
    const seconds = this.latest.time - from.time;
    const steps = this.latest.steps - from.steps;
    if (seconds <= 0 || steps <= 0) return {};
    return {
      stepsPerSecond: steps / seconds,
      inputsPerSecond: (this.latest.inputs - from.inputs) / seconds,
      dataWaitShare: (this.latest.dataWait - from.dataWait) / seconds,
    };
  }
}
