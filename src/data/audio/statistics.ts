/** What the samples of sounds are like. */
import { ensure } from '../../errors/index.js';
import type { Sound } from './sound.js';

/** A channel that is silent throughout still needs a divisor; this one leaves later sounds as they are. */
const SILENT_STD = 1;

/**
 * Mean and standard deviation of each channel over all samples of the sounds, in units of -1 … 1.
 * @throws HiperceiverError where there is no sample, or the sounds differ in their channels
 */
export function soundStatistics(sounds: Iterable<Sound>): { mean: number[]; std: number[] } {
  let sum: Float64Array | undefined;
  let squares = new Float64Array(0);
  let frames = 0;
  for (const { channels, samples } of sounds) {
    if (!sum) [sum, squares] = [new Float64Array(channels), new Float64Array(channels)];
    const { length } = sum;
    ensure(
      length === channels,
      () => `One sound has ${length} channels and another ${channels}: mix them to the same first.`,
    );
    for (let i = 0; i < samples.length; i++) {
      sum[i % channels] += samples[i];
      squares[i % channels] += samples[i] ** 2;
    }
    frames += samples.length / channels;
  }
  ensure(sum && frames > 0, () => 'There is no sample to take statistics of: give at least one sound.');
  const mean = Array.from(sum, (total) => total / frames);
  const std = mean.map((m, c) => Math.sqrt(Math.max(0, squares[c] / frames - m * m)) || SILENT_STD);
  return { mean, std };
}
