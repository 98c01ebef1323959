/** Reconstructions as pictures and sounds, of any signal. */
import sharp from 'sharp';
import { formatWav } from '../data/audio/index.js';
import type { Reader } from '../data/index.js';
import { indexDim } from '../models/index.js';
import {
  inPlace,
  inUnits,
  type ModalityPictures,
  pasted,
  picturesOf,
  type ReconstructedExample,
  type RgbImage,
  withoutHidden,
} from '../visualize/index.js';
import type { ServedModel } from './model/servedModel.js';

/** What a model was shown of one signal and what it made of it; for one input. */
export interface Shown {
  name?: string;
  /** What was to be made, normalised, `[I * C]`. */
  signal: Float32Array;
  predicted: Float32Array;
  /** 1 = hidden, `[I]`. */
  mask: Float32Array;
  /** Elements that are real. */
  length: number;
}

const LONGEST_CAPTION = 40;

/** How a model's signals are shown: the one that was named, or the first. */
export function signalPictures(
  { reader, modalities }: Pick<ServedModel, 'modalities' | 'reader'>,
  name = modalities[0].name,
): ModalityPictures | undefined {
  return picturesOf(reader, modalities).find(({ modality }) => modality.name === name);
}

/** Mean squared error over what was hidden and is real, in units of the data's variance. */
export function maskedError({ signal, predicted, mask, length }: Shown): number {
  const channels = signal.length / mask.length;
  let [squares, count] = [0, 0];
  for (let i = 0; i < length * channels; i++) {
    if (mask[Math.floor(i / channels)] === 0) continue;
    squares += (predicted[i] - signal[i]) ** 2;
    count++;
  }
  return squares / Math.max(1, count);
}

/** The image with what was hidden in grey; undefined of signals that are no pixels on a grid. */
export function visiblePart({ modality, pictures }: ModalityPictures, reader: Reader, shown: Shown) {
  if (modality.indexShape.length !== 2) return undefined;
  const { values, mask, length } = exampleOf(reader, modality, shown);
  return png(withoutHidden(pictures.thumbnails(modality, [{ values, length }])[0], mask));
}

/** A picture of the signal with what was hidden as the model filled it in. */
export function filledIn({ modality, pictures }: ModalityPictures, reader: Reader, shown: Shown): Promise<Buffer> {
  const example = exampleOf(reader, modality, shown);
  const values = pasted(modality, example);
  return png(pictures.thumbnails(modality, [{ values, length: example.length }])[0]);
}

/** What was seen, what was made of it and what it should have been, a row for each input. */
export function comparison(
  { modality, pictures }: ModalityPictures,
  reader: Reader,
  shown: readonly Shown[],
): Promise<Buffer> {
  const examples = shown.map((one) => exampleOf(reader, modality, one));
  const title = `Reconstruction of masked ${pictures.noun}s`;
  return pictures.reconstructions(modality, examples, { title, subtitle: '' }).toPng();
}

/** The sound with what was hidden as the model filled it in, as WAV; undefined of what is no waveform. */
export function filledInSound({ modality }: ModalityPictures, reader: Reader, shown: Shown): Buffer | undefined {
  const form = reader.kind === 'audio' ? reader : reader.kind === 'video' ? reader.sound : undefined;
  if (modality.name !== 'audio' || !form || form.melBins) return undefined;
  const example = exampleOf(reader, modality, shown);
  const samples = inUnits(modality, pasted(modality, example), example.length);
  return Buffer.from(formatWav({ rate: form.rate, channels: form.channels, samples }));
}

function exampleOf(reader: Reader, modality: ModalityPictures['modality'], shown: Shown): ReconstructedExample {
  const { channels } = modality;
  return {
    values: inPlace(reader, shown.signal, channels),
    predicted: inPlace(reader, shown.predicted, channels),
    mask: inPlace(reader, shown.mask, 1),
    length: Math.min(shown.length, indexDim(modality)),
    caption: shown.name?.slice(0, LONGEST_CAPTION) ?? '',
  };
}

/** In a thread of sharp's: deflating a photograph takes long enough for other requests to notice. */
function png({ width, height, rgb }: RgbImage): Promise<Buffer> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
