/** The graphs of a training step (gradient, accumulation, update) and the buffers that they share. */
import type { Precision, Residency } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import {
  cutIntoSegments,
  Graph,
  gradients,
  halfPrecision,
  input,
  optimize,
  type Segment,
  sizeOf,
  type Tensor,
} from '../graph/index.js';
import { DRAW, PARAMETER, type ParameterSpec } from '../nn/index.js';
import { type UpdateGraph, type UpdateOptions, updateGraph } from '../optim/index.js';
import type { Objective } from './objective.js';

/** Prefix of the gradient buffers that the update reads. */
export const GRADIENT = 'gradient/';
/** Prefix of the gradient buffers of one of several accumulated batches. */
export const PART = 'part/';
/** Prefix of the buffers in which one segment of the backward pass leaves values to a later one. */
export const HANDED = 'handed/';
/** Prefix of the outputs that replace running statistics. */
const STATISTIC = 'statistic/';
/** Input of a gradient program in half precision: the factor on the loss, which the gradients are rid of again. */
export const LOSS_SCALE = 'lossScale';

/** How gradients become updates. */
export interface LearnerOptions extends Omit<UpdateOptions, 'gradientScale'> {
  /** Gradients averaged before an update. */
  accumulation: number;
  /** Parts of the backward pass after each of which the parameters are updated whose gradients it gave. Default 1. */
  segments?: number;
  /** Parameters that are trained; the others keep their values. */
  trainable: (name: string) => boolean;
  /** Precision of products and activations; parameters, gradients and optimiser state are f32 in any case. */
  precision?: Precision;
}

/** A graph, and which of its inputs and outputs stay on the device. */
export interface TrainingProgram {
  graph: Graph;
  residency: Residency;
}

/** A part of the backward pass, the first with the forward pass, and the update of the parameters that it is for. */
export interface StepSegment {
  /** Batch → in the first segment: loss, metrics; the gradients stay on the device. */
  gradient: TrainingProgram;
  update: UpdateGraph;
}

/** The programs of a training step, and the parameters that they train. */
export interface TrainingPrograms {
  trained: ParameterSpec[];
  /** One after the other; mostly there is one. */
  segments: StepSegment[];
  /** gradient ← keep · gradient + part; only where gradients are averaged. */
  accumulate?: TrainingProgram;
}

/**
 * Everything that is compiled for an objective, without compiling it: milliseconds, and no memory.
 * @throws HiperceiverError where a step in segments is asked for what needs all gradients at once
 */
export function trainingPrograms(
  objective: Omit<Objective, 'feeds'>,
  { accumulation, trainable, precision = 'f32', segments = 1, ...rest }: LearnerOptions,
): TrainingPrograms {
  const trained = [...objective.needs.parameters.values()].filter((p) => !p.frozen && trainable(p.name));
  const target = accumulation > 1 ? PART : GRADIENT;
  const build = precision === 'f16' ? halfGradientGraph : gradientGraph;
  const graph = build(objective, trained, target);
  const options = { ...rest, gradientScale: 1 / accumulation };
  if (segments === 1) {
    const { inputs, outputs } = gradientResidency(objective, trained, target);
    return {
      trained,
      segments: [
        {
          gradient: { graph, residency: { inputs, outputs: { ...outputs, ...statisticBuffers(objective) } } },
          update: guarded(updateGraph(trained, options), precision),
        },
      ],
      accumulate: accumulation > 1 ? accumulationProgram(trained) : undefined,
    };
  }
  checkSegments({ accumulation, precision, clipNorm: rest.clipNorm });
  const groups = divide(trained, segments);
  return {
    trained,
    segments: cutAt(graph, groups).map((segment, i) => {
      const { receives, hands } = segment;
      const { inputs, outputs } = gradientResidency(objective, groups[i], GRADIENT);
      const update = updateGraph(groups[i], options);
      return {
        gradient: {
          graph: segment.graph,
          residency: {
            inputs: { ...inputs, ...sameNames(receives) },
            outputs: { ...outputs, ...(i === 0 && statisticBuffers(objective)), ...sameNames(hands) },
            // They run one after the other: what one of them held, the next may hold.
            returnsMemory: true,
          },
        },
        update: { ...update, residency: { ...update.residency, consumes: groups[i].map((p) => GRADIENT + p.name) } },
      };
    }),
  };
}

function gradientResidency(
  { needs }: Pick<Objective, 'needs'>,
  trained: readonly ParameterSpec[],
  target: string,
): Required<Pick<Residency, 'inputs' | 'outputs'>> {
  return {
    inputs: sameNames([...needs.parameters.keys()].map((name) => PARAMETER + name)),
    outputs: sameNames(trained.map((p) => target + p.name)),
  };
}

