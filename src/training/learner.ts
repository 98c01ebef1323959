/** The device's part of training: parameters and state live there; two programs, gradient and update, work on them. */
import { type BufferContent, type Engine, type Program, selfCheck } from '../engine/index.js';
import { sizeOf, type TensorType, type Values } from '../graph/index.js';
import { type ModelNeeds, PARAMETER } from '../nn/index.js';
import type { UpdateGraph } from '../optim/index.js';
import { groupedReader } from './groupedReader.js';
import { LossScale, type LossScaleState } from './lossScale.js';
import type { Objective } from './objective.js';
import {
  GRADIENT,
  type LearnerOptions,
  LOSS_SCALE,
  PART,
  type TrainingProgram,
  type TrainingPrograms,
  trainingPrograms,
} from './programs.js';

/** Everything that a checkpoint needs from the device, by buffer name without the parameters' prefix. */
export interface Snapshot<T = Float32Array> {
  parameters: Map<string, T>;
  /** Optimiser slots, `<slot>/<parameter>`. */
  optimizer: Map<string, T>;
  /** Moving averages by parameter, where they are kept. */
  ema: Map<string, T>;
  /** In half precision: where the factor on the loss stands. */
  lossScale?: LossScaleState;
}

/** What the gradient program returns. */
export interface StepResult {
  loss: number;
  metrics: Record<string, number>;
}

const f32 = (shape: readonly number[]): TensorType => ({ shape, dtype: 'f32' });

/** An objective on a device: computes gradients of batches and applies them. */
export class Learner {
  /** In half precision: the factor on the loss, and the updates that were left out. */
  lossScale?: LossScale;
  /** Of the last gradient: later segments read the batch as well. */
  private feeds: Record<string, Values> = {};

  private constructor(
    private readonly engine: Engine,
    private readonly needs: ModelNeeds,
    private readonly programs: readonly { gradient: Program; update: Program }[],
    private readonly accumulateProgram: Program | undefined,
    private readonly made: TrainingPrograms,
  ) {}

  /**
   * Compiles the programs of an objective. In half precision: throws a sentence where the device cannot do it, or not rightly.
   * @param made the programs, where they were made before
   */
  static async create(
    engine: Engine,
    objective: Omit<Objective, 'feeds'>,
    options: LearnerOptions,
    made?: TrainingPrograms,
  ): Promise<Learner> {
    const isHalf = options.precision === 'f16';
    if (isHalf) await selfCheck(engine, 'f16');
    const all = made ?? trainingPrograms(objective, options);
    const { segments, accumulate } = all;
    const compiled = ({ graph, residency }: TrainingProgram) => engine.compile(graph, residency);
    // Asked for at once: one is written down while the engine prepares another.
    const [programs, accumulateProgram] = await Promise.all([
      Promise.all(
        segments.map(async ({ gradient, update }) => {
          const both = await Promise.all([compiled(gradient), compiled(update)]);
          return { gradient: both[0], update: both[1] };
        }),
      ),
      accumulate && compiled(accumulate),
    ]);
    const learner = new Learner(engine, objective.needs, programs, accumulateProgram, all);
    if (isHalf) learner.lossScale = new LossScale();
    return learner;
  }

  /** Floating-point operations of one gradient (products and convolutions). */
  get flops(): number {
    return this.programs.reduce((total, { gradient }) => total + gradient.flops, 0);
  }

  /**
   * Puts values on the device: given parameters, and the saved state or a fresh one.
   * @param options.transfer move the arrays there instead of copying them: they are empty afterwards
   */
  async load(
    parameters: ReadonlyMap<string, Float32Array>,
    saved?: Pick<Snapshot, 'optimizer' | 'ema' | 'lossScale'>,
    options: { transfer?: boolean } = {},
  ): Promise<void> {
    if (this.lossScale && saved?.lossScale) this.lossScale = new LossScale(saved.lossScale);
    const buffers: Record<string, BufferContent> = {};
    for (const { name, shape } of this.needs.parameters.values()) {
      buffers[PARAMETER + name] = { type: f32(shape), values: parameters.get(name)! };
    }
    for (const { buffer, parameter, shape, initial } of this.state()) {
      const before =
        saved?.optimizer.get(buffer) ?? (buffer.startsWith('ema/') ? saved?.ema.get(parameter) : undefined);
      // A copy of the parameter: an array that is sent to a worker twice in one message arrives there as one.
      const values = before ?? (initial === 'parameter' ? parameters.get(parameter)!.slice() : undefined);
      buffers[buffer] = { type: f32(shape), values };
    }
    if (this.accumulateProgram) Object.assign(buffers, this.noGradient());
    await this.engine.write(buffers, options);
  }

  private state(): UpdateGraph['state'] {
    return this.made.segments.flatMap(({ update }) => update.state);
  }

