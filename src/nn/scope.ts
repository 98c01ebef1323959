/**
 * Models are functions over a scope. A parameter is created by its name where it is used, with its initialiser; so is
 * every random draw. Nothing is hidden: what a model needs can be listed, filled from a key, saved and loaded by name.
 */
import { ensure } from '../errors/index.js';
import { type DType, input, rematerialize, type Shape, sameShape, show, sizeOf, type Tensor } from '../graph/index.js';
import type { Initializer } from './initializers.js';

/** A trained tensor and how it begins. */
export interface ParameterSpec {
  name: string;
  shape: Shape;
  initializer: Initializer;
  /** Part of the model and of its checkpoints, but never trained: a fixed table of positions. */
  frozen?: true;
  /** A running statistic of a batch norm: frozen, and not counted among the parameters. */
  statistic?: true;
}

/** A random value that the host draws from a key and feeds at each step. */
export interface DrawSpec {
  name: string;
  shape: Shape;
  dtype: DType;
  /**
   * `keep`: 0 with probability `rate`, else 1. `dropout`: 0 with probability `rate`, else 1 / (1 - rate).
   * `subset`: along the last axis, distinct numbers below `from`, in random order.
   */
  rule: { kind: 'keep' | 'dropout'; rate: number } | { kind: 'subset'; from: number };
}

/** What a model turned out to need, by name, in the order of its making. */
export interface ModelNeeds {
  parameters: ReadonlyMap<string, ParameterSpec>;
  /** The graph input of every parameter. */
  tensors: ReadonlyMap<string, Tensor>;
  draws: ReadonlyMap<string, DrawSpec>;
  /** Intermediate values that the model made known. */
  taps: ReadonlyMap<string, Tensor>;
  /** What statistics become after a step of training, by the name of each. */
  updates: ReadonlyMap<string, Tensor>;
}

interface Context extends ModelNeeds {
  parameters: Map<string, ParameterSpec>;
  draws: Map<string, DrawSpec>;
  taps: Map<string, Tensor>;
  tensors: Map<string, Tensor>;
  updates: Map<string, Tensor>;
}

/**
 * What is computed again for the backward pass instead of being kept (gradient checkpointing, arXiv 1604.06174): nothing;
 * what is cheap (attention weights, activations); or whole layers, of which only the inputs stay.
 */
export type Rematerialization = 'none' | 'cheap' | 'layers';

/** What a model is built for. */
export interface ScopeOptions {
  training?: boolean;
  rematerialize?: Rematerialization;
}

/** Prefix of a parameter's graph input and engine buffer. */
export const PARAMETER = 'parameter/';
/** Prefix of a draw's graph input. */
export const DRAW = 'draw/';

/** A place in a model: its path names what is made there. */
export class Scope {
  private constructor(
    private readonly context: Context,
    /** Path of this part, names joined by slashes. */
    readonly path: string,
    /** Whether dropout, drop path and query subsampling take place, and batch norms go by their batch. */
    readonly training: boolean,
    private readonly rematerialize: Rematerialization,
    private readonly isFrozen = false,
  ) {}

  /** An empty model. */
  static root({ training = false, rematerialize = 'none' }: ScopeOptions = {}): Scope {
    const empty = {
      parameters: new Map(),
      draws: new Map(),
      taps: new Map(),
      tensors: new Map(),
      updates: new Map(),
    };
    return new Scope(empty, '', training, rematerialize);
  }

  /** The scope of a part: its names begin with this scope's path, a slash and `name`. */
  child(name: string): Scope {
    const path = this.path ? `${this.path}/${name}` : name;
    return new Scope(this.context, path, this.training, this.rematerialize, this.isFrozen);
  }

  /** The same place for parts that are never trained: every parameter that is made below it is frozen, and nothing is random. */
  frozen(): Scope {
    return new Scope(this.context, this.path, false, this.rematerialize, true);
  }

  /** The full name of something in this scope. */
  nameOf(name: string): string {
    return this.path ? `${this.path}/${name}` : name;
  }

  /** A trained tensor (or a frozen one). The same name gives the same tensor: that is how weights are shared. */
  parameter(name: string, shape: Shape, initializer: Initializer, { frozen = this.isFrozen } = {}): Tensor {
    const full = this.nameOf(name);
    const known = this.context.parameters.get(full);
    if (!known) {
      this.context.parameters.set(full, { name: full, shape, initializer, ...(frozen && { frozen }) });
      this.context.tensors.set(full, input(PARAMETER + full, shape));
    } else {
      ensure(
        sameShape(known.shape, shape),
        () => `Parameter "${full}" is used as ${show(known.shape)} and as ${show(shape)}.`,
      );
    }
    return this.context.tensors.get(full)!;
  }

  /** A value that is kept with the parameters and not trained by gradients: a running statistic of a batch norm. */
  statistic(name: string, shape: Shape, initializer: Initializer): Tensor {
    const tensor = this.parameter(name, shape, initializer, { frozen: true });
    const full = this.nameOf(name);
    this.context.parameters.set(full, { ...this.context.parameters.get(full)!, statistic: true });
    return tensor;
  }

  /** Says what a statistic of this scope becomes after a step of training. */
  becomes(name: string, value: Tensor): void {
    const full = this.nameOf(name);
    ensure(!this.context.updates.has(full), () => `Statistic "${full}" is updated twice.`);
    this.context.updates.set(full, value);
  }

  /** A random value of this step. `name` is given whole: draws are named by what is drawn and where. */
  draw(name: string, shape: Shape, rule: DrawSpec['rule']): Tensor {
    const dtype = rule.kind === 'subset' ? 'i32' : 'f32';
    ensure(!this.context.draws.has(name), () => `Draw "${name}" is made twice.`);
    this.context.draws.set(name, { name, shape, dtype, rule });
    return input(DRAW + name, shape, dtype);
  }

  /** Builds a layer, or a cheap part of one, so that it is computed again where that is wanted. */
  part<T>(kind: Exclude<Rematerialization, 'none'>, build: () => T): T {
    return this.training && this.rematerialize === kind ? rematerialize(build) : build();
  }

  /** Makes an intermediate value known by name, so that it can be asked for; returns it. */
  tap(name: string, tensor: Tensor): Tensor {
    this.context.taps.set(name, tensor);
    return tensor;
  }

  /** All that was made so far, in this scope or any other of the model. */
  get needs(): ModelNeeds {
    return this.context;
  }
}

/** Number of values of all parameters: frozen ones among them, but no running statistics. */
export function countParameters({ parameters }: Pick<ModelNeeds, 'parameters'>): number {
  return [...parameters.values()].reduce((total, { shape, statistic }) => total + (statistic ? 0 : sizeOf(shape)), 0);
}
