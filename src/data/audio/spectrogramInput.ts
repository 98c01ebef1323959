/** Decoded sound to a log-mel model input `[frames * numMelBins, 1]`, with SpecAugment. */
import { ensure } from '../../errors/index.js';
import { fold, type Key } from '../../random/index.js';
import type { Sound } from './sound.js';
import { checkSpecAugment, type SpecAugmentOptions, specAugment } from './specAugment.js';
import { checkFilterBank, type FilterBankOptions, frameSamples, logMelSpectrogram } from './spectrogram.js';
import {
  checkNormalization,
  checkSoundOptions,
  type SoundInput,
  type SoundOptions,
  transformSound,
} from './transform.js';

/** How a decoded sound becomes a log-mel input. Augmentation of the waveform is that of sounds. */
export interface SpectrogramOptions
  extends FilterBankOptions,
    Pick<SoundOptions, 'crop' | 'shift' | 'gain'>,
    SpecAugmentOptions {
  /** Frames of the result: longer sounds are cropped before they are transformed, shorter ones padded. */
  frames: number;
  /** Subtracted: the mean of the data set's log-mel energies (AudioSet's is -4.2677393). Default 0. */
  mean?: number;
  /** Half of what is divided by (AudioSet's is 4.5689974), as Audio-MAE does. Default 0.5: nothing is divided. */
  std?: number;
}

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkSpectrogramOptions(options: SpectrogramOptions): void {
  const { frames, numMelBins = 128, mean = 0, std = 0.5 } = options;
  ensure(Number.isInteger(frames) && frames > 0, () => `frames is ${frames}: give a whole number above 0.`);
  checkFilterBank(options);
  checkSoundOptions(waveformOptions(options));
  checkNormalization([mean], [std], 1);
  checkSpecAugment(options, frames, numMelBins);
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

/** The waveform that gives the wanted frames. */
function waveformOptions(options: SpectrogramOptions): SoundOptions {
  const { rate, crop, shift, gain, frames } = options;
  const [length, step] = frameSamples(options);
  return { rate, samples: length + (frames - 1) * step, channels: 1, crop, shift, gain };
}
