/** Decoded sound to a log-mel model input `[frames * numMelBins, 1]`, with SpecAugment. */
import { ensure } from '../../errors/index.js';
import { fold, type Key, uniform } from '../../random/index.js';
import type { Sound } from './sound.js';
import { checkFilterBank, type FilterBankOptions, frameSamples, logMelSpectrogram } from './spectrogram.js';
import {
  checkNormalization,
  checkSoundOptions,
  type SoundInput,
  type SoundOptions,
  transformSound,
} from './transform.js';

/** How a decoded sound becomes a log-mel input. Augmentation of the waveform is that of sounds. */
export interface SpectrogramOptions extends FilterBankOptions, Pick<SoundOptions, 'crop' | 'shift' | 'gain'> {
  /** Frames of the result: longer sounds are cropped before they are transformed, shorter ones padded. */
  frames: number;
  /** Subtracted: the mean of the data set's log-mel energies (AudioSet's is -4.2677393). Default 0. */
  mean?: number;
  /** Half of what is divided by (AudioSet's is 4.5689974), as Audio-MAE does. Default 0.5: nothing is divided. */
  std?: number;
  /** Most neighbouring mel bins that SpecAugment hides (48 in Audio-MAE's fine-tuning). Default 0. */
  frequencyMask?: number;
  /** Most neighbouring frames that SpecAugment hides (192 in Audio-MAE's fine-tuning). Default 0. */
  timeMask?: number;
}

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkSpectrogramOptions(options: SpectrogramOptions): void {
  const { frames, numMelBins = 128, mean = 0, std = 0.5 } = options;
  ensure(Number.isInteger(frames) && frames > 0, () => `frames is ${frames}: give a whole number above 0.`);
  checkFilterBank(options);
  checkSoundOptions(waveformOptions(options));
  checkNormalization([mean], [std], 1);
  for (const [name, most, size] of [
    ['frequencyMask', options.frequencyMask ?? 0, numMelBins],
    ['timeMask', options.timeMask ?? 0, frames],
  ] as const)
    ensure(
      Number.isInteger(most) && most >= 0 && most <= size,
      () => `${name} is ${most}: give a whole number from 0 to ${size}.`,
    );
}

/**
 * One decoded sound as log-mel input: mixed to mono, cropped, shifted, made louder or softer, {@link logMelSpectrogram},
 * rows of zeros up to `frames`, SpecAugment, `(x - mean) / (2 std)`. A pure function of the key.
 * @returns `[frames * numMelBins, 1]`, time first, and the number of values before the padding (0 for a sound that is
 * shorter than one frame)
 * @throws Error with a short reason where the sound is empty or holds NaN or infinities
 */
export function transformSpectrogram(sound: Sound, options: SpectrogramOptions, key: Key): SoundInput {
  const { frames, mean = 0, std = 0.5 } = options;
  const waveform = transformSound(sound, waveformOptions(options), key);
  const found = logMelSpectrogram(waveform.values.subarray(0, waveform.length), options);
  const values = new Float32Array(frames * found.bins);
  values.set(found.values);
  specAugment(values, found.bins, options, fold(key, 'specAugment'));
  for (let i = 0; i < values.length; i++) values[i] = (values[i] - mean) / (2 * std);
  return { values, length: found.values.length };
}

/**
 * Hides one stripe of mel bins and one of frames with zeros, in place; their widths are uniform from 0 to the most, their
 * places uniform where they fit (Park et al. 2019, without time warping).
 * @param values `[frames, bins]`
 */
export function specAugment(
  values: Float32Array,
  bins: number,
  { frequencyMask = 0, timeMask = 0 }: Pick<SpectrogramOptions, 'frequencyMask' | 'timeMask'>,
  key: Key,
): void {
  const frames = values.length / bins;
  const [low, high] = stripe(fold(key, 'frequency'), frequencyMask, bins);
  const [start, end] = stripe(fold(key, 'time'), timeMask, frames);
  if (high > low) for (let f = 0; f < frames; f++) values.fill(0, f * bins + low, f * bins + high);
  values.fill(0, start * bins, end * bins);
}

/** From where to where a stripe reaches. */
function stripe(key: Key, most: number, size: number): [start: number, end: number] {
  if (most === 0) return [0, 0];
  const [first, second] = uniform(key, 2);
  const width = Math.floor(first * (Math.min(most, size) + 1));
  const start = Math.floor(second * (size - width + 1));
  return [start, start + width];
}

/** The waveform that gives the wanted frames. */
function waveformOptions(options: SpectrogramOptions): SoundOptions {
  const { rate, crop, shift, gain, frames } = options;
  const [length, step] = frameSamples(options);
  return { rate, samples: length + (frames - 1) * step, channels: 1, crop, shift, gain };
}
