/** The second graph of a training step: parameters, gradients and optimiser state → their next values. */
import type { Residency } from '../engine/index.js';
import { ensure, unknownName } from '../errors/index.js';
import { concat, Graph, input, type Shape, scalar, type Tensor, type Values } from '../graph/index.js';
import { partialSquares } from './optimizers/norm.js';
import type { Optimizer } from './optimizers/optimizer.js';
import type { ParameterGroup } from './parameterGroups.js';

/** How gradients become new parameters. */
export interface UpdateOptions {
  optimizer: Optimizer;
  /** Learning-rate scale and weight decay of every parameter: see `parameterGroups`. */
  groups: ReadonlyMap<string, ParameterGroup>;
  /**
   * Largest global norm of the gradients: above it all are multiplied by clipNorm / norm. 0 or absent: none.
   * With 1 it is the gradient normalisation that belongs to LAMB.
   */
  clipNorm?: number;
  /** Keeps a running mean of every parameter: ema ← decay·ema + (1 - decay)·p, with the new p. */
  emaDecay?: number;
  /** Factor on all gradients before anything else: 1 / the number of batches that were summed in them. */
  gradientScale?: number;
}

/** A parameter to update. */
interface Parameter {
  name: string;
  shape: Shape;
}

/** The update as a graph that works on buffers. */
export interface UpdateGraph {
  /** Its one output that is returned is `gradientNorm`: the global norm of the scaled gradients before clipping. */
  graph: Graph;
  /** Parameters, gradients, slots and EMA stay on the device, in the buffers `parameter/<name>`, `gradient/<name>`, `<slot>/<name>`, `ema/<name>`. */
  residency: Residency;
  /** The buffers that must exist besides parameters and gradients, and what they hold before the first step. */
  state: { buffer: string; parameter: string; shape: Shape; initial: 'zeros' | 'parameter' }[];
  /** What to feed at a step, counted from 1. */
  feeds(step: number, learningRate: number): Record<string, Values>;
}

/**
 * Builds the update of all parameters as one graph.
 * @throws HiperceiverError for a parameter without a group, and for options out of range.
 */
export function updateGraph(parameters: readonly Parameter[], options: UpdateOptions): UpdateGraph {
  const { optimizer, emaDecay, gradientScale = 1 } = options;
  checkOptions(parameters, options);
  const rate = input('learningRate', []);
  const scalarNames = Object.keys(optimizer.scalars(1));
  const scalars = Object.fromEntries(scalarNames.map((name) => [name, input(`scalar/${name}`, [])]));
  const build = new ResidentGraph();
  const state: UpdateGraph['state'] = [];
  const remembered = (kind: string, { name, shape }: Parameter, initial: 'zeros' | 'parameter') => {
    state.push({ buffer: `${kind}/${name}`, parameter: name, shape, initial });
    return build.read(`${kind}/${name}`, shape);
  };

  const stacks = stackParameters(parameters, options);
  const raw = stacks.map(({ members }) =>
    join(members.map(({ name, shape }) => build.read(`gradient/${name}`, shape))),
  );
  const norm = concat(raw.map(partialSquares), 0).sum().sqrt().mul(gradientScale);
  const factor = gradientFactor(norm, options);
  stacks.forEach(({ members, learningRateScale, weightDecay }, i) => {
    const write = (kind: string, value: Tensor) =>
      cut(value, members).forEach((part, m) => build.write(`${kind}/${members[m].name}`, part));
    const after = optimizer.update({
      parameter: join(members.map((p) => build.read(`parameter/${p.name}`, p.shape))),
      gradient: factor ? raw[i].mul(factor) : raw[i],
      slots: Object.fromEntries(
        optimizer.slots.map((slot) => [slot, join(members.map((p) => remembered(slot, p, 'zeros')))]),
      ),
      scalars,
      learningRate: rate.mul(learningRateScale),
      weightDecay,
    });
    write('parameter', after.parameter);
    for (const slot of optimizer.slots) write(slot, after.slots[slot]);
    if (emaDecay !== undefined) {
      const ema = join(members.map((p) => remembered('ema', p, 'parameter')));
      write('ema', ema.mul(emaDecay).add(after.parameter.mul(1 - emaDecay)));
    }
  });
  return {
    ...build.finish({ gradientNorm: norm }),
    state,
    feeds: (step, learningRate) => ({
      learningRate: Float32Array.of(learningRate),
      ...Object.fromEntries(
        Object.entries(optimizer.scalars(step)).map(([name, value]) => [`scalar/${name}`, Float32Array.of(value)]),
      ),
    }),
  };
}

