/** Small graphs that run once, as golden cases need them. */
import type { Engine } from '../engine/index.js';
import { type DType, Graph, gradients, input, type Tensor, type Values, valuesOf } from '../graph/index.js';
import { floatsOf, type GoldenCase, integersOf, tensorOf } from './goldenCase.js';

/** Compiles, runs once and gives the program's memory back. */
export async function runGraph(
  engine: Engine,
  outputs: Record<string, Tensor>,
  feeds: Record<string, Values>,
): Promise<Record<string, Values>> {
  const program = await engine.compile(Graph.of(outputs));
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

/** A case's inputs as graph inputs, and the values to feed them with. */
export class CaseInputs {
  readonly feeds: Record<string, Values> = {};

  constructor(private readonly golden: GoldenCase) {}

  /** The graph input for `input.<name>`, with the stored shape. */
  of(name: string, dtype: DType = 'f32'): Tensor {
    const key = `input.${name}`;
    this.feeds[name] = dtype === 'f32' ? floatsOf(this.golden, key) : valuesOf(integersOf(this.golden, key), dtype);
    return input(name, tensorOf(this.golden, key).shape, dtype);
  }

  /** As {@link of}, or undefined where the case has no such input. */
  maybe(name: string, dtype: DType = 'f32'): Tensor | undefined {
    return this.golden.io.has(`input.${name}`) ? this.of(name, dtype) : undefined;
  }
}

/** Gradients of sum(y · upstream): the reference's `y.backward(upstream)`. */
export function backward(y: Tensor, upstream: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return gradients(y.mul(upstream).sum(), wrt);
}
