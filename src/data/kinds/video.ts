/** Video: a signal of frames x height x width pixels and, where it is asked for, its sound. */
import { type ClipOptions, type ClipSoundOptions, checkClipOptions, readClip } from '../video/index.js';
import { type AudioReaderOptions, audio, checkPatch, perElement, perSample } from './audio.js';
import type { SignalKind } from './kind.js';

/** How videos are read; the sound's samples may be taken in pieces, as those of recordings. */
export interface VideoReaderOptions extends ClipOptions {
  sound?: ClipSoundOptions & Pick<AudioReaderOptions, 'patch'>;
}

export const video: SignalKind<VideoReaderOptions> = {
  parts: { video: /\.(mp4|m4v|webm|mov|avi|mkv|mpe?g)$/i },
  noun: 'video',
  shapes: (options) => [
    { name: 'video', indexShape: [options.frames, ...options.imageSize], channels: 3 },
    ...(options.sound ? audio.shapes(soundReader(options, options.sound)) : []),
  ],
  partial: ({ sound }) => (sound ? ['audio'] : []),
  check(options) {
    checkClipOptions(options);
    checkPatch(soundSamples(options), options.sound?.patch);
  },
  plain: ({ frames, frameRate, imageSize, crop, start, mean, std, sound }) => ({
    ...{ frames, frameRate, imageSize, mean, std },
    crop: crop === 'none' ? 'none' : 'center',
    start: start === 'start' ? 'start' : 'center',
    flip: false,
    sound: sound && { ...sound, gain: undefined },
  }),
  statistics: ({ mean, std, sound }) => ({
    video: { mean: [...mean], std: [...std] },
    ...(sound ? { audio: perElement(sound, sound.channels, sound.patch) } : {}),
  }),
  withStatistics: (options, statistics) => ({
    ...options,
    ...statistics.video,
    sound: options.sound && { ...options.sound, ...perSample(statistics.audio, options.sound.channels) },
  }),
  async read({ parts }, options, key, { signals, lengths }) {
    if (!parts) throw new Error('stored pixels are no video');
    const { video: frames, audio: sound, audioLength = 0 } = await readClip(parts.video, options, key);
    signals.video.set(frames);
    if (!options.sound) return;
    if (sound) signals.audio.set(sound);
    const { patch = 1 } = options.sound;
    if (!sound || audioLength < soundSamples(options)) lengths.audio = sound ? Math.ceil(audioLength / patch) : 0;
  },
};

function soundReader(options: ClipOptions, sound: NonNullable<VideoReaderOptions['sound']>): AudioReaderOptions {
  return { ...sound, samples: soundSamples(options) };
}

/** Samples of the sound of a clip. */
function soundSamples({ sound, frames, frameRate }: ClipOptions): number {
  return sound?.samples ?? Math.round((frames / frameRate) * (sound?.rate ?? 0));
}
