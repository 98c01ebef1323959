/** Which of a model's parameters a stranger's weights hold, by a table of names. */

import { HiperceiverError } from '../../errors/index.js';
import { shown } from '../shown.js';
import { type LazyTensor, toFloat32 } from '../storedTensor.js';

/** Our name → theirs; undefined for a parameter that their layout does not have. */
export type NameTable = (name: string) => string | undefined;

/** A parameter whose tensor has another shape than the model needs. */
export interface ShapeMismatch {
  /** Our name, and theirs. */
  name: string;
  foundAs: string;
  expected: readonly number[];
  found: readonly number[];
}

/** What fits and what does not; all lists in the order of what was expected or found. */
export interface Match {
  /** Our name → theirs. */
  taken: Map<string, string>;
  /** Parameters for which there is nothing (our names). */
  missing: string[];
  /** Tensors that no parameter asks for (their names). */
  unexpected: string[];
  wrongShape: ShapeMismatch[];
}

/**
 * Matches parameters with tensors.
 * @param expected shapes of the model's parameters by our names
 * @param found tensors by their names
 * @param table our name → theirs; by default they are the same
 */
export function matchNames(
  expected: ReadonlyMap<string, readonly number[]>,
  found: ReadonlyMap<string, { shape: readonly number[] }>,
  table: NameTable = (name) => name,
): Match {
  const match: Match = { taken: new Map(), missing: [], unexpected: [], wrongShape: [] };
  const used = new Set<string>();
  for (const [name, shape] of expected) {
    const theirs = table(name);
    const tensor = theirs === undefined ? undefined : found.get(theirs);
    if (theirs === undefined || !tensor) {
      match.missing.push(name);
      continue;
    }
    used.add(theirs);
    if (shape.join() === tensor.shape.join()) match.taken.set(name, theirs);
    else match.wrongShape.push({ name, foundAs: theirs, expected: shape, found: tensor.shape });
  }
  match.unexpected = [...found.keys()].filter((name) => !used.has(name));
  return match;
}

/** What a match leaves open, one sentence each; none where everything fits. */
export function matchRemarks({ missing, unexpected, wrongShape }: Match): string[] {
  const remarks: string[] = [];
  if (missing.length > 0) remarks.push(`${counted(missing, 'parameter')} not found: ${listed(missing)}.`);
  if (unexpected.length > 0) remarks.push(`${counted(unexpected, 'tensor')} not used: ${listed(unexpected)}.`);
  const shapes = wrongShape.map(
    ({ foundAs, expected, found }) =>
      `${shown(foundAs)} [${found.join(', ')}] where [${expected.join(', ')}] is needed`,
  );
  if (shapes.length > 0) remarks.push(`${counted(shapes, 'tensor')} of another shape: ${listed(shapes)}.`);
  return remarks;
}

/**
 * The values of what was taken, as float32 under our names.
 * @throws HiperceiverError that lists the tensors with NaN or infinite values, and how many each has
 */
export async function readMatched(
  match: Pick<Match, 'taken'>,
  found: ReadonlyMap<string, LazyTensor>,
  where: string,
): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  const bad: string[] = [];
  for (const [name, theirs] of match.taken) {
    const own = await readFloat32(found.get(theirs)!);
    const count = nonFiniteCount(own);
    if (count > 0) bad.push(`${shown(theirs)} (${count} of ${own.length} values)`);
    values.set(name, own);
  }
  if (bad.length > 0)
    throw new HiperceiverError(
      `${where} holds NaN or infinite values in ${bad.length === 1 ? bad[0] : `${bad.length} tensors: ${listed(bad)}`}: use another checkpoint of that training.`,
    );
  return values;
}

/** A tensor's values as float32, read now. */
export async function readFloat32({ dtype, shape, load }: LazyTensor): Promise<Float32Array> {
  return toFloat32({ dtype, shape: [...shape], data: await load() });
}

/** How many of the values are NaN or infinite. */
export function nonFiniteCount(values: Float32Array): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++;
  return count;
}

const MOST_LISTED = 8;

function listed(items: readonly string[]): string {
  const some = items.slice(0, MOST_LISTED).map((item) => (item.length > 200 ? shown(item) : item));
  return `${some.join(', ')}${items.length > MOST_LISTED ? ` and ${items.length - MOST_LISTED} more` : ''}`;
}

function counted(items: readonly unknown[], thing: string): string {
  return `${items.length.toLocaleString('en-US')} ${thing}${items.length === 1 ? '' : 's'}`;
}
