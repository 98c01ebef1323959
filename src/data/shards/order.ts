/** An order of samples that is random and yet kind to disks. */
import { ensure } from '../../errors/index.js';
import { fold, type Key, permutation } from '../../random/index.js';
import { rowsByShard, type ShardIndex } from './shardIndex.js';

/**
 * Every row once: shards in random order, and within each `window` of them in a row all samples mixed. At any time the
 * reads then fall into `window` files, which the system can hold in memory. A pure function of its arguments, so a run goes
 * on in the middle of a shard by starting at its step.
 *
 * @param window shards that are mixed; 1 shuffles within each alone, all of them make a plain shuffle
 */
export function shardOrder(index: ShardIndex, key: Key, epoch: number, window: number): Int32Array {
  ensure(
    Number.isInteger(window) && window >= 1,
    () => `The window is ${window}: give a whole number of shards from 1 up.`,
  );
  const epochKey = fold(key, 'epoch', epoch);
  const rows = rowsByShard(index);
  const shards = permutation(fold(epochKey, 'shards'), index.shards.length);
  const order = new Int32Array(index.size);
  let at = 0;
  for (let first = 0; first < shards.length; first += window) {
    const begin = at;
    for (const shard of shards.subarray(first, first + window)) {
      order.set(rows[shard], at);
      at += rows[shard].length;
    }
    const mixed = order.slice(begin, at);
    const places = permutation(fold(epochKey, 'window', first / window), mixed.length);
    for (let i = 0; i < mixed.length; i++) order[begin + i] = mixed[places[i]];
  }
  return order;
}
