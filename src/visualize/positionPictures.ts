/** Learned positions of a trained model: their score and their picture, for each of its modalities. */
import { ensure, HiperceiverError, unknownName } from '../errors/index.js';
import { indexDim } from '../models/index.js';
import type { TrainedModel } from '../tasks/index.js';
import { isPositionTable } from '../training/index.js';
import { type Locality, locality } from './locality.js';
import { positionsFigure } from './positions.js';
import { inPlace } from './signals/index.js';
import { type Figure, writePng } from './svg.js';

/** The learned positions of one modality. */
export interface LearnedPositions {
  modality: string;
  /** `[I, E]` */
  table: Float32Array;
  /** [height, width], [samples], [frames, height, width], [points]. */
  shape: readonly number[];
}

/**
 * The learned position tables of a model, in the order of its modalities; rows of elements that its reader shuffles lie where
 * the elements came from. Throws where positions are not learned.
 */
export function learnedPositions({ path, description, parameters }: TrainedModel): LearnedPositions[] {
  const found = description.modalities.flatMap(({ name, indexShape }) =>
    [...parameters]
      .filter(([parameter]) => isPositionTable(parameter) && parameter.includes(`pos_emb_mae_${name}/`))
      .map(([, table]) => ({
        modality: name,
        table: inPlace(description.reader ?? {}, table, table.length / indexDim({ indexShape })),
        shape: indexShape,
      })),
  );
  if (found.length > 0) return found;
  throw new HiperceiverError(
    `${path} has no learned positions (model.positions is "${description.config.positions}"): draw a model that was trained with learned ones.`,
  );
}

/**
 * Share of embedding-space neighbours that are neighbours in the signal, beside chance.
 * @param modality default: the model's first
 */
export function positionLocality(model: TrainedModel, modality?: string): Locality {
  const { table, shape } = positionsOf(model, modality);
  return locality(table, shape);
}

/**
 * The position table of a modality as colours and similarities, with its locality score.
 * @param options.modality default: the model's first
 * @param options.found the score, where it was computed already
 */
export function positionsPicture(
  model: TrainedModel,
  { modality, found }: { modality?: string; found?: Locality } = {},
): Figure {
  const { table, shape, modality: name } = positionsOf(model, modality);
  const several = model.description.modalities.length > 1;
  return positionsFigure(table, shape, { title: several ? `Learned positions of "${name}"` : undefined, found });
}

/**
 * Writes the picture of every modality's positions; with several modalities each has its own in its name.
 * @param path of the PNG of a model with one modality
 * @param watch told how many are done
 */
export async function writePositions(
  path: string,
  model: TrainedModel,
  watch: (done: number) => void = () => {},
): Promise<{ localities: Record<string, Pick<Locality, 'score' | 'chance'>>; pictures: string[] }> {
  const localities: Record<string, Pick<Locality, 'score' | 'chance'>> = {};
  const pictures: string[] = [];
  const all = learnedPositions(model);
  for (const { modality } of all) {
    watch(pictures.length);
    const found = positionLocality(model, modality);
    localities[modality] = { score: found.score, chance: found.chance };
    const picture = all.length > 1 ? `${path.replace(/\.png$/i, '')}-${modality}.png` : path;
    await writePng(picture, positionsPicture(model, { modality, found }));
    pictures.push(picture);
  }
  return { localities, pictures };
}

function positionsOf(model: TrainedModel, modality: string | undefined): LearnedPositions {
  const all = learnedPositions(model);
  const found = modality === undefined ? all[0] : all.find((own) => own.modality === modality);
  ensure(
    found,
    () =>
      unknownName(
        'modality',
        modality ?? '',
        all.map((own) => own.modality),
      ).message,
  );
  return found;
}
