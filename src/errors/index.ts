/**
 * An error that a user can act on: one sentence that names the file, tensor, shape or flag and the way out.
 * The command line prints its message alone; a stack is shown only with `--debug`.
 */
export class HiperceiverError extends Error {
  override name = 'HiperceiverError';
}

/** Throws a {@link HiperceiverError} unless `condition` holds. The message is built only on failure. */
export function ensure(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new HiperceiverError(message());
}

/** The candidate with the smallest edit distance to `name`, or undefined where none is near enough to be a typing slip. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `unknown X "name"; did you mean "near"?`, or the list of what exists where nothing is near. */
export function unknownName(kind: string, name: string, candidates: Iterable<string>): HiperceiverError {
  const all = [...candidates];
  const near = nearest(name, all);
  const hint = near !== undefined ? `did you mean "${near}"?` : `choose one of ${all.join(', ')}.`;
  return new HiperceiverError(`Unknown ${kind} "${name}": ${hint}`);
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
