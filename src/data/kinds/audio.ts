/** Sound: one signal of samples, of short pieces of samples, or of frames of log-mel energies. */
import { checkSoundOptions, decodeSound, type SoundOptions, transformSound } from '../audio/index.js';
import type { SignalKind } from './kind.js';
import {
  checkSoundForm,
  elementStatistics,
  readingStatistics,
  type SoundForm,
  soundShape,
  waveformOptions,
  writeSound,
} from './soundForm.js';

export const audio: SignalKind<SoundOptions & SoundForm> = {
  parts: { audio: /\.(wav|flac|mp3|ogg|oga|opus|m4a|aac|aiff?)$/i },
  noun: 'sound',
  shapes: (options) => [{ name: 'audio', ...soundShape(options) }],
  partial: () => ['audio'],
  check(options) {
    checkSoundOptions(waveformOptions(options));
    checkSoundForm(options);
  },
  plain: ({ rate, samples, channels, patch, melBins, mean, std, crop }) => ({
    ...{ rate, samples, channels, patch, melBins, mean, std },
    crop: crop === 'start' ? 'start' : 'center',
  }),
  windows: ({ crop }) => ({ crop }),
  statistics: (options) => ({ audio: elementStatistics(options) }),
  withStatistics: (options, { audio: given }) => ({ ...options, ...readingStatistics(given, options) }),
  async read({ parts }, options, key, { signals, lengths }) {
    if (!parts) throw new Error('stored pixels are no sound');
    const sound = transformSound(await decodeSound(parts.audio), waveformOptions(options), key);
    const real = writeSound(sound, options, key, signals.audio);
    if (sound.length < options.samples) lengths.audio = real;
  },
};
