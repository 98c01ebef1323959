/** Sounds as frames of log-mel energies: time to the right, frequency upwards. */
import { sequential } from '../color.js';
import { galleryFigure } from '../gallery.js';
import { imageFromMap, type RgbImage } from '../picture.js';
import { enlarged, withoutHidden } from './pixels.js';
import { inUnits, pasted, type ShownExample, type ShownModality, type SignalPictures } from './signal.js';
import { soundAttention } from './soundAttention.js';

/** Width of a picture in pixels. */
const WIDTH = 240;
/** Pixels of the picture for one of the data. */
const ENLARGED = 3;

/** Frames of log-mel energies, `[frames, bands]`. */
export const logMel: SignalPictures = {
  element: 'frame',
  noun: 'sound',
  count: 4,
  thumbnails: (modality, examples) =>
    examples.map(({ values }) => heat(modality, values, rangeOf(modality, examples[0].values))),
  reconstructions: (modality, examples, { title, subtitle }) =>
    galleryFigure({
      title,
      subtitle,
      columns: 3,
      cellSize: WIDTH,
      items: examples.flatMap((example) => {
        const range = rangeOf(modality, example.values);
        const original = heat(modality, example.values, range, 1);
        const hidden = withoutHidden(original, acrossBands(example.mask, modality.channels));
        return [
          { image: enlarged(hidden, ENLARGED), caption: example.caption, note: 'what was heard' },
          { image: heat(modality, pasted(modality, example), range), caption: ' ', note: 'reconstruction' },
          { image: enlarged(original, ENLARGED), caption: ' ', note: 'original' },
        ];
      }),
    }),
  attention: (modality, example, ...rest) =>
    soundAttention({ ...modality, channels: 1, mean: [0], std: [1] }, loudness(modality, example), ...rest),
};

type Range = readonly [low: number, high: number];

/** Energies `[frames, bands]`, normalised, as colours; the lowest band at the bottom. */
function heat(modality: ShownModality, values: Float32Array, [low, high]: Range, factor = ENLARGED): RgbImage {
  const bands = modality.channels;
  const frames = values.length / bands;
  const energies = inUnits(modality, values, frames);
  const map = new Float32Array(values.length);
  for (let f = 0; f < frames; f++)
    for (let b = 0; b < bands; b++) map[(bands - 1 - b) * frames + f] = energies[f * bands + b];
  return enlarged(imageFromMap(map, [bands, frames], sequential, low, high), factor);
}

function rangeOf(modality: ShownModality, values: Float32Array): Range {
  const energies = inUnits(modality, values, values.length / modality.channels);
  return [energies.reduce((a, b) => Math.min(a, b)), energies.reduce((a, b) => Math.max(a, b))];
}

/** A mask of frames for every pixel of a picture. */
function acrossBands(mask: Float32Array, bands: number): Float32Array {
  return Float32Array.from({ length: mask.length * bands }, (_, i) => mask[i % mask.length]);
}

/** The mean energy of each frame, above that of the faintest. */
function loudness(modality: ShownModality, { values, length, caption }: ShownExample): ShownExample {
  const bands = modality.channels;
  const energies = inUnits(modality, values, length);
  const means = Float32Array.from({ length }, (_, f) => {
    let sum = 0;
    for (let b = 0; b < bands; b++) sum += energies[f * bands + b];
    return sum / bands;
  });
  const faintest = means.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return { values: means.map((mean) => mean - faintest), length, caption };
}
