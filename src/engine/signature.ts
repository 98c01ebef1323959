/** What a graph takes and gives, and whether what it is fed fits. */
import { ensure, unknownName } from '../errors/index.js';
import { type Graph, show, sizeOf, type TensorType, type Values } from '../graph/index.js';
import type { Residency } from './types.js';

/** Names and types of a graph's inputs and outputs. */
export interface Signature {
  inputs: Record<string, TensorType>;
  outputs: Record<string, TensorType>;
}

/** A graph's signature, as plain data that a worker can be sent. Inputs that are constants are not among its inputs. */
export function signatureOf(graph: Graph, constants: ReadonlyMap<string, Values> = new Map()): Signature {
  const varying = [...graph.inputs].filter(([name, type]) => {
    if (constants.has(name)) checkFeed(name, type, constants.get(name));
    return !constants.has(name);
  });
  const types = (tensors: ReadonlyMap<string, TensorType>) =>
    Object.fromEntries([...tensors].map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
  return { inputs: types(new Map(varying)), outputs: types(graph.outputs) };
}

/** Throws one sentence when an output is to be kept that the graph does not have. Inputs may have fallen away in rewriting. */
export function checkResidency(graph: Graph, residency: Residency): void {
  for (const name of Object.keys(residency.outputs ?? {})) {
    if (!graph.outputs.has(name)) throw unknownName('output', name, graph.outputs.keys());
  }
  const { guard } = residency;
  if (guard !== undefined && !graph.outputs.has(guard)) throw unknownName('output', guard, graph.outputs.keys());
}

/** Whether the buffers of a program take the values of a run that returned `answer`. */
export function passesGuard({ guard }: Pick<Residency, 'guard'>, answer: Record<string, Values>): boolean {
  return guard === undefined || Number.isFinite(answer[guard][0]);
}

/** Throws one sentence when a fed value is missing or of another size than its input. */
export function checkFeed(name: string, type: TensorType, values: Values | undefined): Values {
  ensure(values, () => `Input "${name}" ${show(type.shape)} was given no value.`);
  ensure(
    values.length === sizeOf(type.shape),
    () => `Input "${name}" takes ${sizeOf(type.shape)} numbers ${show(type.shape)}, not ${values.length}.`,
  );
  return values;
}
