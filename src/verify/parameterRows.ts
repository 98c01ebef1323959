/** What rows of the tables of parameter counts ask for. */
import { countParameters, type ModelNeeds } from '../nn/index.js';

/** The number of parameters of a model: all, or, where the row says `(trainable)`, those that are not frozen. */
export function countRow(row: string, { parameters }: Pick<ModelNeeds, 'parameters'>): number {
  if (!row.includes('trainable')) return countParameters({ parameters });
  return countParameters({ parameters: new Map([...parameters].filter(([, { frozen }]) => !frozen)) });
}
