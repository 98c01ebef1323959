/** How every kind of signal is shown: one table, by the reader's kind and the modality's name. */
import { type KindName, kindOf, type Reader } from '../../data/index.js';
import { ensure } from '../../errors/index.js';
import type { Modality } from '../../models/index.js';
import { clip } from './clip.js';
import { cloud } from './cloud.js';
import { dates } from './dates.js';
import { bands, image } from './grid.js';
import { logMel } from './logMel.js';
import { ofPieces } from './pieces.js';
import type { ShownModality, SignalPictures } from './signal.js';
import { sound } from './sound.js';

export { inPlace } from './order.js';
export { withoutHidden } from './pixels.js';
export {
  type Heading,
  inUnits,
  pasted,
  type ReconstructedExample,
  type ShownAttention,
  type ShownExample,
  type ShownModality,
  type SignalPictures,
} from './signal.js';

/** Pictures of a modality, and where they need one, its elements per second. */
interface Entry<R> {
  pictures: SignalPictures | ((reader: R) => SignalPictures);
  rate?(reader: R): number | undefined;
}

const table: { [K in KindName]: Record<string, Entry<Extract<Reader, { kind: K }>>> } = {
  image: { image: { pictures: image } },
  segmentation: { image: { pictures: image } },
  bands: { bands: { pictures: ({ frames }) => (frames ? dates : bands) } },
  audio: { audio: { pictures: soundIn, rate: ({ rate }) => rate } },
  video: {
    video: { pictures: clip, rate: ({ frameRate }) => frameRate },
    audio: { pictures: ({ sound = {} }) => soundIn(sound), rate: (reader) => reader.sound?.rate },
  },
  points: { points: { pictures: cloud } },
};

/** Pictures of a sound in the form that its elements have. */
function soundIn({ patch = 1, melBins = 0 }: { patch?: number; melBins?: number }): SignalPictures {
  return melBins > 0 ? logMel : ofPieces(sound, patch);
}

/** A modality with its pictures. */
export interface ModalityPictures {
  modality: ShownModality;
  pictures: SignalPictures;
}

/**
 * The pictures of each modality that a reader makes, in the model's order.
 * @param modalities those of a model; default: all that the reader makes
 * @throws HiperceiverError where a model has one that its reader does not make
 */
export function picturesOf(
  reader: Reader,
  modalities: readonly Modality[] = kindOf(reader).shapes(reader),
): ModalityPictures[] {
  const entries = table[reader.kind] as Record<string, Entry<Reader>>;
  const statistics = kindOf(reader).statistics(reader);
  return modalities.map(({ name, indexShape, channels }) => {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
    ensure(entry, () => `There are no pictures of "${name}" in ${kindOf(reader).noun}s: it is none of their signals.`);
    return {
      modality: { name, indexShape, channels, ...statistics[name], rate: entry.rate?.(reader) },
      pictures: typeof entry.pictures === 'function' ? entry.pictures(reader) : entry.pictures,
    };
  });
}
