/** Images, and rasters through three of their bands: pixels on a grid. */
import { attentionFigure } from '../attention.js';
import { bandComposite, bandReconstructionFigure, bandStretch, naturalBands } from '../bands.js';
import { imageFromNormalized, type RgbImage } from '../picture.js';
import { reconstructionFigure } from '../reconstruction.js';
import {
  joined,
  type ReconstructedExample,
  type ShownExample,
  type ShownModality,
  type SignalPictures,
} from './signal.js';

/** Images: one or three channels of normalised brightness. */
export const image: SignalPictures = {
  element: 'pixel',
  noun: 'image',
  count: 8,
  thumbnails: (modality, examples) => examples.map((example) => picture(modality, example)),
  reconstructions: (modality, examples, heading) =>
    reconstructionFigure({
      ...batchOf(modality, examples),
      ...heading,
      mean: modality.mean,
      std: modality.std,
      maxSamples: examples.length,
    }),
  attention: (modality, example, { maps, captions }, heading) =>
    attentionFigure({
      ...heading,
      attention: joined(maps),
      captions,
      shape: gridOf(modality),
      image: picture(modality, example),
    }),
};

/** Rasters of many bands. */
export const bands: SignalPictures = {
  element: 'pixel',
  noun: 'raster',
  count: 6,
  thumbnails: composites,
  reconstructions: (modality, examples, heading) =>
    bandReconstructionFigure({ ...batchOf(modality, examples), ...heading, maxSamples: examples.length }),
  attention: (modality, example, { maps, captions }, heading) =>
    attentionFigure({
      ...heading,
      attention: joined(maps),
      captions,
      shape: gridOf(modality),
      image: composites(modality, [example])[0],
    }),
};

function gridOf({ indexShape: [height, width] }: ShownModality): [number, number] {
  return [height, width];
}

function picture(modality: ShownModality, { values }: ShownExample): RgbImage {
  return imageFromNormalized(values, [...gridOf(modality), modality.channels], modality);
}

/** In the stretch of the first, so that what changes from one to the next can be seen. */
function composites(modality: ShownModality, examples: readonly ShownExample[]): RgbImage[] {
  const { channels } = modality;
  const shown = naturalBands(channels);
  const stretch = bandStretch(examples[0].values, channels, shown);
  return examples.map(({ values }) =>
    bandComposite(values, [...gridOf(modality), channels], { bands: shown, stretch }),
  );
}

function batchOf(modality: ShownModality, examples: readonly ReconstructedExample[]) {
  return {
    input: joined(examples.map(({ values }) => values)),
    mask: joined(examples.map(({ mask }) => mask)),
    reconstruction: joined(examples.map(({ predicted }) => predicted)),
    shape: [...gridOf(modality), modality.channels] as [number, number, number],
    captions: examples.map(({ caption = '' }) => caption),
  };
}
