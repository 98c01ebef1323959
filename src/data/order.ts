/** Which examples a step sees: a pure function of key and step, so that a resumed run continues as if undisturbed. */
import { fold, type Key, permutation } from '../random/index.js';

/** What the order of examples depends on. */
export interface OrderOptions {
  batchSize: number;
  /** Endless, each epoch in an order of its own; otherwise one pass in stored order. */
  shuffle: boolean;
  /**
   * With `shuffle`: leave out what does not fill a batch at an epoch's end. By default the batch is filled from the next
   * epoch, so that every example is seen. Without `shuffle`: leave out the short last batch.
   */
  dropLast?: boolean;
  key: Key;
}

/** The examples of one batch and the epoch that each belongs to. */
export interface BatchRows {
  rows: Int32Array;
  epochs: Int32Array;
}

/** Steps in which every example is seen once: rounded up, or down with `dropLast`. */
export function stepsPerEpoch(size: number, { batchSize, dropLast }: OrderOptions): number {
  return dropLast ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
}

/** The rows of each step; undefined after the last step of a single pass. The last orders are kept, not the draws' results. */
export function createOrder(size: number, options: OrderOptions): (step: number) => BatchRows | undefined {
  const { batchSize, shuffle, dropLast = false, key } = options;
  const epochLength = dropLast ? Math.floor(size / batchSize) * batchSize : size;
  const orders = new Map<number, Int32Array>();

  function orderOf(epoch: number): Int32Array {
    let order = orders.get(epoch);
    if (order === undefined) {
      order = permutation(fold(key, 'epoch', epoch), size);
      // A batch touches neighbouring epochs only (or many tiny ones): two kept orders are enough.
      if (orders.size >= 2) orders.delete(Math.min(...orders.keys()));
      orders.set(epoch, order);
    }
    return order;
  }

  return (step) => {
    const start = step * batchSize;
    if (!shuffle && start >= epochLength) return undefined;
    const count = shuffle ? batchSize : Math.min(batchSize, epochLength - start);
    const rows = new Int32Array(count);
    const epochs = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const position = start + i;
      const epoch = shuffle ? Math.floor(position / epochLength) : 0;
      epochs[i] = epoch;
      rows[i] = shuffle ? orderOf(epoch)[position - epoch * epochLength] : position;
    }
    return { rows, epochs };
  };
}
