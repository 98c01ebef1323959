/** How parameters begin, and their values from a key. */
import { type Shape, sizeOf, type Values, valuesOf } from '../graph/index.js';
import { fold, type Key, subset, TRUNCATED_DEVIATION, truncatedNormal, uniform } from '../random/index.js';
import type { DrawSpec, ParameterSpec } from './scope.js';

/** The distribution of a parameter's first values. */
export type Initializer =
  | { kind: 'constant'; value: number }
  /** Normal, cut at two sigma, with this standard deviation after the cut. */
  | { kind: 'truncatedNormal'; deviation: number };

/** Begins at 0. */
export const zeros: Initializer = { kind: 'constant', value: 0 };
/** Begins at 1. */
export const ones: Initializer = { kind: 'constant', value: 1 };

/** Haiku's and DeepMind's default: truncated normal with variance 1 / inputs. */
export function fanIn(inputs: number, scale = 1): Initializer {
  return { kind: 'truncatedNormal', deviation: scale / Math.sqrt(inputs) };
}

function initialValues({ name, shape, initializer }: ParameterSpec, key: Key): Float32Array {
  const size = sizeOf(shape);
  if (initializer.kind === 'constant') return new Float32Array(size).fill(initializer.value);
  return truncatedNormal(fold(key, name), size, initializer.deviation / TRUNCATED_DEVIATION);
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