/** Running statistics are buffers beside the parameters: the forward pass writes what they become. */
function statisticBuffers({ needs }: Pick<Objective, 'needs'>): Record<string, string> {
  return Object.fromEntries([...needs.updates.keys()].map((name) => [STATISTIC + name, PARAMETER + name]));
}

/** Graph inputs or outputs that live in buffers of their own names. */
function sameNames(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

function checkSegments({ accumulation, precision, clipNorm = 0 }: Partial<LearnerOptions>): void {
  const all = 'training.segments updates parameters before all gradients are known';
  ensure(clipNorm === 0, () => `${all}, so their global norm cannot be clipped: set optimizer.clipNorm to 0.`);
  ensure(accumulation === 1, () => `${all}, so they cannot be averaged: set training.accumulation to 1.`);
  ensure(precision === 'f32', () => `${all}, so an infinite one cannot be left out: set training.precision to f32.`);
}

/** The parameters in groups of about equal size: those that a model uses last come first, as in the backward pass. */
function divide(trained: readonly ParameterSpec[], count: number): ParameterSpec[][] {
  const groups: ParameterSpec[][] = Array.from({ length: count }, () => []);
  const total = trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  let before = 0;
  for (const parameter of trained) {
    const size = sizeOf(parameter.shape);
    groups[count - 1 - Math.min(count - 1, Math.floor(((before + size / 2) / total) * count))].push(parameter);
    before += size;
  }
  return groups.filter((group) => group.length > 0);
}

/** A gradient program in segments: loss, metrics and the gradients of the first group, those of the second, and so on. */
function cutAt(graph: Graph, groups: readonly ParameterSpec[][]): Segment[] {
  // Rewritten as a whole: what segments share is found, and what hands on most is known.
  const whole = optimize(graph);
  const others = [...whole.outputs.keys()].filter((name) => !name.startsWith(GRADIENT));
  const parts = groups.map((group, i) => ({
    outputs: [...(i === 0 ? others : []), ...group.map((p) => GRADIENT + p.name)],
    closes: group.map((p) => PARAMETER + p.name),
  }));
  return cutIntoSegments(whole, parts, HANDED);
}

/** Loss, metrics, the gradient of every trained parameter, and what running statistics become. */
function gradientGraph(
  { loss, metrics, needs }: Pick<Objective, 'loss' | 'metrics' | 'needs'>,
  trained: readonly ParameterSpec[],
  prefix: string,
): Graph {
  const grads = gradients(
    loss,
    trained.map((p) => needs.tensors.get(p.name)!),
  );
  const outputs = new Map<string, Tensor>([['loss', loss], ...Object.entries(metrics)]);
  trained.forEach((p, i) => outputs.set(prefix + p.name, grads[i]));
  for (const [name, value] of needs.updates) outputs.set(STATISTIC + name, value);
  return new Graph(outputs);
}

/** The same with products and activations in halves. The loss is scaled, and what comes out is not: see `lossScale.ts`. */
function halfGradientGraph(
  objective: Pick<Objective, 'loss' | 'metrics' | 'needs'>,
  trained: readonly ParameterSpec[],
  prefix: string,
): Graph {
  const scale = input(LOSS_SCALE, []);
  const { outputs } = gradientGraph({ ...objective, loss: objective.loss.mul(scale) }, trained, prefix);
  const unscaled = [...outputs].map(([name, t]) => [name, name.startsWith(prefix) ? t.div(scale) : t] as const);
  const graph = optimize(new Graph(new Map([...unscaled, ['loss', objective.loss]])));
  return halfPrecision(graph, (name) => name.startsWith(PARAMETER) || name.startsWith(DRAW));
}

/** In half precision gradients become infinite now and then: such an update is not to touch anything. */
function guarded(update: UpdateGraph, precision: Precision): UpdateGraph {
  return precision === 'f16' ? { ...update, residency: { ...update.residency, guard: 'gradientNorm' } } : update;
}

/** gradient ← keep · gradient + part, for all parameters. */
function accumulationProgram(trained: readonly ParameterSpec[]): TrainingProgram {
  const keep = input('keep', [1]);
  const outputs = new Map<string, Tensor>();
  const residents: Record<string, string> = {};
  for (const { name, shape } of trained) {
    outputs.set(
      `sum/${name}`,
      input(GRADIENT + name, shape)
        .mul(keep.reshape([]))
        .add(input(PART + name, shape)),
    );
    residents[GRADIENT + name] = GRADIENT + name;
    residents[PART + name] = PART + name;
  }
  const written = Object.fromEntries(trained.map((p) => [`sum/${p.name}`, GRADIENT + p.name]));
  return { graph: new Graph(outputs), residency: { inputs: residents, outputs: written } };
}
