import type { Engine } from '../../engine/index.js';
import type { Tensor } from '../../graph/index.js';
import type { Comparison } from '../comparison.js';
import { type GoldenCase, namesUnder } from '../goldenCase.js';
import { type CaseInputs, runGraph } from '../runGraph.js';

/** One kind of building block that cases exist of. */
export interface BlockKind {
  /** Matches the name of an output that only this kind has. */
  recognises: RegExp;
  run(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> | void;
}

/**
 * Computes the outputs that the case asks for, in one run, and compares values and shapes.
 * @param tensors by name without `output.`; those that the case does not ask for are left out.
 */
export async function compareOutputs(
  comparison: Comparison,
  engine: Engine,
  inputs: CaseInputs,
  tensors: Record<string, Tensor>,
): Promise<void> {
  const wanted = Object.fromEntries(Object.entries(tensors).filter(([name]) => comparison.wants(`output.${name}`)));
  const values = await runGraph(engine, wanted, inputs.feeds);
  for (const [name, tensor] of Object.entries(wanted)) {
    comparison.expect(`output.${name}`, values[name], { shape: tensor.shape });
  }
}

/** The outputs whose names match, with the pattern's groups: `[name, …groups]`. */
export function outputsLike(golden: GoldenCase, pattern: RegExp): string[][] {
  return namesUnder(golden, 'output.').flatMap((name) => {
    const match = pattern.exec(name);
    return match ? [[...match].map((group) => group ?? '')] : [];
  });
}

/** A number inside a tensor's name, where `_` stands for the decimal point: `0_3`, `1e-6`. */
export function numberIn(text: string): number {
  return Number(text.replace('_', '.'));
}