  /** Zeros for what gradients are added to. */
  private noGradient(): Record<string, BufferContent> {
    return Object.fromEntries(this.made.trained.map(({ name, shape }) => [GRADIENT + name, { type: f32(shape) }]));
  }

  /**
   * Computes the gradient of one batch; the `part`-th of those that are averaged, counted from 0. In segments: as far as the
   * first goes.
   */
  async gradient(feeds: Record<string, Values>, part = 0): Promise<StepResult> {
    const scale = this.lossScale && { [LOSS_SCALE]: Float32Array.of(this.lossScale.value) };
    this.feeds = { ...feeds, ...scale };
    const { loss, ...metrics } = await this.programs[0].gradient.run(this.feeds);
    await this.accumulateProgram?.run({ keep: Float32Array.of(part === 0 ? 0 : 1) });
    return { loss: loss[0], metrics: Object.fromEntries(Object.entries(metrics).map(([name, v]) => [name, v[0]])) };
  }

  /**
   * Applies the gradient; in segments: computes and applies the rest of it. Returns its global norm before clipping. `step`
   * counts from 1. In half precision: where the norm is not finite nothing is applied, and the next loss is scaled less.
   */
  async update(step: number, learningRate: number): Promise<number> {
    // An optimiser that corrects its first steps counts those that it has seen.
    const made = step - (this.lossScale?.skipped ?? 0);
    const norms: number[] = [];
    for (const [i, { gradient, update }] of this.programs.entries()) {
      if (i > 0) await gradient.run(this.feeds);
      norms.push((await update.run(this.made.segments[i].update.feeds(made, learningRate))).gradientNorm[0]);
    }
    const norm = norms.length === 1 ? norms[0] : Math.hypot(...norms);
    this.lossScale?.record(Number.isFinite(norm));
    // 0 · NaN is NaN: the next gradient must not be added to this one.
    if (!Number.isFinite(norm) && this.accumulateProgram) await this.engine.write(this.noGradient());
    return norm;
  }

  /** Copies the parameters from the device. */
  async parameters(): Promise<Map<string, Float32Array>> {
    const names = [...this.needs.parameters.keys()];
    const values = await this.engine.read(names.map((name) => PARAMETER + name));
    return new Map(names.map((name) => [name, values.get(PARAMETER + name) as Float32Array]));
  }

  /** Copies everything from the device. */
  async snapshot(): Promise<Snapshot> {
    const values = await this.engine.read(this.sizes().keys());
    return this.arrange((buffer) => values.get(buffer) as Float32Array);
  }

  /** What `snapshot` copies, but each array is copied when it is asked for; before the next update, and once. */
  lazySnapshot(): Snapshot<() => Promise<Float32Array>> {
    const read = groupedReader(this.engine, this.sizes());
    return this.arrange((buffer) => () => read(buffer));
  }

  /** Number of values of all buffers that a snapshot holds, in the order in which it is saved. */
  private sizes(): Map<string, number> {
    const parameters = [...this.needs.parameters.values()].map((p) => [PARAMETER + p.name, sizeOf(p.shape)] as const);
    return new Map([...parameters, ...this.state().map((s) => [s.buffer, sizeOf(s.shape)] as const)]);
  }

  private arrange<T>(of: (buffer: string) => T): Snapshot<T> {
    const state = this.state().map((s) => s.buffer);
    const isAverage = (buffer: string) => buffer.startsWith('ema/');
    return {
      parameters: new Map([...this.needs.parameters.keys()].map((name) => [name, of(PARAMETER + name)])),
      optimizer: new Map(state.filter((b) => !isAverage(b)).map((b) => [b, of(b)])),
      ema: new Map(state.filter(isAverage).map((b) => [b.slice('ema/'.length), of(b)])),
      lossScale: this.lossScale?.save(),
    };
  }

  /** Name of the first gradient that holds a value which is not finite; in segments only the last ones are there. */
  async firstBadGradient(): Promise<string | undefined> {
    const present = this.made.segments.length === 1 ? this.made.trained : [];
    for (const { name } of present) {
      const values = (await this.engine.read([GRADIENT + name])).get(GRADIENT + name) as Float32Array;
      if (!values.every(Number.isFinite)) return name;
    }
    return undefined;
  }

  /** Gives programs and buffers back; the engine lives on. */
  async dispose(): Promise<void> {
    // Buffers first: on a GPU they are the memory of the program that wrote them.
    const parameters = [...this.needs.parameters.keys()].map((n) => PARAMETER + n);
    await this.engine.free([
      ...parameters,
      ...this.state().map((s) => s.buffer),
      ...this.made.trained.flatMap((p) => [GRADIENT + p.name, PART + p.name]),
      ...this.made.segments.flatMap(({ gradient }) => Object.values(gradient.residency.outputs ?? {})),
    ]);
    await this.accumulateProgram?.dispose();
    for (const { gradient, update } of this.programs) for (const program of [gradient, update]) await program.dispose();
  }
}
