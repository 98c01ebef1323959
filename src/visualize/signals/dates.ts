/** Rasters of several dates: a strip of them, through three of their bands. */
import { bandStretch, naturalBands, stretched } from '../bands.js';
import { clip } from './clip.js';
import type { ReconstructedExample, ShownExample, ShownModality, SignalPictures } from './signal.js';

/** The three bands that are shown have neither a mean nor a deviation: they are shares of their stretch. */
const shown = (modality: ShownModality): ShownModality => ({
  ...modality,
  channels: 3,
  mean: [0],
  std: [1],
  rate: undefined,
});

/** The examples through three bands; each date in its own stretch, that of the first example: one may lie under clouds. */
function throughBands<E extends ShownExample & Partial<ReconstructedExample>>(
  { channels, indexShape }: ShownModality,
  examples: readonly E[],
): E[] {
  const three = naturalBands(channels);
  const ofDates = (values: Float32Array) => {
    const size = values.length / indexShape[0];
    return Array.from({ length: indexShape[0] }, (_, t) => values.subarray(t * size, (t + 1) * size));
  };
  const stretches = ofDates(examples[0].values).map((values) => bandStretch(values, channels, three));
  const picture = (values: Float32Array) => {
    const parts = ofDates(values).map((part, t) => stretched(part, channels, three, stretches[t]));
    const out = new Float32Array((values.length / channels) * 3);
    for (const [t, part] of parts.entries()) out.set(part, t * part.length);
    return out;
  };
  return examples.map((example) => ({
    ...example,
    values: picture(example.values),
    ...(example.predicted && { predicted: picture(example.predicted) }),
  }));
}

/** Dates as a clip's frames are. */
export const dates: SignalPictures = {
  ...clip,
  noun: 'raster',
  thumbnails: (modality, examples) => clip.thumbnails(shown(modality), throughBands(modality, examples)),
  reconstructions: (modality, examples, heading) =>
    clip.reconstructions(shown(modality), throughBands(modality, examples), heading),
  attention: (modality, example, maps, heading) =>
    clip.attention(shown(modality), throughBands(modality, [example])[0], maps, heading),
  writeFiles: undefined,
};
