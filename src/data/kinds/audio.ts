/** Sound: one signal of samples. */
import { checkSoundOptions, decodeSound, type SoundOptions, transformSound } from '../audio/index.js';
import type { SignalKind } from './kind.js';

export const audio: SignalKind<SoundOptions> = {
  parts: { audio: /\.(wav|flac|mp3|ogg|oga|opus|m4a|aac|aiff?)$/i },
  noun: 'sound',
  shapes: ({ samples, channels }) => [{ name: 'audio', indexShape: [samples], channels }],
  partial: () => ['audio'],
  check: checkSoundOptions,
  plain: ({ rate, samples, channels, mean, std, crop }) => ({
    ...{ rate, samples, channels, mean, std },
    crop: crop === 'start' ? 'start' : 'center',
  }),
  statistics: ({ mean = [0], std = [1] }) => ({ audio: { mean: [...mean], std: [...std] } }),
  withStatistics: (options, statistics) => ({ ...options, ...statistics.audio }),
  async read({ parts }, options, key, { signals, lengths }) {
    if (!parts) throw new Error('stored pixels are no sound');
    const { values, length } = transformSound(await decodeSound(parts.audio), options, key);
    signals.audio.set(values);
    if (length < options.samples) lengths.audio = length;
  },
};
