/** The device's part of training: parameters and state live there; two programs, gradient and update, work on them. */
import type { Engine, Program } from '../engine/index.js';
import { Graph, gradients, input, sizeOf, type Tensor, type TensorType, type Values } from '../graph/index.js';
import { PARAMETER, type ParameterSpec } from '../nn/index.js';
import { type UpdateOptions, updateGraph } from '../optim/index.js';
import type { Objective } from './objective.js';

/** Gradient buffers that the update reads, and those of one of several accumulated batches. */
const GRADIENT = 'gradient/';
const PART = 'part/';

export interface LearnerOptions extends Omit<UpdateOptions, 'gradientScale'> {
  /** Gradients averaged before an update. */
  accumulation: number;
  /** Parameters that are trained; the others keep their values. */
  trainable: (name: string) => boolean;
}

/** Everything that a checkpoint needs from the device, by buffer name without the parameters' prefix. */
export interface Snapshot {
  parameters: Map<string, Float32Array>;
  /** Optimiser slots, `<slot>/<parameter>`. */
  optimizer: Map<string, Float32Array>;
  /** Moving averages by parameter, where they are kept. */
  ema: Map<string, Float32Array>;
}

export interface StepResult {
  loss: number;
  metrics: Record<string, number>;
}

const f32 = (shape: readonly number[]): TensorType => ({ shape, dtype: 'f32' });

export class Learner {
  private constructor(
    private readonly engine: Engine,
    private readonly objective: Objective,
    private readonly gradientProgram: Program,
    private readonly accumulateProgram: Program | undefined,
    private readonly updateProgram: Program,
    private readonly update_: ReturnType<typeof updateGraph>,
    private readonly trained: ParameterSpec[],
  ) {}

  /** Compiles the programs of an objective. */
  static async create(engine: Engine, objective: Objective, options: LearnerOptions): Promise<Learner> {
    const { accumulation, trainable, ...rest } = options;
    const trained = [...objective.needs.parameters.values()].filter((p) => trainable(p.name));
    const target = accumulation > 1 ? PART : GRADIENT;
    const gradientProgram = await engine.compile(gradientGraph(objective, trained, target), {
      inputs: Object.fromEntries([...objective.needs.parameters.keys()].map((name) => [PARAMETER + name, PARAMETER + name])),
      outputs: Object.fromEntries(trained.map((p) => [target + p.name, target + p.name])),
    });
    const accumulateProgram = accumulation > 1 ? await compileAccumulation(engine, trained) : undefined;
    const update = updateGraph(trained, { ...rest, gradientScale: 1 / accumulation });
    const updateProgram = await engine.compile(update.graph, update.residency);
    return new Learner(engine, objective, gradientProgram, accumulateProgram, updateProgram, update, trained);
  }

  /** Floating-point operations of one gradient (products and convolutions). */
  get flops(): number {
    return this.gradientProgram.flops;
  }

  /** Puts values on the device: given parameters, and the saved state or a fresh one. */
  async load(parameters: ReadonlyMap<string, Float32Array>, saved?: Pick<Snapshot, 'optimizer' | 'ema'>): Promise<void> {
    const buffers: Record<string, { type: TensorType; values: Values }> = {};
    for (const { name, shape } of this.objective.needs.parameters.values()) {
      buffers[PARAMETER + name] = { type: f32(shape), values: parameters.get(name)! };
    }
    for (const { buffer, parameter, shape, initial } of this.update_.state) {
      const before = saved?.optimizer.get(buffer) ?? (buffer.startsWith('ema/') ? saved?.ema.get(parameter) : undefined);
      // A copy of the parameter: an array that is sent to a worker twice in one message arrives there as one.
      buffers[buffer] = { type: f32(shape), values: before ?? (initial === 'zeros' ? new Float32Array(sizeOf(shape)) : parameters.get(parameter)!.slice()) };
    }
    if (this.accumulateProgram) {
      for (const { name, shape } of this.trained) buffers[GRADIENT + name] = { type: f32(shape), values: new Float32Array(sizeOf(shape)) };
    }
    await this.engine.write(buffers);
  }

