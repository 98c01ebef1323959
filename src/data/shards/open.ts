/** Opening sets of shards. */
import { resolve } from 'node:path';
import { ensure } from '../../errors/index.js';
import { shardPaths } from './paths.js';
import { ABSENT, type PartColumn, type ShardIndex, sharedFloats, sharedLengths, sharedWords } from './shardIndex.js';
import { ensureFew, readShardTable, type ShardTable } from './table.js';

/** Shards read side by side: on a disk that is not cached, most of the time is waiting. */
const LANES = 8;

/**
 * Opens tar shards as WebDataset lays them out: files with the same name up to the first dot are the parts of one sample.
 * Only headers are read; no content is. Damaged and cut shards give what is whole, with a remark.
 *
 * @param given paths of `.tar` files, a folder of them, or a pattern such as `train-{000000..000099}.tar`; or several
 * @throws HiperceiverError where a shard is missing or compressed, or no shard holds a sample
 */
export async function openShards(given: string | readonly string[]): Promise<ShardIndex> {
  const shards = (await shardPaths(given)).map((path) => resolve(path));
  const tables: ShardTable[] = new Array(shards.length);
  let next = 0;
  async function lane(): Promise<void> {
    while (next < shards.length) {
      const i = next++;
      tables[i] = await readShardTable(shards[i]);
    }
  }
  await Promise.all(Array.from({ length: Math.min(LANES, shards.length) }, lane));
  const index = joinTables(shards, tables);
  ensure(
    index.size > 0,
    () =>
      `"${typeof given === 'string' ? given : given[0]}" holds no samples: give tar files with members such as 000123.jpg and 000123.cls${index.remarks.length > 0 ? ` (${index.remarks[0]})` : '.'}`,
  );
  return index;
}

function joinTables(shards: string[], tables: ShardTable[]): ShardIndex {
  const size = tables.reduce((sum, { keys }) => sum + keys.length, 0);
  const shard = sharedWords(size);
  const start = sharedFloats(size);
  const length = sharedLengths(size);
  const parts = new Map<string, PartColumn>();
  const keyBytes: Buffer[] = [];
  let at = 0;
  let twice = 0;
  let base = 0;
  for (const [number, table] of tables.entries()) {
    const columns = table.extensions.map((extension) => {
      const known = parts.get(extension);
      const column = known ?? { shard, offset: sharedFloats(size), size: sharedWords(size).fill(ABSENT) };
      if (!known) parts.set(extension, column);
      ensureFew(shards[number], `${table.keys[0]}.${extension}`, parts.size);
      return column;
    });
    for (let member = 0; member < table.row.length; member++) {
      const column = columns[table.extension[member]];
      const row = base + table.row[member];
      if (column.size[row] !== ABSENT) twice++;
      column.offset[row] = table.offset[member];
      column.size[row] = table.size[member];
    }
    for (const [i, key] of table.keys.entries()) {
      const bytes = Buffer.byteLength(key);
      start[base + i] = at;
      length[base + i] = bytes;
      at += bytes;
    }
    keyBytes.push(Buffer.from(table.keys.join('')));
    shard.fill(number, base, base + table.keys.length);
    base += table.keys.length;
  }
  const remarks = tables.flatMap((table) => table.remarks);
  if (twice > 0) remarks.push(`${twice} files occur twice in their shard: the last of each counts.`);
  return {
    shards,
    shardBytes: Float64Array.from(tables, ({ bytes }) => bytes),
    size,
    keys: { bytes: joined(keyBytes, at), start, length },
    parts: Object.fromEntries(parts),
    remarks,
  };
}

function joined(chunks: Buffer[], total: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
