/** How parameters begin, and their values from a key. */
import { type Shape, sizeOf, type Values, valuesOf } from '../graph/index.js';
import { fold, type Key, normal, subset, TRUNCATED_DEVIATION, truncatedNormal, uniform } from '../random/index.js';
import type { DrawSpec, ParameterSpec } from './scope.js';

/** The distribution of a parameter's first values. */
export type Initializer =
  | { kind: 'constant'; value: number }
  /** Normal, cut at two sigma, with this standard deviation after the cut. */
  | { kind: 'truncatedNormal'; deviation: number }
  | { kind: 'normal'; deviation: number }
  /** Uniform between -bound and bound. */
  | { kind: 'uniform'; bound: number }
  /** Fixed values, such as a table of positions, made where they are needed. */
  | { kind: 'values'; values: () => Float32Array };

/** Begins at 0. */
export const zeros: Initializer = { kind: 'constant', value: 0 };
/** Begins at 1. */
export const ones: Initializer = { kind: 'constant', value: 1 };

/** Haiku's and DeepMind's default: truncated normal with variance 1 / inputs. */
export function fanIn(inputs: number, scale = 1): Initializer {
  return { kind: 'truncatedNormal', deviation: scale / Math.sqrt(inputs) };
}

/** Normal with this standard deviation. */
export function gaussian(deviation: number): Initializer {
  return { kind: 'normal', deviation };
}

/** Uniform with variance 2 / (inputs + outputs) (Glorot & Bengio 2010). */
export function xavierUniform(inputs: number, outputs: number): Initializer {
  return { kind: 'uniform', bound: Math.sqrt(6 / (inputs + outputs)) };
}

function initialValues({ name, shape, initializer }: ParameterSpec, key: Key): Float32Array {
  const size = sizeOf(shape);
  const own = fold(key, name);
  switch (initializer.kind) {
    case 'constant':
      return new Float32Array(size).fill(initializer.value);
    case 'truncatedNormal':
      return truncatedNormal(own, size, initializer.deviation / TRUNCATED_DEVIATION);
    case 'normal':
      return normal(own, size).map((x) => x * initializer.deviation);
    case 'uniform':
      return uniform(own, size).map((u) => (2 * u - 1) * initializer.bound);
    case 'values':
      return initializer.values();
  }
}

/** First values of all parameters: each a pure function of the key and its name. */
export function initialize(parameters: ReadonlyMap<string, ParameterSpec>, key: Key): Map<string, Float32Array> {
  return new Map([...parameters].map(([name, spec]) => [name, initialValues(spec, fold(key, 'initialize'))]));
}

/** Values of all draws of one step: each a pure function of the key and its name. */
export function drawAll(draws: ReadonlyMap<string, DrawSpec>, key: Key): Map<string, Values> {
  return new Map([...draws].map(([name, spec]) => [name, drawValues(spec, fold(key, 'draw', name))]));
}

function drawValues({ shape, rule }: DrawSpec, key: Key): Values {
  if (rule.kind === 'subset') return rowsOf(shape, (row, count) => subset(fold(key, row), rule.from, count));
  const kept = rule.kind === 'keep' ? 1 : 1 / (1 - rule.rate);
  return uniform(key, sizeOf(shape)).map((u) => (u < rule.rate ? 0 : kept));
}

function rowsOf(shape: Shape, row: (index: number, count: number) => Int32Array): Values {
  const out = valuesOf(sizeOf(shape), 'i32') as Int32Array;
  const count = shape[shape.length - 1];
  for (let i = 0; i < out.length / count; i++) out.set(row(i, count), i * count);
  return out;
}
