/** What is minimised. */
import type { Batch } from '../data/index.js';
import type { Tensor, Values } from '../graph/index.js';
import { DRAW, drawAll, type ModelNeeds, type Rematerialization } from '../nn/index.js';
import type { Key } from '../random/index.js';

/** A loss as a graph, and how a batch and a key become its inputs. */
export interface Objective {
  /** One number. */
  loss: Tensor;
  /** Further numbers worth logging, by name. */
  metrics: Record<string, Tensor>;
  /** Parameters and draws of the model. */
  needs: ModelNeeds;
  /** What is learned from what, in words, where it is not classes. */
  about?: string;
  /**
   * Everything that is fed in one step: signals, labels, masks, draws. A pure function of its arguments.
   * @param progress share of the run that is over, 0 … 1 (default 0)
   */
  feeds(batch: Batch, key: Key, progress?: number): Record<string, Values>;
}

/** Makes the objective for a batch size; what is computed again in the backward pass changes only time and memory. */
export type BuildObjective = (batchSize: number, rematerialize?: Rematerialization) => Objective;

/** What every model is fed in one step: the signals of its inputs, and the values of its random draws. */
export function modelFeeds(
  inputs: Record<string, Tensor>,
  { draws }: Pick<ModelNeeds, 'draws'>,
  batch: Batch,
  key: Key,
): Record<string, Values> {
  const feeds: Record<string, Values> = {};
  for (const name of Object.keys(inputs)) feeds[name] = batch.signals[name];
  for (const [name, values] of drawAll(draws, key)) feeds[DRAW + name] = values;
  return feeds;
}
