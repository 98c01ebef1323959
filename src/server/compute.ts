/** From decoded inputs to the model's outputs, through the queue. */
import type { Outputs, Work } from './model/servedModel.js';
import type { Call } from './route.js';

/** The model's outputs for each input of a request, in their order; they may be computed in different batches. */
export function computed({ house, signal }: Call, works: readonly Work[]): Promise<Outputs[]> {
  return Promise.all(works.map(({ program, feeds }) => house.queue.submit(program, feeds, signal)));
}