  /** Computes the gradient of one batch; the `part`-th of those that are averaged, counted from 0. */
  async gradient(feeds: Record<string, Values>, part = 0): Promise<StepResult> {
    const { loss, ...metrics } = await this.gradientProgram.run(feeds);
    await this.accumulateProgram?.run({ keep: Float32Array.of(part === 0 ? 0 : 1) });
    return { loss: loss[0], metrics: Object.fromEntries(Object.entries(metrics).map(([name, v]) => [name, v[0]])) };
  }

  /** Applies the gradient. Returns its global norm before clipping. `step` counts from 1. */
  async update(step: number, learningRate: number): Promise<number> {
    const { gradientNorm } = await this.updateProgram.run(this.update_.feeds(step, learningRate));
    return gradientNorm[0];
  }

  /** Copies everything from the device. */
  async snapshot(): Promise<Snapshot> {
    const names = [...this.objective.needs.parameters.keys()];
    const state = this.update_.state.map((s) => s.buffer);
    const values = (await this.engine.read([...names.map((n) => PARAMETER + n), ...state])) as Map<string, Float32Array>;
    const isAverage = (buffer: string) => buffer.startsWith('ema/');
    return {
      parameters: new Map(names.map((n) => [n, values.get(PARAMETER + n)!])),
      optimizer: new Map(state.filter((b) => !isAverage(b)).map((b) => [b, values.get(b)!])),
      ema: new Map(state.filter(isAverage).map((b) => [b.slice('ema/'.length), values.get(b)!])),
    };
  }

  /** Name of the first gradient that holds a value which is not finite. */
  async firstBadGradient(): Promise<string | undefined> {
    for (const { name } of this.trained) {
      const values = (await this.engine.read([GRADIENT + name])).get(GRADIENT + name) as Float32Array;
      if (!values.every(Number.isFinite)) return name;
    }
    return undefined;
  }

  /** Gives programs and buffers back; the engine lives on. */
  async dispose(): Promise<void> {
    for (const program of [this.gradientProgram, this.accumulateProgram, this.updateProgram]) await program?.dispose();
    const parameters = [...this.objective.needs.parameters.keys()].map((n) => PARAMETER + n);
    await this.engine.free([...parameters, ...this.update_.state.map((s) => s.buffer), ...this.trained.flatMap((p) => [GRADIENT + p.name, PART + p.name])]);
  }
}

/** Loss, metrics and the gradient of every trained parameter. */
function gradientGraph({ loss, metrics }: Objective, trained: readonly ParameterSpec[], prefix: string): Graph {
  const reached = Graph.of({ loss }).inputs;
  const inputs = trained.map((p) => reached.get(PARAMETER + p.name) ?? input(PARAMETER + p.name, p.shape));
  const grads = gradients(loss, inputs);
  const outputs = new Map<string, Tensor>([['loss', loss], ...Object.entries(metrics)]);
  trained.forEach((p, i) => outputs.set(prefix + p.name, grads[i]));
  return new Graph(outputs);
}

/** gradient ← keep · gradient + part, for all parameters. */
function compileAccumulation(engine: Engine, trained: readonly ParameterSpec[]): Promise<Program> {
  const keep = input('keep', [1]);
  const outputs = new Map<string, Tensor>();
  const residents: Record<string, string> = {};
  for (const { name, shape } of trained) {
    outputs.set(`sum/${name}`, input(GRADIENT + name, shape).mul(keep.reshape([])).add(input(PART + name, shape)));
    residents[GRADIENT + name] = GRADIENT + name;
    residents[PART + name] = PART + name;
  }
  return engine.compile(new Graph(outputs), {
    inputs: residents,
    outputs: Object.fromEntries(trained.map((p) => [`sum/${p.name}`, GRADIENT + p.name])),
  });
}
