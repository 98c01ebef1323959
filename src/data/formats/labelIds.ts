/** Which numbers stand for classes in a set of label maps. */
import { ensure } from '../../errors/index.js';

/** Label maps that are looked at. */
const SAMPLE = 64;

/**
 * The highest number that stands for a class in a sample of label maps spread over all.
 * @param where for messages
 * @param read the numbers of a label map
 * @param ignore numbers that are void
 * @throws HiperceiverError where none of the sample can be read
 */
export async function highestId(
  where: string,
  count: number,
  read: (row: number) => Promise<ArrayLike<number> & Iterable<number>>,
  ignore: readonly number[],
): Promise<number> {
  const found = new Set<number>();
  let failure: unknown;
  const step = Math.max(1, Math.floor(count / SAMPLE));
  for (let row = 0; row < count; row += step) {
    try {
      for (const id of await read(row)) found.add(id);
    } catch (error) {
      failure ??= error;
    }
  }
  for (const id of ignore) found.delete(id);
  ensure(found.size > 0, () => `No label map of "${where}" can be read (${failure}): check the files.`);
  return Math.max(...found);
}
