/** What a pre-training run shows of itself at its end. */
import { join } from 'node:path';
import type { Dataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import type { TrainedModel, Watch } from '../tasks/index.js';
import type { Recipe } from '../training/index.js';
import type { Locality } from './locality.js';
import { writePositions } from './positionPictures.js';
import { reconstructionPictures, writeReconstructions } from './reconstructionPictures.js';

/** What was drawn, and what it says. */
export interface PretrainingPictures {
  /** Whether the positions of each modality were found; empty where the model does not learn any. */
  localities: Record<string, Pick<Locality, 'score' | 'chance'>>;
  /** Mean squared error over masked inputs of the examples shown, and by modality. */
  reconstructionLoss: number;
  reconstructionLosses: Record<string, number>;
  /** Pictures written. */
  pictures: string[];
  /** Sounds and clips written beside them. */
  files: string[];
}

/**
 * Writes into `folder` the learned positions of each modality (where there are any) and reconstructions of held-out
 * examples: `positions.png` and `reconstructions.png`, with several modalities `positions-audio.png` and so on, and sounds
 * and clips beside them.
 */
export async function writePretrainingPictures(
  folder: string,
  model: TrainedModel,
  heldOut: Dataset,
  masking: Recipe['masking'],
  engine: Engine,
  watch: Watch = () => {},
): Promise<PretrainingPictures> {
  const learns = model.description.config.positions === 'learned';
  const total = (learns ? model.description.modalities.length : 0) + 1;
  const drawn = learns
    ? await writePositions(join(folder, 'positions.png'), model, (done) => watch('pictures', done, total))
    : { localities: {}, pictures: [] };
  watch('pictures', total - 1, total);
  const made = await reconstructionPictures(model, heldOut, masking, engine);
  const { pictures, files } = await writeReconstructions(join(folder, 'reconstructions.png'), made);
  watch('pictures', total, total);
  return {
    localities: drawn.localities,
    reconstructionLoss: made.loss,
    reconstructionLosses: Object.fromEntries(Object.entries(made.modalities).map(([name, { loss }]) => [name, loss])),
    pictures: [...drawn.pictures, ...pictures],
    files,
  };
}
