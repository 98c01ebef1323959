import { type Shape, sizeOf } from '../graph/index.js';

/** A signal that a model takes: its elements lie on a grid of any number of axes and each has channels. */
export interface Modality {
  name: string;
  /** Grid of the elements: [height, width], [samples], [frames, height, width], [points]. */
  indexShape: Shape;
  channels: number;
}

/** Number of elements I of a modality: what a model sees is `[B, I, C]`. */
export function indexDim(modality: Pick<Modality, 'indexShape'>): number {
  return sizeOf(modality.indexShape);
}
