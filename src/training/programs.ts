/** The graphs of a training step (gradient, accumulation, update) and the buffers that they share. */
import type { Precision, Residency } from '../engine/index.js';
import { Graph, gradients, halfPrecision, input, optimize, type Tensor } from '../graph/index.js';
import { DRAW, PARAMETER, type ParameterSpec } from '../nn/index.js';
import { type UpdateGraph, type UpdateOptions, updateGraph } from '../optim/index.js';
import type { Objective } from './objective.js';

/** Prefix of the gradient buffers that the update reads. */
export const GRADIENT = 'gradient/';
/** Prefix of the gradient buffers of one of several accumulated batches. */
export const PART = 'part/';
/** Input of a gradient program in half precision: the factor on the loss, which the gradients are rid of again. */
export const LOSS_SCALE = 'lossScale';

/** How gradients become updates. */
export interface LearnerOptions extends Omit<UpdateOptions, 'gradientScale'> {
  /** Gradients averaged before an update. */
  accumulation: number;
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

/** The programs of a training step, and the parameters that they train. */
export interface TrainingPrograms {
  trained: ParameterSpec[];
  /** Batch → loss, metrics; the gradient of every trained parameter stays on the device. */
  gradient: TrainingProgram;
  /** gradient ← keep · gradient + part; only where gradients are averaged. */
  accumulate?: TrainingProgram;
  update: UpdateGraph;
}

/** Everything that is compiled for an objective, without compiling it: milliseconds, and no memory. */
export function trainingPrograms(
  objective: Omit<Objective, 'feeds'>,
  { accumulation, trainable, precision = 'f32', ...rest }: LearnerOptions,
): TrainingPrograms {
  const trained = [...objective.needs.parameters.values()].filter((p) => !p.frozen && trainable(p.name));
  const target = accumulation > 1 ? PART : GRADIENT;
  const parameters = [...objective.needs.parameters.keys()].map((name) => PARAMETER + name);
  return {
    trained,
    gradient: {
      graph:
        precision === 'f16' ? halfGradientGraph(objective, trained, target) : gradientGraph(objective, trained, target),
      residency: {
        inputs: Object.fromEntries(parameters.map((name) => [name, name])),
        outputs: Object.fromEntries(trained.map((p) => [target + p.name, target + p.name])),
      },
    },
    accumulate: accumulation > 1 ? accumulationProgram(trained) : undefined,
    update: guarded(updateGraph(trained, { ...rest, gradientScale: 1 / accumulation }), precision),
  };
}

/** Loss, metrics and the gradient of every trained parameter. */
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
