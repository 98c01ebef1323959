/** What a pre-training run shows of itself at its end. */
import { join } from 'node:path';
import type { Dataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import type { TrainedModel, Watch } from '../tasks/index.js';
import type { Recipe } from '../training/index.js';
import type { Locality } from './locality.js';
import { imageLocality, positionsPicture, reconstructionPicture } from './modelPictures.js';
import { writePng } from './svg.js';

/** What was drawn, and what it says. */
export interface PretrainingPictures {
  /** Whether the positions were found; absent where the model does not learn any. */
  locality?: Pick<Locality, 'score' | 'chance'>;
  /** Mean squared error over masked inputs of the images shown. */
  reconstructionLoss: number;
  /** Files written. */
  pictures: string[];
}

/** Writes `positions.png` (where positions are learned) and `reconstructions.png` of held-out images into `folder`. */
export async function writePretrainingPictures(
  folder: string,
  model: TrainedModel,
  heldOut: Dataset,
  masking: Recipe['masking'],
  engine: Engine,
  watch: Watch = () => {},
): Promise<PretrainingPictures> {
  const pictures: string[] = [];
  let locality: PretrainingPictures['locality'];
  if (model.description.config.positions === 'learned') {
    watch('pictures', 0, 3);
    const found = imageLocality(model);
    const { score, chance } = found;
    locality = { score, chance };
    watch('pictures', 1, 3);
    pictures.push(join(folder, 'positions.png'));
    await writePng(pictures[0], positionsPicture(model, found));
  }
  watch('pictures', 2, 3);
  const { figure, loss } = await reconstructionPicture(model, heldOut, masking, engine);
  pictures.push(join(folder, 'reconstructions.png'));
  await writePng(pictures[pictures.length - 1], figure);
  watch('pictures', 3, 3);
  return { locality, reconstructionLoss: loss, pictures };
}
