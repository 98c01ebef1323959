/** Hand-made features of every kind of signal, as people took them before networks learned their own. */
import { logMelSpectrogram } from '../../src/data/audio/index.js';
import type { Modality } from '../../src/models/index.js';

/** Features of one signal `[I, C]` (not normalised), and what they are called. */
export interface FeatureMaker {
  name: string;
  make(values: Float32Array, modality: Modality, rate: number): Float32Array;
}

/** By modality. */
export const featureMakers: Record<string, FeatureMaker> = {
  image: {
    name: 'pixels at 16 x 16',
    make: (values, { indexShape, channels }) => shrink(values, indexShape, channels, 16),
  },
  audio: {
    name: 'mean and deviation of 40 log-mel bands',
    make: (values, modality, rate) => melStatistics(values, modality, rate),
  },
  video: {
    name: 'mean and deviation of pixels at 12 x 12 over time',
    make: (values, { indexShape, channels }) => overTime(values, indexShape, channels),
  },
  points: {
    name: 'histograms of distances and heights',
    make: (values, { channels }) => shapeHistograms(values, channels),
  },
};

/** An image's mean colours on a coarser grid. */
function shrink(
  values: Float32Array,
  [height, width]: readonly number[],
  channels: number,
  side: number,
): Float32Array {
  const [tall, wide] = [Math.min(side, height), Math.min(side, width)];
  const out = new Float32Array(tall * wide * channels);
  const counts = new Float32Array(tall * wide);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = Math.floor((y * tall) / height) * wide + Math.floor((x * wide) / width);
      counts[cell]++;
      for (let c = 0; c < channels; c++) out[cell * channels + c] += values[(y * width + x) * channels + c];
    }
  }
  return out.map((sum, i) => sum / counts[Math.floor(i / channels)]);
}

/** Mean and deviation over time of each band. */
function melStatistics(values: Float32Array, { channels }: Modality, rate: number): Float32Array {
  const mono =
    channels === 1 ? values : Float32Array.from({ length: values.length / channels }, (_, i) => values[i * channels]);
  const { frames, bins, values: bands } = logMelSpectrogram(mono, { rate, numMelBins: 40 });
  const out = new Float32Array(2 * bins);
  for (let b = 0; b < bins; b++) {
    let [sum, square] = [0, 0];
    for (let f = 0; f < frames; f++) {
      const value = bands[f * bins + b];
      sum += value;
      square += value * value;
    }
    out[b] = sum / frames;
    out[bins + b] = Math.sqrt(Math.max(0, square / frames - (sum / frames) ** 2));
  }
  return out;
}

/** What stays and what moves: mean and deviation of each coarse pixel over the frames. */
function overTime(values: Float32Array, [frames, height, width]: readonly number[], channels: number): Float32Array {
  const size = height * width * channels;
  const coarse = Array.from({ length: frames }, (_, t) =>
    shrink(values.subarray(t * size, (t + 1) * size), [height, width], channels, 12),
  );
  const mean = coarse[0].map((_, i) => coarse.reduce((sum, frame) => sum + frame[i], 0) / frames);
  const deviation = mean.map((m, i) => Math.sqrt(coarse.reduce((sum, frame) => sum + (frame[i] - m) ** 2, 0) / frames));
  return Float32Array.from([...mean, ...deviation]);
}

const BINS = 24;

/** Shape distributions (Osada et al. 2002): distances of pairs of points, distances to the centre, heights; and means of the rest. */
function shapeHistograms(values: Float32Array, channels: number): Float32Array {
  const count = values.length / channels;
  const pairs = new Float32Array(BINS);
  const radii = new Float32Array(BINS);
  const heights = new Float32Array(BINS);
  const bin = (x: number) => Math.max(0, Math.min(BINS - 1, Math.floor(x * BINS)));
  const at = (i: number, axis: number) => values[i * channels + axis];
  for (let i = 0; i < count; i++) {
    // A fixed walk over pairs: neither random nor all of them.
    for (let step = 1; step < count; step = Math.ceil(step * 1.5) + 1) {
      const j = (i + step) % count;
      const distance = Math.hypot(at(i, 0) - at(j, 0), at(i, 1) - at(j, 1), at(i, 2) - at(j, 2));
      pairs[bin(distance / 2)] += 1 / count;
    }
    radii[bin(Math.hypot(at(i, 0), at(i, 1), at(i, 2)))] += 1 / count;
    heights[bin((at(i, 2) + 1) / 2)] += 1 / count;
  }
  const rest: number[] = [];
  for (let c = 0; c < channels; c++) {
    let [sum, square] = [0, 0];
    for (let i = 0; i < count; i++) {
      sum += at(i, c) / count;
      square += at(i, c) ** 2 / count;
    }
    rest.push(sum, Math.sqrt(Math.max(0, square - sum * sum)));
  }
  return Float32Array.from([...pairs, ...radii, ...heights, ...rest]);
}
