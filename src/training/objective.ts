import type { Batch } from '../data/index.js';
import type { Tensor, Values } from '../graph/index.js';
import type { ModelNeeds } from '../nn/index.js';
import type { Key } from '../random/index.js';

/** What is minimised: a loss as a graph, and how a batch and a key become its inputs. */
export interface Objective {
  /** One number. */
  loss: Tensor;
  /** Further numbers worth logging, by name. */
  metrics: Record<string, Tensor>;
  /** Parameters and draws of the model. */
  needs: ModelNeeds;
  /** Everything that is fed in one step: signals, labels, masks, draws. A pure function of its arguments. */
  feeds(batch: Batch, key: Key): Record<string, Values>;
}
