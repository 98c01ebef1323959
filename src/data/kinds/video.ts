/** Video: a signal of frames x height x width pixels and, where it is asked for, its sound. */
import { type ClipOptions, checkClipOptions, readClip } from '../video/index.js';
import type { SignalKind } from './kind.js';

export const video: SignalKind<ClipOptions> = {
  parts: { video: /\.(mp4|m4v|webm|mov|avi|mkv|mpe?g)$/i },
  noun: 'video',
  shapes: (options) => [
    { name: 'video', indexShape: [options.frames, ...options.imageSize], channels: 3 },
    ...(options.sound
      ? [{ name: 'audio', indexShape: [soundSamples(options)], channels: options.sound.channels }]
      : []),
  ],
  partial: ({ sound }) => (sound ? ['audio'] : []),
  check: checkClipOptions,
  plain: ({ frames, frameRate, imageSize, crop, start, mean, std, sound }) => ({
    ...{ frames, frameRate, imageSize, mean, std },
    crop: crop === 'none' ? 'none' : 'center',
    start: start === 'start' ? 'start' : 'center',
    flip: false,
    sound: sound && { ...sound, gain: undefined },
  }),
  statistics: ({ mean, std, sound }) => ({
    video: { mean: [...mean], std: [...std] },
    ...(sound ? { audio: { mean: [...(sound.mean ?? [0])], std: [...(sound.std ?? [1])] } } : {}),
  }),
  withStatistics: (options, statistics) => ({
    ...options,
    ...statistics.video,
    sound: options.sound && { ...options.sound, ...statistics.audio },
  }),
  async read({ parts }, options, key, { signals, lengths }) {
    if (!parts) throw new Error('stored pixels are no video');
    const { video: frames, audio, audioLength = 0 } = await readClip(parts.video, options, key);
    signals.video.set(frames);
    if (!options.sound) return;
    if (audio) signals.audio.set(audio);
    if (!audio || audioLength < soundSamples(options)) lengths.audio = audio ? audioLength : 0;
  },
};

/** Samples of the sound of a clip. */
function soundSamples({ sound, frames, frameRate }: ClipOptions): number {
  return sound?.samples ?? Math.round((frames / frameRate) * (sound?.rate ?? 0));
}
