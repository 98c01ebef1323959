/** How the samples of a sound become elements: raw, in short pieces, or as log-mel energies. */
import { ensure } from '../../errors/index.js';
import { fold, type Key } from '../../random/index.js';
import { checkSpecAugment, type SpecAugmentOptions, specAugment } from '../audio/specAugment.js';
import { frameSamples, logMelSpectrogram } from '../audio/spectrogram.js';
import type { SoundInput, SoundOptions } from '../audio/transform.js';
import type { ChannelStatistics } from './kind.js';

/** What one element of a sound is, and which stripes of mel frames are hidden at random. */
export interface SoundForm extends SpecAugmentOptions {
  /**
   * Neighbouring samples that make one element, side by side as its channels. Default 1: raw samples, as HiP takes them;
   * Perceiver takes 128 (arXiv 2103.03206, section 4.2).
   */
  patch?: number;
  /** Mel bands: an element is a frame of 25 ms, every 10 ms, with the logarithms of so many energies. Default 0: no frames. */
  melBins?: number;
}

type Formed = SoundForm & Pick<SoundOptions, 'rate' | 'samples' | 'channels' | 'mean' | 'std'>;

/** Index shape and channels of the elements. */
export function soundShape(options: Formed): { indexShape: number[]; channels: number } {
  const { samples, channels, patch = 1, melBins = 0 } = options;
  if (melBins > 0) return { indexShape: [framesOf(options)], channels: melBins };
  return { indexShape: [samples / patch], channels: channels * patch };
}

/** @throws HiperceiverError where the form does not fit the sound */
export function checkSoundForm(options: Formed): void {
  const { samples, rate, patch = 1, melBins = 0 } = options;
  ensure(
    Number.isInteger(patch) && patch > 0 && samples % patch === 0,
    () => `patch is ${patch}, which does not divide ${samples} samples: give a divisor.`,
  );
  if (melBins === 0) {
    const { timeMask = 0, frequencyMask = 0 } = options;
    ensure(
      timeMask === 0 && frequencyMask === 0,
      () => 'timeMask and frequencyMask hide parts of mel frames: set melBins.',
    );
    return;
  }
  ensure(Number.isInteger(melBins) && melBins > 0, () => `melBins is ${melBins}: give a whole number, such as 64.`);
  ensure(patch === 1, () => 'melBins and patch exclude each other: set one of the two.');
  ensure(framesOf(options) > 0, () => `${samples} samples at ${rate} Hz hold no frame of 25 ms: give more samples.`);
  checkSpecAugment(options, framesOf(options), melBins);
}

/** What the waveform is to be read with: log-mel energies are normalised after they were taken. */
export function waveformOptions<O extends Formed>(options: O): O {
  return options.melBins ? { ...options, mean: [0], std: [1] } : options;
}

/**
 * Writes a sound read with {@link waveformOptions} as elements, some of them hidden as `key` draws it.
 * @returns how many of them are real
 */
export function writeSound({ values, length }: SoundInput, options: Formed, key: Key, out: Float32Array): number {
  const { patch = 1, melBins = 0, rate, channels, mean = [0], std = [1] } = options;
  if (melBins === 0) {
    out.set(values);
    return Math.ceil(length / patch);
  }
  const mono = channels === 1 ? values : monoOf(values, channels);
  const energies = logMelSpectrogram(mono, { rate, numMelBins: melBins }).values;
  for (let i = 0; i < out.length; i++) {
    const band = i % melBins;
    out[i] = (energies[i] - (mean[band] ?? mean[0])) / (std[band] ?? std[0]);
  }
  const real = framesOf({ ...options, samples: length });
  // A zero is the mean of its band.
  specAugment(out.subarray(0, real * melBins), melBins, options, fold(key, 'specAugment'));
  return real;
}

function framesOf({ rate, samples }: Pick<SoundOptions, 'rate' | 'samples'>): number {
  const [length, shift] = frameSamples({ rate });
  return samples < length ? 0 : 1 + Math.floor((samples - length) / shift);
}

function monoOf(values: Float32Array, channels: number): Float32Array {
  return Float32Array.from({ length: values.length / channels }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += values[i * channels + c];
    return sum / channels;
  });
}

/** Statistics that a sound is read with, one per channel or band or one for all, as those of an element's channels. */
export function elementStatistics(options: Formed): ChannelStatistics {
  const { mean = [0], std = [1], channels, melBins = 0 } = options;
  const stored = melBins > 0 ? melBins : channels;
  const width = soundShape(options).channels;
  const repeat = (values: readonly number[]) =>
    Array.from({ length: width }, (_, i) => values[i % stored] ?? values[0]);
  return { mean: repeat(mean), std: repeat(std) };
}

/** Statistics of an element's channels as a sound is read with: pieces count as their samples. */
export function readingStatistics(
  { mean, std }: ChannelStatistics,
  { channels, melBins = 0 }: Pick<Formed, 'channels' | 'melBins'>,
): ChannelStatistics {
  if (melBins > 0 || mean.length <= channels) return { mean, std };
  const average = (values: readonly number[]) =>
    Array.from({ length: channels }, (_, c) => {
      const own = values.filter((_, i) => i % channels === c);
      return own.reduce((a, b) => a + b, 0) / own.length;
    });
  return { mean: average(mean), std: average(std.map((s) => s * s)).map(Math.sqrt) };
}
