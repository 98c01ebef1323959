/** The bytes of one part of one sample, from anywhere in the set. */
import { close, fstat, open, read } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { memberName, presentPart, type ShardIndex } from './shardIndex.js';
import { systemReason } from './systemReason.js';

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);
const readFile = promisify(read);

/** An open shard: its number in the system, and how many reads are under way. */
interface OpenShard {
  opened: Promise<{ file: number; bytes: number }>;
  users: number;
}

/** Files held open, in each thread: far below every system's limit with a handful of threads. */
const MOST_OPEN = 64;
/** The least recently used first. Threads share nothing: each opens its own. */
const held = new Map<string, OpenShard>();

/**
 * Reads a part of a sample. Shards are kept open, the least recently used closed first.
 * @param part an extension, or alternatives of which the first that the sample has is read: `['jpg', 'png']`
 * @param row 0 … `index.size` - 1
 * @throws HiperceiverError where the sample lacks the part, or the shard has gone or changed since it was opened
 */
export async function readMember(
  index: ShardIndex,
  part: string | readonly string[],
  row: number,
): Promise<Uint8Array> {
  ensure(
    Number.isInteger(row) && row >= 0 && row < index.size,
    () => `Row ${row} is none of the ${index.size} samples: choose from 0 to ${index.size - 1}.`,
  );
  const present = presentPart(index, part, row);
  ensure(
    present !== undefined,
    () => `"${memberName(index, part, row)}" is not in its shard: the sample has no such part.`,
  );
  const { shard, offset, size } = index.parts[present];
  const number = shard[row];
  const path = index.shards[number];
  const entry = hold(path);
  try {
    const { file, bytes } = await entry.opened;
    ensure(
      bytes === index.shardBytes[number],
      () => `"${path}" has changed since it was opened: open the data set again.`,
    );
    // The index was made from headers that lie within these bytes, so no header can ask for more memory than the file has.
    const content = Buffer.allocUnsafeSlow(size[row]);
    let filled = 0;
    while (filled < content.length) {
      const { bytesRead } = await readFile(file, content, filled, content.length - filled, offset[row] + filled);
      ensure(bytesRead > 0, () => `"${path}" has become shorter since it was opened: open the data set again.`);
      filled += bytesRead;
    }
    return content;
  } catch (error) {
    if (error instanceof HiperceiverError) throw error;
    throw new HiperceiverError(`"${basename(path)}" could not be read (${systemReason(error)}): check the file.`);
  } finally {
    entry.users--;
    await closeUnused(MOST_OPEN);
  }
}

/** Closes the shards that this thread holds open, bar those that are being read. They are opened again when needed. */
export async function closeShards(): Promise<void> {
  await closeUnused(0);
}

function hold(path: string): OpenShard {
  const entry = held.get(path) ?? { opened: openShard(path), users: 0 };
  // A failure concerns those who wait for it; the next one tries anew.
  entry.opened.catch(() => held.get(path) === entry && held.delete(path));
  entry.users++;
  held.delete(path);
  held.set(path, entry);
  return entry;
}

async function openShard(path: string): Promise<{ file: number; bytes: number }> {
  const file = await openFile(path, 'r');
  return { file, bytes: (await statFile(file)).size };
}

async function closeUnused(keep: number): Promise<void> {
  if (held.size <= keep) return;
  for (const [path, entry] of held) {
    if (held.size <= keep) return;
    if (entry.users > 0) continue;
    held.delete(path);
    await entry.opened.then(({ file }) => closeFile(file)).catch(() => undefined);
  }
}
