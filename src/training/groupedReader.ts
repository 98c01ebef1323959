/** Reading many buffers of an engine without holding all of them. */
import type { Engine } from '../engine/index.js';

/** Bytes that are fetched at a time. */
const GROUP_BYTES = 2 ** 26;

/**
 * A function that reads f32 buffers one by one, and fetches them in groups in the order of `sizes`: a request for each would
 * be slow (on a GPU each compiles a program), one for all would take a second copy of the model and its state.
 * @param sizes number of values by buffer
 */
export function groupedReader(
  engine: Pick<Engine, 'read'>,
  sizes: ReadonlyMap<string, number>,
): (buffer: string) => Promise<Float32Array> {
  const groupOf = new Map<string, string[]>();
  let group: string[] = [];
  let bytes = 0;
  for (const [buffer, size] of sizes) {
    if (bytes + 4 * size > GROUP_BYTES) [group, bytes] = [[], 0];
    group.push(buffer);
    groupOf.set(buffer, group);
    bytes += 4 * size;
  }
  let fetched = new Map<string, unknown>();
  return async (buffer) => {
    if (!fetched.has(buffer)) {
      // The last group's memory may go before the next one's is taken.
      fetched.clear();
      fetched = await engine.read(groupOf.get(buffer) ?? [buffer]);
    }
    const values = fetched.get(buffer) as Float32Array;
    fetched.delete(buffer);
    return values;
  };
}
