/** Sounds whose elements are pieces of several samples, shown as the samples that they are. */
import type { ShownAttention, ShownExample, ShownModality, SignalPictures } from './signal.js';

/** Pictures of samples for elements of `patch` samples each. */
export function ofPieces(samples: SignalPictures, patch: number): SignalPictures {
  if (patch === 1) return samples;
  const whole = (modality: ShownModality): ShownModality => ({
    ...modality,
    indexShape: [modality.indexShape[0] * patch],
    channels: modality.channels / patch,
    // Pieces repeat the statistics of their samples.
    mean: modality.mean.slice(0, modality.channels / patch),
    std: modality.std.slice(0, modality.channels / patch),
  });
  const spread = (values: Float32Array) =>
    Float32Array.from({ length: values.length * patch }, (_, i) => values[Math.floor(i / patch)]);
  const unfolded = <E extends ShownExample & { mask?: Float32Array }>(example: E): E => ({
    ...example,
    length: example.length * patch,
    ...(example.mask ? { mask: spread(example.mask) } : {}),
  });
  const { writeFiles } = samples;
  return {
    ...samples,
    thumbnails: (modality, examples) => samples.thumbnails(whole(modality), examples.map(unfolded)),
    reconstructions: (modality, examples, heading) =>
      samples.reconstructions(whole(modality), examples.map(unfolded), heading),
    attention: (modality, example, attention: ShownAttention, heading) =>
      samples.attention(
        whole(modality),
        unfolded(example),
        { ...attention, maps: attention.maps.map(spread) },
        heading,
      ),
    writeFiles: writeFiles && ((stem, modality, example) => writeFiles(stem, whole(modality), unfolded(example))),
  };
}