/** Parameters that are updated as one tensor. */
interface Stack extends ParameterGroup {
  members: Parameter[];
}

/**
 * Vectors (biases, norms) of equal learning rate and decay are joined end to end where the rule looks at each number by
 * itself: a model has hundreds of them, and the dozen operators of an update cost the same for one of them as for all.
 */
function stackParameters(parameters: readonly Parameter[], { optimizer, groups }: UpdateOptions): Stack[] {
  const stacks: Stack[] = [];
  const open = new Map<string, Stack>();
  for (const parameter of parameters) {
    const group = groups.get(parameter.name)!;
    const stackable = optimizer.elementwise && parameter.shape.length === 1;
    const key = `${group.learningRateScale}/${group.weightDecay}`;
    const stack = (stackable && open.get(key)) || { ...group, members: [] };
    if (stack.members.length === 0) stacks.push(stack);
    if (stackable) open.set(key, stack);
    stack.members.push(parameter);
  }
  return stacks;
}

function join(tensors: Tensor[]): Tensor {
  return concat(tensors, 0);
}

function cut(value: Tensor, members: readonly Parameter[]): Tensor[] {
  return members.length === 1
    ? [value]
    : value.split(
        members.map((p) => p.shape[0]),
        0,
      );
}

/** What every gradient is multiplied by; undefined where that is 1. */
function gradientFactor(norm: Tensor, { clipNorm = 0, gradientScale = 1 }: UpdateOptions): Tensor | undefined {
  if (clipNorm > 0) return scalar(clipNorm * gradientScale).div(norm.maximum(clipNorm));
  return gradientScale === 1 ? undefined : scalar(gradientScale);
}

/** Collects the tensors of a graph that live in buffers. */
class ResidentGraph {
  private readonly inputs: Record<string, string> = {};
  private readonly outputs: Record<string, string> = {};
  private readonly tensors = new Map<string, Tensor>();

  read(buffer: string, shape: Shape): Tensor {
    this.inputs[buffer] = buffer;
    return input(buffer, shape);
  }

  write(buffer: string, value: Tensor): void {
    // ONNX wants other names for what is written than for what is read.
    this.outputs[`next/${buffer}`] = buffer;
    this.tensors.set(`next/${buffer}`, value);
  }

  finish(returned: Record<string, Tensor>): { graph: Graph; residency: Residency } {
    return {
      graph: new Graph(new Map([...this.tensors, ...Object.entries(returned)])),
      residency: { inputs: this.inputs, outputs: this.outputs },
    };
  }
}

function checkOptions(
  parameters: readonly Parameter[],
  { groups, clipNorm, emaDecay, gradientScale }: UpdateOptions,
): void {
  ensure(parameters.length > 0, () => 'There are no parameters to update.');
  for (const { name } of parameters)
    if (!groups.has(name)) throw unknownName('parameter in the parameter groups', name, groups.keys());
  ensure(
    clipNorm === undefined || (clipNorm >= 0 && Number.isFinite(clipNorm)),
    () => `clipNorm is ${clipNorm} but must be a finite number of at least 0 (0: no clipping).`,
  );
  ensure(
    emaDecay === undefined || (emaDecay >= 0 && emaDecay <= 1),
    () => `emaDecay is ${emaDecay} but must lie in 0 to 1.`,
  );
  ensure(
    gradientScale === undefined || (gradientScale > 0 && Number.isFinite(gradientScale)),
    () => `gradientScale is ${gradientScale} but must be a finite number above 0.`,
  );
}
