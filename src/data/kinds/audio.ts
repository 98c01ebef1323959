/** Sound: one signal of samples, or of short pieces of samples. */
import { ensure } from '../../errors/index.js';
import { checkSoundOptions, decodeSound, type SoundOptions, transformSound } from '../audio/index.js';
import type { ChannelStatistics, SignalKind } from './kind.js';

/** How sounds are read. */
export interface AudioReaderOptions extends SoundOptions {
  /**
   * Neighbouring samples that make one element, side by side as its channels. Default 1: raw samples, as HiP takes them;
   * Perceiver takes 128 (arXiv 2103.03206, section 4.2).
   */
  patch?: number;
}

export const audio: SignalKind<AudioReaderOptions> = {
  parts: { audio: /\.(wav|flac|mp3|ogg|oga|opus|m4a|aac|aiff?)$/i },
  noun: 'sound',
  shapes: ({ samples, channels, patch = 1 }) => [
    { name: 'audio', indexShape: [samples / patch], channels: channels * patch },
  ],
  partial: () => ['audio'],
  check(options) {
    checkSoundOptions(options);
    checkPatch(options.samples, options.patch);
  },
  plain: ({ rate, samples, channels, patch, mean, std, crop }) => ({
    ...{ rate, samples, channels, patch, mean, std },
    crop: crop === 'start' ? 'start' : 'center',
  }),
  statistics: ({ mean, std, channels, patch }) => ({ audio: perElement({ mean, std }, channels, patch) }),
  withStatistics: (options, { audio: given }) => ({ ...options, ...perSample(given, options.channels) }),
  async read({ parts }, options, key, { signals, lengths }) {
    if (!parts) throw new Error('stored pixels are no sound');
    const { values, length } = transformSound(await decodeSound(parts.audio), options, key);
    signals.audio.set(values);
    if (length < options.samples) lengths.audio = Math.ceil(length / (options.patch ?? 1));
  },
};

/** Refuses pieces that do not fill the sound. @throws HiperceiverError */
export function checkPatch(samples: number, patch = 1): void {
  ensure(
    Number.isInteger(patch) && patch > 0 && samples % patch === 0,
    () => `patch is ${patch}, which does not divide ${samples} samples: give a divisor.`,
  );
}

/** Statistics of a sample, `[channels]` or one for all, as those of an element's channels. */
export function perElement(
  { mean = [0], std = [1] }: Pick<SoundOptions, 'mean' | 'std'>,
  channels: number,
  patch = 1,
): ChannelStatistics {
  const repeat = (values: readonly number[]) =>
    Array.from({ length: channels * patch }, (_, i) => values[i % channels] ?? values[0]);
  return { mean: repeat(mean), std: repeat(std) };
}

/** Statistics of an element's channels as those of a sample: means over the samples of a piece. */
export function perSample({ mean, std }: ChannelStatistics, channels: number): ChannelStatistics {
  if (mean.length <= channels) return { mean, std };
  const average = (values: readonly number[]) =>
    Array.from({ length: channels }, (_, c) => {
      const own = values.filter((_, i) => i % channels === c);
      return own.reduce((a, b) => a + b, 0) / own.length;
    });
  return { mean: average(mean), std: average(std.map((s) => s * s)).map(Math.sqrt) };
}
