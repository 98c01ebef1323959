/** Sound: files to samples, rate and channel conversion, model inputs as waveforms or log-mel spectrograms. */
export { mixChannels } from './channels.js';
export { decodeSound } from './decode.js';
export { resampledFrames, resampleSound, resampleWindow } from './resample.js';
export type { Sound } from './sound.js';
export { type SpecAugmentOptions, specAugment } from './specAugment.js';
export {
  type FilterBankOptions,
  logMelSpectrogram,
  type MelFilter,
  melFilters,
  powerSpectrogram,
  type Spectrogram,
} from './spectrogram.js';
export {
  checkSpectrogramOptions,
  type SpectrogramOptions,
  transformSpectrogram,
} from './spectrogramInput.js';
export { soundStatistics } from './statistics.js';
export {
  checkSoundOptions,
  drawSoundView,
  type SoundInput,
  type SoundOptions,
  type SoundView,
  transformSound,
} from './transform.js';
export { decodeWav, formatWav } from './wav.js';
export { isWav } from './wavHeader.js';
